/* HashX programs compiled to machine code, for the solver. Memory is never
 * writable and executable at once. Where the system forbids executable memory,
 * or the machine is not one of those known, the interpreter does the work. */
#ifndef LF_JIT_H
#define LF_JIT_H

#include "hashx.h"

#if defined(__GNUC__) && (defined(__unix__) || defined(__APPLE__))
#if defined(__x86_64__) && !defined(__ILP32__)
#define LF_JIT_X86 1
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define LF_JIT_ARM64 1
#endif
#endif

/* Ways to hash. Which one is the fastest depends on the processor. */
typedef enum { LF_INTERPRETED, LF_SCALAR, LF_AVX2, LF_AVX512, LF_MODES } lf_mode;

#define LF_BLOCKS 16 /* branches of a program */
#define LF_CODE_SIZE 65536

/* r holds register k of lane i at r[k * LF_LANES + i]; what aux and n are is
 * said where such code is emitted. */
typedef void lf_code_fn(uint64_t *r, void *aux, size_t n);

/* Of the entries, LF_SCALAR uses the first segment, for the whole program;
 * vectors run from branch to branch, and again from target to branch for
 * the lanes that take it. */
typedef struct {
	uint8_t *memory; /* NULL for none */
	lf_mode wanted;  /* the way that it was made for */
	lf_mode mode;    /* the way that the last program goes */
	int refused;     /* the system once refused memory for code */
	lf_code_fn *segment[LF_BLOCKS + 1];
	lf_code_fn *again[LF_BLOCKS];
} lf_jit;

/* Gets memory for code: once for each thread that solves. It is there with or
 * without; what comes after works in either case. A way that the machine does not
 * offer, or the system does not allow, is interpreted. */
void lf_jit_init(lf_jit *j, lf_mode wanted);
void lf_jit_free(lf_jit *j);

/* Whether this machine has what a way to hash needs. */
int lf_jit_offers(lf_mode mode);

/* Compiles a program that the generator accepted, if that is possible. */
void lf_jit_make(lf_jit *j, const lf_hashx *h);

/* out[i] = hash of first + i, by the last program compiled, which is h's. */
void lf_jit_range(const lf_jit *j, const lf_hashx *h, uint64_t first,
		  uint64_t out[LF_LANES]);

#endif
