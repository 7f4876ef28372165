/* The emitter for AVX2: four inputs to a register. HashX register r is ymm<r>,
 * ymm15 holds zero. Each HashX instruction is a few rows of a table. */
#include "asm.h"
#include "avx2.h"

#if defined(LF_JIT_X86)

static unsigned reg_of(const lf_insn *in, unsigned operand)
{
	switch (operand) {
	case D:
		return in->dst & 7;
	case S:
		return in->src & 7;
	case ZERO:
		return 15;
	}
	return 8 + operand - T0;
}

static unsigned imm_of(const lf_insn *in, unsigned imm)
{
	switch (imm) {
	case COUNT:
		return in->imm & 63;
	case REST:
		return 64 - (in->imm & 63);
	case SIGN_D:
		return (in->dst & 7u) << 4;
	case SIGN_S:
		return (in->src & 7u) << 4;
	}
	return imm;
}

/* VEX in its long form, 256 bits, with the prefix 66 that all of these have.
 * Register numbers are inverted there. */
static void put_vex(lf_asm *a, vex op, unsigned reg, unsigned second, unsigned rm)
{
	lf_put8(a, 0xc4);
	lf_put8(a, (~reg & 8) << 4 | 0x40 | (~rm & 8) << 2 | op.map);
	lf_put8(a, (~second & 15) << 3 | 0x05);
	lf_put8(a, op.opcode);
	lf_put8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* The same with a constant, once for each element, in place of rm. */
static void put_constant(lf_asm *a, vex op, unsigned reg, unsigned second,
			 uint64_t value)
{
	int i;

	for (i = 0; i < 4; i++) {
		a->pool -= 8;
		memcpy(a->pool, &value, 8);
	}
	put_vex(a, op, reg, second, 0);
	a->at[-1] = (uint8_t)((reg & 7) << 3 | 5); /* [rip + 32 bits] */
	lf_put32(a, (uint32_t)(a->pool - (a->at + 4)));
}

static void emit_row(lf_asm *a, const row *w, const lf_insn *in)
{
	const unsigned to = reg_of(in, w->to), x = reg_of(in, w->a);

	if (w->imm == POOL) {
		put_constant(a, w->op, to, x, lf_hashx_extend(in->imm));
		return;
	}
	switch (w->op.shape) {
	case TO_A_B:
		put_vex(a, w->op, to, x, reg_of(in, w->b));
		break;
	case TO_A:
		put_vex(a, w->op, to, 0, x);
		break;
	case DIGIT_TO_A:
		put_vex(a, w->op, w->op.digit, to, x);
		break;
	}
	if (w->imm != NO_IMM)
		lf_put8(a, imm_of(in, w->imm));
}

static void step(lf_asm *a, const lf_insn *in)
{
	const row *w = rows[in->op];
	int i;

	for (i = 0; i < ROWS && w[i].op.shape; i++)
		emit_row(a, &w[i], in);
}

/* All eight registers from or to the four lanes that rdi points to. */
static void move_lanes(lf_asm *a, unsigned opcode)
{
	unsigned k;

	for (k = 0; k < LF_REGISTERS; k++) {
		lf_put32(a, 0x8700fec5 | opcode << 16 | k << 27); /* vmovdqu */
		lf_put32(a, k * LF_LANES * 8);
	}
}
#define LOAD 0x6f
#define STORE 0x7f

/* [rsi++] = a bit for each lane whose flag has none of the branch's bits. */
static void put_test(lf_asm *a, unsigned flag, uint32_t bits)
{
	static const vex pand = {TO_A_B, 1, 0xdb, 0}, pcmpeqq = {TO_A_B, 2, 0x29, 0},
			 movmskpd = {TO_A, 1, 0x50, 0};

	put_constant(a, pand, 8, flag, bits);
	put_vex(a, pcmpeqq, 8, 8, 15);
	put_vex(a, movmskpd, 0, 0, 8);
	lf_put32(a, 0xff480688); /* mov [rsi], al; inc rsi */
	lf_put8(a, 0xc6);
}

/* Instructions from..to for all lanes, four at a time. If it ends with a branch,
 * aux gets a byte for each four lanes, telling which of them would take it. The
 * register of the last wide product is not written again before the branch. */
static int segment(lf_asm *a, const lf_insn *code, int from, int to, int block)
{
	static const vex pxor = {TO_A_B, 1, 0xef, 0};
	const uint8_t *top;
	int i;

	put_vex(a, pxor, 15, 15, 15);
	lf_put8(a, 0x48);
	lf_put8(a, 0x8d);
	lf_put8(a, 0x8f);
	lf_put32(a, LF_LANES * 8); /* lea rcx, [rdi + LF_LANES * 8] */
	top = a->at;
	move_lanes(a, LOAD);
	for (i = from; i < to && lf_asm_room(a); i++)
		step(a, &code[i]);
	if (!lf_asm_room(a))
		return 0;
	if (block < LF_BLOCKS)
		put_test(a, code[lf_flag_at(block)].dst & 7, code[to].imm);
	move_lanes(a, STORE);
	lf_put32(a, 0x20c78348); /* add rdi, 32 */
	lf_put32(a, 0x0fcf3948); /* cmp rdi, rcx; jb top */
	lf_put8(a, 0x82);
	lf_put32(a, (uint32_t)(top - (a->at + 4)));
	lf_put32(a, 0xc377f8c5); /* vzeroupper; ret */
	return lf_asm_room(a);
}

int lf_x86_segments(lf_asm *a, lf_jit *j, const lf_insn *code, lf_segment_fn *segment_of)
{
	int block, from = 0;

	for (block = 0; block <= LF_BLOCKS; block++) {
		int to = block < LF_BLOCKS ? lf_branch_at(block) : LF_PROGRAM_SIZE;

		j->segment[block] = lf_asm_entry(a);
		if (!segment_of(a, code, from, to, block))
			return 0;
		if (block == LF_BLOCKS)
			return 1;
		j->again[block] = lf_asm_entry(a);
		if (!lf_x86_again(a, code, block))
			return 0;
		from = to + 1;
	}
	return 1;
}

int lf_x86_avx2(lf_asm *a, lf_jit *j, const lf_insn *code)
{
	return lf_x86_segments(a, j, code, segment);
}

#endif
