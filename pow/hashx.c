#include "hashx.h"

#include <string.h>

#include "blake2b.h"
#include "bytes.h"
#include "siphash.h"
#include "wide.h"

static const uint8_t salt[LF_BLAKE2B_SALT] = "HashX v1";

void lf_hashx_keys(uint64_t keys[8], const uint8_t *seed, size_t len)
{
	lf_blake2b b;
	uint8_t digest[64];
	int i;

	lf_blake2b_init(&b, sizeof digest, salt);
	lf_blake2b_update(&b, seed, len);
	lf_blake2b_final(&b, digest);
	for (i = 0; i < 8; i++)
		keys[i] = lf_load_le64(digest + 8 * i);
}

int lf_hashx_make(lf_hashx *h, const uint8_t *seed, size_t len, lf_genlog *log)
{
	uint64_t keys[8];

	lf_hashx_keys(keys, seed, len);
	memcpy(h->key, keys + 4, sizeof h->key);
	return lf_program_make(h->code, keys, log);
}

/* Interpreting an instruction costs far more than executing it: with ever new
 * programs the processor guesses nearly every one wrong. So each is decoded once
 * for many inputs, the lanes. The solver has as many lanes as fit a first-level
 * cache; the verifier has the eight of one solution.
 *
 * Register r of lane i is at r[r * width + i]. The functions below are compiled
 * once for each width, a constant in both, which is what makes them fast. */

/* Executes one straight-line instruction on the first n lanes. The loops are
 * plain on purpose: compilers vectorize what the machine has vectors for. */
LF_INLINE void step(const lf_insn *in, uint64_t *r, uint32_t *flag,
		    size_t width, size_t n)
{
	uint64_t *d = r + (in->dst & 7) * width;
	const uint64_t *s = r + (in->src & 7) * width;
	const uint64_t imm = lf_hashx_extend(in->imm);
	const unsigned count = in->imm & 63;
	size_t i;

	switch (in->op) {
	case LF_MULHU:
		for (i = 0; i < n; i++)
			flag[i] = (uint32_t)(d[i] = lf_mulhu(d[i], s[i]));
		break;
	case LF_MULHS:
		for (i = 0; i < n; i++)
			flag[i] = (uint32_t)(d[i] = lf_mulhs(d[i], s[i]));
		break;
	case LF_MUL:
		for (i = 0; i < n; i++)
			d[i] *= s[i];
		break;
	case LF_SUB:
		for (i = 0; i < n; i++)
			d[i] -= s[i];
		break;
	case LF_XOR:
		for (i = 0; i < n; i++)
			d[i] ^= s[i];
		break;
	case LF_ADDSH:
		for (i = 0; i < n; i++)
			d[i] += s[i] << count;
		break;
	case LF_ROTR:
		for (i = 0; i < n; i++)
			d[i] = lf_rotr(d[i], count);
		break;
	case LF_ADDI:
		for (i = 0; i < n; i++)
			d[i] += imm;
		break;
	case LF_XORI:
		for (i = 0; i < n; i++)
			d[i] ^= imm;
		break;
	}
}

/* A taken branch repeats the instructions between its target and itself, once,
 * for the lanes that take it. They are copied out, run and copied back: about
 * one in sixteen at each branch, and each at most once. What they leave in flag
 * is of no use to a lane that cannot branch again. */
LF_INLINE void branch(const lf_insn *target, const lf_insn *in, uint64_t *r,
		      const uint32_t *flag, uint8_t *taken, size_t width)
{
	LF_ALIGNED uint64_t few[LF_REGISTERS * LF_LANES];
	LF_ALIGNED uint32_t few_flag[LF_LANES];
	uint8_t from[LF_LANES];
	size_t i, k, count = 0;

	for (i = 0; i < width; i++) {
		from[count] = (uint8_t)i;
		count += !taken[i] & ((flag[i] & in->imm) == 0);
	}
	if (count == 0)
		return;
	for (k = 0; k < LF_REGISTERS; k++)
		for (i = 0; i < count; i++)
			few[k * width + i] = r[k * width + from[i]];
	while (++target < in)
		step(target, few, few_flag, width, count);
	for (k = 0; k < LF_REGISTERS; k++)
		for (i = 0; i < count; i++)
			r[k * width + from[i]] = few[k * width + i];
	for (i = 0; i < count; i++)
		taken[from[i]] = 1;
}

LF_INLINE void run(const lf_insn *code, uint64_t *r, size_t width)
{
	const lf_insn *target = code, *end = code + LF_PROGRAM_SIZE, *in;
	LF_ALIGNED uint32_t flag[LF_LANES];
	uint8_t taken[LF_LANES];

	memset(flag, 0, width * sizeof flag[0]);
	memset(taken, 0, width);
	for (in = code; in < end; in++) {
		if (in->op == LF_TARGET)
			target = in;
		else if (in->op == LF_BRANCH)
			branch(target, in, r, flag, taken, width);
		else
			step(in, r, flag, width, width);
	}
}

void lf_hashx_eight(const lf_hashx *h, const uint64_t x[8], uint64_t out[8])
{
	uint64_t r[LF_REGISTERS * 8];
	size_t i;

	for (i = 0; i < 8; i++)
		lf_sip_expand(h->key, x[i], r + i, 8);
	run(h->code, r, 8);
	for (i = 0; i < 8; i++)
		out[i] = lf_sip_fold(h->key, r + i, 8);
}

void lf_hashx_expand(const lf_hashx *h, uint64_t first,
		     uint64_t r[LF_REGISTERS * LF_LANES])
{
	size_t i;

	for (i = 0; i < LF_LANES; i++)
		lf_sip_expand(h->key, first + i, r + i, LF_LANES);
}

void lf_hashx_fold(const lf_hashx *h, const uint64_t r[LF_REGISTERS * LF_LANES],
		   uint64_t out[LF_LANES])
{
	size_t i;

	for (i = 0; i < LF_LANES; i++)
		out[i] = lf_sip_fold(h->key, r + i, LF_LANES);
}

void lf_hashx_range(const lf_hashx *h, uint64_t first, uint64_t out[LF_LANES])
{
	LF_ALIGNED uint64_t r[LF_REGISTERS * LF_LANES];

	lf_hashx_expand(h, first, r);
	run(h->code, r, LF_LANES);
	lf_hashx_fold(h, r, out);
}
