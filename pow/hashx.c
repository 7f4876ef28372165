#include "hashx.h"

#include <string.h>

#include "blake2b.h"
#include "siphash.h"
#include "wide.h"

/* Inputs that go through the program together. Interpreting an instruction
 * costs far more than executing it, so each one is decoded once for all lanes;
 * 128 lanes of eight registers stay within a first-level cache. */
#define LANES 128

typedef struct {
	uint64_t r[LF_REGISTERS][LANES];
	uint32_t flag[LANES];
} lanes;

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

static inline uint64_t extend(uint32_t imm)
{
	return ((uint64_t)imm ^ 0x80000000) - 0x80000000;
}

int lf_program_run(const lf_insn code[LF_PROGRAM_SIZE],
		   uint64_t r[LF_REGISTERS])
{
	uint32_t flag = 0;
	int target = 0, taken = -1;
	int pc;

	for (pc = 0; pc < LF_PROGRAM_SIZE; pc++) {
		const lf_insn *in = &code[pc];

		switch (in->op) {
		case LF_MULHU:
			r[in->dst] = lf_mulhu(r[in->dst], r[in->src]);
			flag = (uint32_t)r[in->dst];
			break;
		case LF_MULHS:
			r[in->dst] = lf_mulhs(r[in->dst], r[in->src]);
			flag = (uint32_t)r[in->dst];
			break;
		case LF_MUL:
			r[in->dst] *= r[in->src];
			break;
		case LF_SUB:
			r[in->dst] -= r[in->src];
			break;
		case LF_XOR:
			r[in->dst] ^= r[in->src];
			break;
		case LF_ADDSH:
			r[in->dst] += r[in->src] << in->imm;
			break;
		case LF_ROTR:
			r[in->dst] = lf_rotr(r[in->dst], in->imm);
			break;
		case LF_ADDI:
			r[in->dst] += extend(in->imm);
			break;
		case LF_XORI:
			r[in->dst] ^= extend(in->imm);
			break;
		case LF_TARGET:
			target = pc;
			break;
		case LF_BRANCH:
			if (taken < 0 && (flag & in->imm) == 0) {
				taken = pc;
				pc = target;
			}
			break;
		}
	}
	return taken;
}

/* Executes one straight-line instruction on the first n lanes. The loops are
 * plain on purpose: compilers vectorize what the machine has vectors for. */
static void step(const lf_insn *in, lanes *l, size_t n)
{
	uint64_t *d = l->r[in->dst & 7];
	const uint64_t *s = l->r[in->src & 7];
	const uint64_t imm = extend(in->imm);
	const unsigned count = in->imm & 63;
	size_t i;

	switch (in->op) {
	case LF_MULHU:
		for (i = 0; i < n; i++)
			l->flag[i] = (uint32_t)(d[i] = lf_mulhu(d[i], s[i]));
		break;
	case LF_MULHS:
		for (i = 0; i < n; i++)
			l->flag[i] = (uint32_t)(d[i] = lf_mulhs(d[i], s[i]));
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
 * one in sixteen at each branch, and each at most once. */
static void branch(const lf_insn *target, const lf_insn *in, lanes *l,
		   size_t n, uint8_t *taken)
{
	lanes few;
	uint8_t from[LANES];
	size_t i, count = 0;
	int r;

	for (i = 0; i < n; i++) {
		from[count] = (uint8_t)i;
		count += !taken[i] & ((l->flag[i] & in->imm) == 0);
	}
	if (count == 0)
		return;
	for (r = 0; r < LF_REGISTERS; r++)
		for (i = 0; i < count; i++)
			few.r[r][i] = l->r[r][from[i]];
	while (++target < in)
		step(target, &few, count);
	for (r = 0; r < LF_REGISTERS; r++)
		for (i = 0; i < count; i++)
			l->r[r][from[i]] = few.r[r][i];
	for (i = 0; i < count; i++)
		taken[from[i]] = 1;
}

static void run_lanes(const lf_insn *code, lanes *l, size_t n)
{
	const lf_insn *target = code, *end = code + LF_PROGRAM_SIZE, *in;
	uint8_t taken[LANES] = {0};

	for (in = code; in < end; in++) {
		if (in->op == LF_TARGET)
			target = in;
		else if (in->op == LF_BRANCH)
			branch(target, in, l, n, taken);
		else
			step(in, l, n);
	}
}

/* Folds the final registers and the hash key into the digest. */
static inline void fold(const uint64_t r[LF_REGISTERS], const uint64_t key[4],
			uint64_t digest[4])
{
	lf_sip low = {r[0] + key[0], r[1] + key[1], r[2], r[3]};
	lf_sip high = {r[4], r[5], r[6] + key[2], r[7] + key[3]};

	lf_sip_round(&low);
	lf_sip_round(&high);
	digest[0] = low.a ^ high.a;
	digest[1] = low.b ^ high.b;
	digest[2] = low.c ^ high.c;
	digest[3] = low.d ^ high.d;
}

void lf_hashx_digest(const lf_hashx *h, uint64_t x, uint64_t digest[4])
{
	uint64_t r[LF_REGISTERS];

	lf_sip_expand(h->key, x, r, 1);
	lf_program_run(h->code, r);
	fold(r, h->key, digest);
}

uint64_t lf_hashx_hash(const lf_hashx *h, uint64_t x)
{
	uint64_t digest[4];

	lf_hashx_digest(h, x, digest);
	return digest[0];
}

static void hash_lanes(const lf_hashx *h, uint64_t first, size_t n,
		       uint64_t *out)
{
	lanes l;
	uint64_t r[LF_REGISTERS], digest[4];
	size_t i;
	int j;

	for (i = 0; i < n; i++)
		lf_sip_expand(h->key, first + i, &l.r[0][i], LANES);
	run_lanes(h->code, &l, n);
	for (i = 0; i < n; i++) {
		for (j = 0; j < LF_REGISTERS; j++)
			r[j] = l.r[j][i];
		fold(r, h->key, digest);
		out[i] = digest[0];
	}
}

void lf_hashx_range(const lf_hashx *h, uint64_t first, size_t count,
		    uint64_t *out)
{
	while (count > 0) {
		size_t n = count < LANES ? count : LANES;

		hash_lanes(h, first, n, out);
		first += n;
		out += n;
		count -= n;
	}
}
