/* The emitter for AArch64: one input at a time. HashX register r is x<8 + r>,
 * callers' registers all; so nothing has to be saved. */
#include "asm.h"

/* Emitting is possible anywhere, which is how it is tested. */

/* The forms that HashX instructions take, with d and s for dst and src. */
typedef enum { NOTHING, D_D_S, D_D_D, D_D_CONSTANT } form;

/* Where the immediate goes. */
enum { SHIFT_6 = 10 }; /* six bits at bit 10, in shifted operands and in ror */

static const struct {
	uint32_t opcode;
	uint8_t form;
} table[LF_OPS] = {
	[LF_MULHU] = {0x9bc07c00, D_D_S}, /* umulh */
	[LF_MULHS] = {0x9b407c00, D_D_S}, /* smulh */
	[LF_MUL] = {0x9b007c00, D_D_S},   /* mul */
	[LF_SUB] = {0xcb000000, D_D_S},   /* sub */
	[LF_XOR] = {0xca000000, D_D_S},   /* eor */
	[LF_ADDSH] = {0x8b000000, D_D_S}, /* add, lsl */
	[LF_ROTR] = {0x93c00000, D_D_D},  /* ror, which is extr of twice the same */
	[LF_ADDI] = {0x8b000000, D_D_CONSTANT}, /* add */
	[LF_XORI] = {0xca000000, D_D_CONSTANT}, /* eor */
};

/* x0 lane, x2 lanes left, x3 constant, w4 flag, w5 -1 once a branch is taken. */
enum { LANE = 0, LEFT = 2, CONSTANT = 3, FIRST = 8 };

static void put(lf_asm *a, uint32_t opcode, unsigned d, unsigned n, unsigned m)
{
	lf_put32(a, opcode | m << 16 | n << 5 | d);
}

/* x3 = the sign-extended constant: movz or movn, and movk. */
static void put_constant(lf_asm *a, uint32_t v)
{
	if (v >> 31)
		lf_put32(a, 0x92800000 | (~v & 0xffff) << 5 | CONSTANT);
	else
		lf_put32(a, 0xd2800000 | (v & 0xffff) << 5 | CONSTANT);
	lf_put32(a, 0xf2a00000 | v >> 16 << 5 | CONSTANT);
}

static void step(lf_asm *a, const lf_insn *in)
{
	const unsigned d = FIRST + (in->dst & 7u), s = FIRST + (in->src & 7u);
	uint32_t opcode = table[in->op].opcode;

	if (in->op == LF_ADDSH || in->op == LF_ROTR)
		opcode |= (in->imm & 63) << SHIFT_6;
	switch (table[in->op].form) {
	case D_D_S:
		put(a, opcode, d, d, s);
		break;
	case D_D_D:
		put(a, opcode, d, d, d);
		break;
	case D_D_CONSTANT:
		put_constant(a, in->imm);
		put(a, opcode, d, d, CONSTANT);
		break;
	}
}

/* All eight registers from or to the lane that x0 points to. */
static void move_lane(lf_asm *a, uint32_t opcode)
{
	unsigned k;

	for (k = 0; k < LF_REGISTERS; k++)
		put(a, opcode | (k * LF_LANES) << 10, FIRST + k, LANE, 0);
}
#define LOAD 0xf9400000u  /* ldr */
#define STORE 0xf9000000u /* str */

/* What jumps over instructions goes to: distances count them, backwards here. */
static uint32_t distance(const lf_asm *a, const uint8_t *target)
{
	return (uint32_t)((target - a->at) / 4) & 0x7ffff;
}

/* A branch may be taken once: w5 is 0 before and -1 after, which no mask passes
 * by. The register of the wide product still holds it. */
static void put_branch(lf_asm *a, const lf_insn *in, unsigned flag,
		       const uint8_t *target)
{
	put_constant(a, in->imm);
	lf_put32(a, 0x2a050004 | (FIRST + flag) << 5); /* orr w4, flag, w5 */
	lf_put32(a, 0x6a03009f); /* tst w4, w3 */
	lf_put32(a, 0x5a9f10a5); /* csinv w5, w5, wzr, ne */
	lf_put32(a, 0x54000000 | distance(a, target) << 5); /* b.eq target */
}

/* The whole program for n lanes from the first on. */
int lf_arm64_scalar(lf_asm *a, lf_jit *j, const lf_insn *code)
{
	const uint8_t *top = a->at, *target = a->at;
	unsigned flag = 0;
	int i;

	j->segment[0] = lf_asm_entry(a);
	top = a->at;
	move_lane(a, LOAD);
	lf_put32(a, 0x52800005); /* mov w5, 0 */
	for (i = 0; i < LF_PROGRAM_SIZE && lf_asm_room(a); i++) {
		if (code[i].op <= LF_MULHS)
			flag = code[i].dst & 7;
		if (code[i].op == LF_TARGET)
			target = a->at;
		else if (code[i].op == LF_BRANCH)
			put_branch(a, &code[i], flag, target);
		else
			step(a, &code[i]);
	}
	if (!lf_asm_room(a))
		return 0;
	move_lane(a, STORE);
	lf_put32(a, 0x91002000); /* add x0, x0, 8 */
	lf_put32(a, 0xf1000442); /* subs x2, x2, 1 */
	lf_put32(a, 0x54000001 | distance(a, top) << 5); /* b.ne top */
	lf_put32(a, 0xd65f03c0); /* ret */
	return 1;
}
