/* What the emitters of machine code share: a buffer that code fills from below
 * and constants from above, and the shape of what they make. */
#ifndef LF_ASM_H
#define LF_ASM_H

#include <stdint.h>
#include <string.h>

#include "bytes.h"
#include "hashx.h"
#include "jit.h"

typedef struct {
	uint8_t *at;   /* the next instruction goes here */
	uint8_t *pool; /* the constants start here */
} lf_asm;

/* More than any one HashX instruction, loop head or tail takes, its constant
 * included. */
#define LF_ASM_STEP 512

static inline int lf_asm_room(const lf_asm *a)
{
	return a->pool - a->at >= LF_ASM_STEP;
}

static inline void lf_put8(lf_asm *a, unsigned v)
{
	*a->at++ = (uint8_t)v;
}

/* The code that follows, on a cache line of its own, as a function. C99 knows no
 * way from data to functions but through their bits. */
static inline lf_code_fn *lf_asm_entry(lf_asm *a)
{
	lf_code_fn *f;

	a->at += (0 - (uintptr_t)a->at) & 63;
	memcpy(&f, &a->at, sizeof f);
	return f;
}

/* Both architectures are little-endian, as are the hosts of their emitters. */
static inline void lf_put32(lf_asm *a, uint32_t v)
{
	memcpy(a->at, &v, sizeof v);
	a->at += sizeof v;
}

/* The first branch target is instruction 1, the first branch 17, the first wide
 * multiplication between them 11; from there on all come at the same distance.
 * A program that differs is not compiled. */
static inline int lf_target_at(int block) { return 32 * block + 1; }
static inline int lf_branch_at(int block) { return 32 * block + 17; }
static inline int lf_flag_at(int block) { return 32 * block + 11; }

/* The emitters. Each fills j's entries and returns 1, or 0 if there is no room. */
int lf_x86_scalar(lf_asm *a, lf_jit *j, const lf_insn *code);
int lf_x86_avx2(lf_asm *a, lf_jit *j, const lf_insn *code);
int lf_x86_avx512(lf_asm *a, lf_jit *j, const lf_insn *code);
int lf_arm64_scalar(lf_asm *a, lf_jit *j, const lf_insn *code);

/* The scalar emitter's part in the vector one. */
int lf_x86_again(lf_asm *a, const lf_insn *code, int block);

/* Emits instructions from..to of a block for all lanes; see avx2.c. */
typedef int lf_segment_fn(lf_asm *a, const lf_insn *code, int from, int to, int block);

/* What the vector emitters share: segments from branch to branch. */
int lf_x86_segments(lf_asm *a, lf_jit *j, const lf_insn *code, lf_segment_fn *segment_of);

/* Run all lanes, a segment at a time. */
void lf_avx2_range(const lf_jit *j, const lf_hashx *h, uint64_t first,
		   uint64_t out[LF_LANES]);
void lf_avx512_range(const lf_jit *j, const lf_hashx *h, uint64_t first,
		     uint64_t out[LF_LANES]);

#endif
