/* What HashX instructions would take with NEON, four inputs at a time. Such a register
 * is two of NEON: the low halves of the inputs, and the high ones. NEON has no product
 * of 64 bits, and this takes fewer steps than two inputs to a register. Each function is one
 * instruction. The program holds them to scalar code. Given what each takes, it says
 * what an input takes in all. Usage: neon NAME=INSTRUCTIONS... */
#include <arm_neon.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../asm.h"
#include "../wide.h"

typedef struct {
	uint32x4_t low, high;
} four;

#define SHIFT 2
#define TURN 17
#define CONSTANT 0x87654321u

/* The low halves of four products; and a product of halves, as two times two of 64 bits. */
typedef struct {
	uint64x2_t a, b;
} wide;

static inline wide product(uint32x4_t x, uint32x4_t y)
{
	wide w = {vmull_u32(vget_low_u32(x), vget_low_u32(y)), vmull_high_u32(x, y)};

	return w;
}

static inline uint32x4_t lows(wide w)
{
	return vuzp1q_u32(vreinterpretq_u32_u64(w.a), vreinterpretq_u32_u64(w.b));
}

static inline uint32x4_t highs(wide w)
{
	return vuzp2q_u32(vreinterpretq_u32_u64(w.a), vreinterpretq_u32_u64(w.b));
}

static inline four minus(four x, four y)
{
	const uint32x4_t borrow = vcltq_u32(x.low, y.low);
	four r = {vsubq_u32(x.low, y.low), vaddq_u32(vsubq_u32(x.high, y.high), borrow)};

	return r;
}

static inline four plus(four x, four y)
{
	const uint32x4_t low = vaddq_u32(x.low, y.low), carry = vcltq_u32(low, y.low);
	four r = {low, vsubq_u32(vaddq_u32(x.high, y.high), carry)};

	return r;
}

static inline four high_product(four x, four y)
{
	const wide ll = product(x.low, y.low);
	wide hl = product(x.high, y.low), lh = product(x.low, y.high),
	     hh = product(x.high, y.high);
	uint32x4_t middle;
	four r;

	hl.a = vsraq_n_u64(hl.a, ll.a, 32);
	hl.b = vsraq_n_u64(hl.b, ll.b, 32);
	middle = lows(hl);
	lh.a = vaddw_u32(lh.a, vget_low_u32(middle));
	lh.b = vaddw_high_u32(lh.b, middle);
	hh.a = vsraq_n_u64(vsraq_n_u64(hh.a, hl.a, 32), lh.a, 32);
	hh.b = vsraq_n_u64(vsraq_n_u64(hh.b, hl.b, 32), lh.b, 32);
	r.low = lows(hh);
	r.high = highs(hh);
	return r;
}

void lf_neon_mulhu(four *d, const four *s)
{
	*d = high_product(*d, *s);
}

static inline four where_negative(four x, four y)
{
	const uint32x4_t sign = vcltzq_s32(vreinterpretq_s32_u32(y.high));
	four r = {vandq_u32(x.low, sign), vandq_u32(x.high, sign)};

	return r;
}

void lf_neon_mulhs(four *d, const four *s)
{
	*d = minus(minus(high_product(*d, *s), where_negative(*d, *s)),
		   where_negative(*s, *d));
}

void lf_neon_mul(four *d, const four *s)
{
	uint32x4_t high = highs(product(d->low, s->low));

	high = vmlaq_u32(high, d->low, s->high);
	d->high = vmlaq_u32(high, d->high, s->low);
	d->low = vmulq_u32(d->low, s->low);
}

void lf_neon_sub(four *d, const four *s)
{
	*d = minus(*d, *s);
}

void lf_neon_xor(four *d, const four *s)
{
	d->low = veorq_u32(d->low, s->low);
	d->high = veorq_u32(d->high, s->high);
}

void lf_neon_addsh(four *d, const four *s)
{
	four t = {vshlq_n_u32(s->low, SHIFT), vshlq_n_u32(s->high, SHIFT)};

	t.high = vsraq_n_u32(t.high, s->low, 32 - SHIFT);
	*d = plus(*d, t);
}

void lf_neon_rotr(four *d, const four *s)
{
	const four x = *d;

	(void)s;
	d->low = vsriq_n_u32(vshlq_n_u32(x.high, 32 - TURN), x.low, TURN);
	d->high = vsriq_n_u32(vshlq_n_u32(x.low, 32 - TURN), x.high, TURN);
}

/* s->low is the constant. Its upper half is its sign; half of all have none. */
void lf_neon_addi(four *d, const four *s)
{
	const uint32x4_t low = vaddq_u32(d->low, s->low);

	d->high = vaddq_u32(d->high, vcgeq_u32(low, s->low)); /* -1, and 1 for a carry */
	d->low = low;
}

void lf_neon_xori(four *d, const four *s)
{
	d->low = veorq_u32(d->low, s->low);
	d->high = vmvnq_u32(d->high);
}

