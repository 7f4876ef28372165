/* HashX in counter mode: every seed defines a program of 512 instructions,
 * hashing a number means running that program on it. */
#ifndef LF_HASHX_H
#define LF_HASHX_H

#include <stddef.h>
#include <stdint.h>

#define LF_PROGRAM_SIZE 512
#define LF_REGISTERS 8
#define LF_NO_REGISTER 0xff

/* Inputs that a solver hashes at once; their registers take 16 KiB, half of a
 * usual first-level cache. */
#define LF_LANES 256

/* The numbers are labels of the test vectors; nothing else depends on them. */
enum {
	LF_MULHU,  /* dst = high half of unsigned dst * src; sets the flag */
	LF_MULHS,  /* dst = high half of signed dst * src; sets the flag */
	LF_MUL,    /* dst *= src */
	LF_SUB,    /* dst -= src */
	LF_XOR,    /* dst ^= src */
	LF_ADDSH,  /* dst += src << imm */
	LF_ROTR,   /* dst = dst rotated right by imm */
	LF_ADDI,   /* dst += sign-extended imm */
	LF_XORI,   /* dst ^= sign-extended imm */
	LF_TARGET, /* where a branch goes back to */
	LF_BRANCH, /* back to the target if flag & imm is 0, once a run */
	LF_OPS
};

typedef struct {
	uint8_t op, dst, src;
	uint32_t imm;
} lf_insn;

typedef struct {
	uint64_t key[4]; /* turns input into registers, registers into hash */
	lf_insn code[LF_PROGRAM_SIZE];
} lf_hashx;

/* What the generator did, for those who compare generators. */
typedef struct {
	uint64_t draws;   /* values taken from the random stream */
	uint16_t placed;  /* instructions placed; 512 if accepted */
	uint16_t retries; /* entries of retried */
	uint16_t retried[LF_PROGRAM_SIZE]; /* instructions that took two tries */
} lf_genlog;

/* Generates the program of a generator key. Returns 1, or 0 if the key has
 * none (about one in 28,600). log may be NULL. */
int lf_program_make(lf_insn code[LF_PROGRAM_SIZE], const uint64_t key[4],
		    lf_genlog *log);

/* Splits the seed's digest: generator key first, then hash key. */
void lf_hashx_keys(uint64_t keys[8], const uint8_t *seed, size_t len);

/* Makes the hash function of a seed. Returns 1, or 0 if the seed has none:
 * there is no second choice, the caller takes another seed. */
int lf_hashx_make(lf_hashx *h, const uint8_t *seed, size_t len, lf_genlog *log);

/* out[i] = hash of x[i]: what a verifier needs. */
void lf_hashx_eight(const lf_hashx *h, const uint64_t x[8], uint64_t out[8]);

/* out[i] = hash of first + i, interpreted: what the solver does where it cannot
 * compile. */
void lf_hashx_range(const lf_hashx *h, uint64_t first, uint64_t out[LF_LANES]);

/* The parts of that on both sides of the program. Register k of lane i is at
 * r[k * LF_LANES + i]. */
void lf_hashx_expand(const lf_hashx *h, uint64_t first,
		     uint64_t r[LF_REGISTERS * LF_LANES]);
void lf_hashx_fold(const lf_hashx *h, const uint64_t r[LF_REGISTERS * LF_LANES],
		   uint64_t out[LF_LANES]);

/* The immediate of an instruction as it is added or xored. */
static inline uint64_t lf_hashx_extend(uint32_t imm)
{
	return ((uint64_t)imm ^ 0x80000000) - 0x80000000;
}

#endif
