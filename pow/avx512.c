/* The emitter for AVX-512 (F and DQ): eight inputs to a register. HashX register r
 * is zmm<r>. Each HashX instruction is a few rows of a table. Two groups of eight
 * at a time are no faster: the processor overlaps the passes by itself. */
#include "asm.h"
#include "avx512.h"

#if defined(LF_JIT_X86)

#define LOWS 15 /* the register of LOW_HALVES */

static unsigned reg_of(const lf_insn *in, unsigned operand)
{
	switch (operand) {
	case D:
		return in->dst & 7;
	case S:
		return in->src & 7;
	case LOW_HALVES:
		return LOWS;
	}
	return 8 + operand - T0;
}

/* What z, L'L, b and V' of the prefix say, next to the mask: 512 bits. With
 * BROADCAST the operand in memory is one element that stands for all. Register
 * numbers are inverted; here all are below 16. */
enum { PLAIN = 0x48, BROADCAST = 0x58 };

static void put_evex(lf_asm *a, evex op, unsigned reg, unsigned second, unsigned rm,
		     unsigned how)
{
	lf_put8(a, 0x62);
	lf_put8(a, (~reg & 8) << 4 | 0x50 | (~rm & 8) << 2 | op.map);
	lf_put8(a, 0x84 | (~second & 15) << 3 | op.prefix);
	lf_put8(a, how);
	lf_put8(a, op.opcode);
	lf_put8(a, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* The same with a constant in place of rm. */
static void put_constant(lf_asm *a, evex op, unsigned reg, unsigned second,
			 unsigned how, uint64_t value)
{
	a->pool -= 8;
	memcpy(a->pool, &value, 8);
	put_evex(a, op, reg, second, 0, how);
	a->at[-1] = (uint8_t)((reg & 7) << 3 | 5); /* [rip + 32 bits] */
	lf_put32(a, (uint32_t)(a->pool - (a->at + 4)));
}

static void emit_row(lf_asm *a, const row *w, const lf_insn *in)
{
	const unsigned to = reg_of(in, w->to), x = reg_of(in, w->a);

	if (w->imm == POOL) {
		put_constant(a, w->op, to, x, BROADCAST, lf_hashx_extend(in->imm));
		return;
	}
	switch (w->op.shape) {
	case TO_A_B:
		put_evex(a, w->op, to, x, reg_of(in, w->b), PLAIN | w->mask);
		break;
	case DIGIT_TO_A:
		put_evex(a, w->op, w->op.digit, to, x, PLAIN);
		lf_put8(a, w->imm == COUNT ? in->imm & 63 : w->imm);
		break;
	case MASK_A:
		put_evex(a, w->op, w->to, 0, x, PLAIN);
		break;
	}
}

static void step(lf_asm *a, const lf_insn *in)
{
	const row *w = rows[in->op];
	int i;

	for (i = 0; i < ROWS && w[i].op.shape; i++)
		emit_row(a, &w[i], in);
}

/* All eight registers from or to the eight lanes that rdi points to. */
static void move_lanes(lf_asm *a, unsigned opcode)
{
	const evex move = {TO_A_B, 1, PREFIX_F3, (uint8_t)opcode, 0}; /* vmovdqu64 */
	unsigned k;

	for (k = 0; k < LF_REGISTERS; k++) {
		put_evex(a, move, k, 0, 0, PLAIN);
		a->at[-1] = (uint8_t)(k << 3 | 0x87); /* [rdi + 32 bits] */
		lf_put32(a, k * LF_LANES * 8);
	}
}
#define LOAD 0x6f
#define STORE 0x7f

/* [rsi++] = a bit for each lane whose flag has none of the branch's bits. */
static void put_test(lf_asm *a, unsigned flag, uint32_t bits)
{
	static const evex testnmq = {TO_A_B, 2, PREFIX_F3, 0x27, 0};

	put_constant(a, testnmq, 1, flag, BROADCAST, bits);
	lf_put32(a, 0xc193f9c5); /* kmovb eax, k1 */
	lf_put32(a, 0xff480688); /* mov [rsi], al; inc rsi */
	lf_put8(a, 0xc6);
}

/* Instructions from..to for all lanes, eight at a time. If it ends with a branch, aux gets a bit
 * for each lane, telling which of them would take it. The register of the last
 * wide product is not written again before the branch. */
static int segment(lf_asm *a, const lf_insn *code, int from, int to, int block)
{
	static const evex broadcast = {TO_A_B, 2, PREFIX_66, 0x59, 0};
	const uint8_t *top;
	int i;

	put_constant(a, broadcast, LOWS, 0, PLAIN, 0xffffffff);
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
	lf_put32(a, 0x40c78348); /* add rdi, 64 */
	lf_put32(a, 0x0fcf3948); /* cmp rdi, rcx; jb top */
	lf_put8(a, 0x82);
	lf_put32(a, (uint32_t)(top - (a->at + 4)));
	lf_put32(a, 0xc377f8c5); /* vzeroupper; ret */
	return lf_asm_room(a);
}

int lf_x86_avx512(lf_asm *a, lf_jit *j, const lf_insn *code)
{
	return lf_x86_segments(a, j, code, segment);
}

#endif