/* A branch ends here. The mask and the result are four bits, in s and d. */
void lf_neon_branch(four *d, const four *s)
{
	static const uint16_t bits[4] = {1, 2, 4, 8};
	const uint16x4_t none = vmovn_u32(vceqzq_u32(vandq_u32(d->low, s->low)));

	*(uint8_t *)d = (uint8_t)vaddv_u16(vand_u16(none, vld1_u16(bits)));
}

typedef void step(four *d, const four *s);

static const struct {
	const char *name;
	step *run;
	int extra; /* loads of constants */
} steps[] = {
	[LF_MULHU] = {"mulhu", lf_neon_mulhu, 0}, [LF_MULHS] = {"mulhs", lf_neon_mulhs, 0},
	[LF_MUL] = {"mul", lf_neon_mul, 0},	  [LF_SUB] = {"sub", lf_neon_sub, 0},
	[LF_XOR] = {"xor", lf_neon_xor, 0},	  [LF_ADDSH] = {"addsh", lf_neon_addsh, 0},
	[LF_ROTR] = {"rotr", lf_neon_rotr, 0},	  [LF_ADDI] = {"addi", lf_neon_addi, 1},
	[LF_XORI] = {"xori", lf_neon_xori, 1},	  [LF_TARGET] = {"target", NULL, 0},
	[LF_BRANCH] = {"branch", lf_neon_branch, 1},
};

static uint64_t scalar(int op, uint64_t d, uint64_t s)
{
	switch (op) {
	case LF_MULHU:
		return lf_mulhu(d, s);
	case LF_MULHS:
		return lf_mulhs(d, s);
	case LF_MUL:
		return d * s;
	case LF_SUB:
		return d - s;
	case LF_XOR:
		return d ^ s;
	case LF_ADDSH:
		return d + (s << SHIFT);
	case LF_ROTR:
		return lf_rotr(d, TURN);
	case LF_ADDI:
		return d + lf_hashx_extend(CONSTANT);
	}
	return d ^ lf_hashx_extend(CONSTANT);
}

static uint64_t draw(void)
{
	static uint64_t x = 1;

	x = x * 6364136223846793005u + 1442695040888963407u;
	return x >> 61 == 0 ? 0 - (x >> 60 & 3) : x ^ x >> 29;
}

static int is_right(int op)
{
	uint32_t d[8], s[8];
	uint64_t x[4], y[4];
	four a, b;
	int i;

	for (i = 0; i < 4; i++) {
		x[i] = draw();
		y[i] = draw();
		d[i] = (uint32_t)x[i];
		d[i + 4] = (uint32_t)(x[i] >> 32);
		s[i] = op == LF_ADDI || op == LF_XORI ? CONSTANT : (uint32_t)y[i];
		s[i + 4] = (uint32_t)(y[i] >> 32);
	}
	memcpy(&a, d, sizeof a);
	memcpy(&b, s, sizeof b);
	steps[op].run(&a, &b);
	memcpy(d, &a, sizeof d);
	for (i = 0; i < 4; i++)
		if ((d[i] | (uint64_t)d[i + 4] << 32) != scalar(op, x[i], y[i]))
			return 0;
	return 1;
}

#define PROGRAMS 1000

int main(int argc, char **argv)
{
	static uint8_t memory[LF_CODE_SIZE] __attribute__((aligned(64)));
	static lf_hashx h;
	double takes[LF_OPS] = {0}, vectors = 0, one = 0;
	int i, k, op;

	for (op = 0; op < LF_TARGET; op++)
		for (i = 0; i < 100000; i++)
			if (!is_right(op)) {
				fprintf(stderr, "%s is wrong\n", steps[op].name);
				return 1;
			}
	for (i = 1; i < argc; i++)
		for (op = 0; op < LF_OPS; op++) {
			const size_t n = strlen(steps[op].name);

			if (strncmp(argv[i], steps[op].name, n) == 0 && argv[i][n] == '=')
				takes[op] = atoi(argv[i] + n + 1) + steps[op].extra;
		}
	for (i = 0; i < PROGRAMS; i++) {
		lf_asm a = {memory, memory + sizeof memory};
		lf_jit j;

		if (!lf_hashx_make(&h, (const uint8_t *)&i, sizeof i, NULL) ||
		    !lf_arm64_scalar(&a, &j, h.code))
			continue;
		one += (double)(a.at - memory) / 4;
		for (k = 0; k < LF_PROGRAM_SIZE; k++)
			vectors += takes[h.code[k].op] / 4;
	}
	/* Eight pairs of loads and of stores, and three for the loop, in 17 segments. */
	printf("NEON %.0f and %.0f for segments, scalar %.0f instructions an input\n",
	       vectors / PROGRAMS, 17 * (8 + 8 + 3) / 4.0, one / PROGRAMS);
	return 0;
}
