/* The emitter for x86-64 without vectors: one input at a time. HashX register
 * r is r<8 + r>; rax and rdx belong to the wide products. */
#include "asm.h"

#if defined(LF_JIT_X86)

/* The forms that HashX instructions take. d and s are dst and src. */
typedef enum {
	NOTHING,
	MODRM_DS, /* 0f opcode, d in reg, s in rm */
	MODRM_SD, /* opcode, s in reg, d in rm */
	DIGIT_D8, /* opcode /digit, d in rm, immediate byte */
	DIGIT_D32, /* the same with 32 bits, which the CPU sign-extends */
	ADDRESS,  /* opcode, d in reg, [d + s * 2^imm] */
	THROUGH_RDX /* mov rax, d; opcode /digit s; mov d, rdx */
} form;

static const struct {
	uint8_t form, opcode, digit;
} table[LF_OPS] = {
	[LF_MULHU] = {THROUGH_RDX, 0xf7, 4},
	[LF_MULHS] = {THROUGH_RDX, 0xf7, 5},
	[LF_MUL] = {MODRM_DS, 0xaf, 0},
	[LF_SUB] = {MODRM_SD, 0x29, 0},
	[LF_XOR] = {MODRM_SD, 0x31, 0},
	[LF_ADDSH] = {ADDRESS, 0x8d, 0}, /* never d = R5, which would need a displacement */
	[LF_ROTR] = {DIGIT_D8, 0xc1, 1},
	[LF_ADDI] = {DIGIT_D32, 0x81, 0},
	[LF_XORI] = {DIGIT_D32, 0x81, 6},
};

enum { RAX = 0, RDX = 2, RBX = 3 };

/* An instruction of 64 bits between two registers of sixteen. */
static void put_modrm(lf_asm *a, unsigned opcode, unsigned reg, unsigned rm)
{
	lf_put8(a, 0x48 | (reg & 8) >> 1 | rm >> 3);
	lf_put8(a, opcode);
	lf_put8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static void put_bytes(lf_asm *a, const char *code, size_t n)
{
	memcpy(a->at, code, n);
	a->at += n;
}
#define PUT(a, text) put_bytes(a, text, sizeof(text) - 1)

static void step(lf_asm *a, const lf_insn *in)
{
	const unsigned opcode = table[in->op].opcode, digit = table[in->op].digit;
	const unsigned d = 8u + (in->dst & 7), s = 8u + (in->src & 7);

	switch (table[in->op].form) {
	case MODRM_DS:
		PUT(a, "\x4d\x0f");
		lf_put8(a, opcode);
		lf_put8(a, 0xc0 | (d & 7) << 3 | (s & 7));
		break;
	case MODRM_SD:
		put_modrm(a, opcode, s, d);
		break;
	case DIGIT_D8:
		put_modrm(a, opcode, digit, d);
		lf_put8(a, in->imm);
		break;
	case DIGIT_D32:
		put_modrm(a, opcode, digit, d);
		lf_put32(a, in->imm);
		break;
	case ADDRESS:
		lf_put8(a, 0x4f);
		lf_put8(a, opcode);
		lf_put8(a, 0x04 | (d & 7) << 3);
		lf_put8(a, (in->imm & 3) << 6 | (s & 7) << 3 | (d & 7));
		break;
	case THROUGH_RDX:
		put_modrm(a, 0x89, d, RAX);
		put_modrm(a, opcode, digit, s);
		put_modrm(a, 0x89, RDX, d);
		break;
	}
}

/* All eight registers from or to the lane that rbx points to. */
static void move_lane(lf_asm *a, unsigned opcode)
{
	unsigned k;

	for (k = 0; k < LF_REGISTERS; k++) {
		lf_put8(a, 0x4c);
		lf_put8(a, opcode);
		lf_put8(a, 0x80 | k << 3 | RBX);
		lf_put32(a, k * LF_LANES * 8);
	}
}
#define LOAD 0x8b
#define STORE 0x89

static void enter(lf_asm *a)
{
	PUT(a, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57"); /* push rbx, rbp, r12-r15 */
	PUT(a, "\x48\x89\xd1"); /* mov rcx, rdx: rdx is about to be used */
}

/* Goes back to top while rcx counts down, and returns after that. */
static void leave(lf_asm *a, const uint8_t *top)
{
	PUT(a, "\x48\xff\xc9\x0f\x85"); /* dec rcx; jnz top */
	lf_put32(a, (uint32_t)(top - (a->at + 4)));
	PUT(a, "\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3"); /* pop them; ret */
}

/* From target to branch for n lanes, whose numbers are the bytes of aux. */
int lf_x86_again(lf_asm *a, const lf_insn *code, int block)
{
	const uint8_t *top;
	int i;

	enter(a);
	top = a->at;
	PUT(a, "\x0f\xb6\x06\x48\xff\xc6"); /* movzx eax, byte [rsi]; inc rsi */
	PUT(a, "\x48\x8d\x1c\xc7");         /* lea rbx, [rdi + 8 * rax] */
	move_lane(a, LOAD);
	for (i = lf_target_at(block) + 1; i < lf_branch_at(block); i++)
		step(a, &code[i]);
	move_lane(a, STORE);
	leave(a, top);
	return lf_asm_room(a);
}

/* A branch may be taken once: esi is 0 before and -1 after, which no mask
 * passes by. The jump back sets the zero flag, falling into the target clears
 * it, and the conditional move knows one from the other. rdx still holds the
 * last wide product. */
static void put_target(lf_asm *a, const uint8_t **target)
{
	PUT(a, "\x85\xed"); /* test ebp, ebp: -1 */
	*target = a->at;
	PUT(a, "\x0f\x44\xf5"); /* cmovz esi, ebp */
}

static void put_branch(lf_asm *a, const lf_insn *in, const uint8_t *target)
{
	PUT(a, "\x09\xf2\xf7\xc2"); /* or edx, esi; test edx, imm */
	lf_put32(a, in->imm);
	PUT(a, "\x0f\x84"); /* jz target */
	lf_put32(a, (uint32_t)(target - (a->at + 4)));
}

/* The whole program for n lanes from the first on. */
int lf_x86_scalar(lf_asm *a, lf_jit *j, const lf_insn *code)
{
	const uint8_t *top, *target = a->at;
	int i;

	j->segment[0] = lf_asm_entry(a);
	enter(a);
	PUT(a, "\x48\x89\xfb\x83\xcd\xff"); /* mov rbx, rdi; or ebp, -1 */
	top = a->at;
	move_lane(a, LOAD);
	PUT(a, "\x31\xf6"); /* xor esi, esi */
	for (i = 0; i < LF_PROGRAM_SIZE && lf_asm_room(a); i++) {
		if (code[i].op == LF_TARGET)
			put_target(a, &target);
		else if (code[i].op == LF_BRANCH)
			put_branch(a, &code[i], target);
		else
			step(a, &code[i]);
	}
	if (!lf_asm_room(a))
		return 0;
	move_lane(a, STORE);
	PUT(a, "\x48\x83\xc3\x08"); /* add rbx, 8 */
	leave(a, top);
	return 1;
}

#endif
