/* Equi-X: find eight 16-bit indices whose hashes add up to zero in their low
 * 60 bits, by way of pairs (15 bits) and quads (30 bits). */
#ifndef LF_EQUIX_H
#define LF_EQUIX_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "hashx.h"
#include "jit.h"

#define LF_INDICES 8
#define LF_INDEX_SPACE 65536
#define LF_SOLUTION_SIZE 16
#define LF_MAX_SOLUTIONS 8

typedef enum {
	LF_OK,
	LF_BAD_EFFORT,
	LF_BAD_ORDER,
	LF_BAD_PROGRAM,
	LF_BAD_PARTIAL_SUM,
	LF_BAD_FINAL_SUM
} lf_verdict;

/* The challenge is the HashX seed as it is, of any length. */
lf_verdict lf_equix_verify(const uint8_t *challenge, size_t len,
			   const uint8_t solution[LF_SOLUTION_SIZE]);

/* Bucket sizes of the solver. They are close to Poisson distributed with means
 * 256 and 2; what does not fit is dropped, which loses next to nothing. */
#define LF_COARSE 256
#define LF_COARSE_ITEMS 336
#define LF_FINE 128
#define LF_FINE_ITEMS 12

#define LF_OPPOSITE(b) ((LF_COARSE - (b)) % LF_COARSE)

#define LF_LOW(bits) (((uint64_t)1 << (bits)) - 1)

/* What matters of a hash, a pair and a quad above its low byte. A sum of two may carry
 * into one bit more. The 26 bits above that tell where it comes from: its right
 * parent's position, the left one's, and the left one's coarse bucket; the right one's
 * is opposite. */
#define LF_HASH_BITS 52
#define LF_PAIR_BITS 37
#define LF_QUAD_BITS 22
#define LF_FROM(bits) ((bits) + 1)
#define LF_FROM_BUCKET(bits) (LF_FROM(bits) + 18)

/* The coarse buckets of a level, one after another. */
#define LF_BEGIN(b) ((b) * LF_COARSE_ITEMS)
typedef uint64_t lf_items[LF_BEGIN(LF_COARSE)];
typedef uint16_t lf_indices[LF_BEGIN(LF_COARSE)];
typedef uint32_t lf_ends[LF_COARSE];

/* Numbers that are added by one instruction, and sums that are made whatever their
 * number is. */
#if defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__)
typedef uint64_t lf_pair __attribute__((vector_size(16)));
#define LF_SUMS_AT_ONCE 8
#else
typedef uint64_t lf_pair;
#define LF_SUMS_AT_ONCE 4
#endif
#define LF_PAIR_LANES ((int)(sizeof(lf_pair) / sizeof(uint64_t)))

/* For one coarse bucket and its opposite: right items by fine bucket, and the sums of
 * the pairs that cancel. */
typedef struct {
	uint8_t fine_count[LF_FINE];
	uint64_t fine[LF_FINE][LF_FINE_ITEMS];
	uint64_t sums[LF_COARSE_ITEMS * LF_FINE_ITEMS + LF_FINE_ITEMS];
} lf_scratch;

/* All the memory that solving takes but 30 KiB of stack and 64 KiB of code:
 * 1.5 MiB, for the sake of second-level caches. It needs no initialization but
 * lf_jit_init and is reused as it is. An item stands in the bucket of its low
 * byte; stored are the bits above that. */
typedef struct {
	lf_items items; /* hashes; when all pairs are there, quads */
	lf_items pairs;
	lf_indices index; /* of the hashes */
	lf_ends end[3]; /* of what is in each bucket of hashes, pairs and quads */
	lf_ends full;   /* where each bucket ends */
	lf_scratch scratch;
	uint8_t solutions[LF_MAX_SOLUTIONS][LF_SOLUTION_SIZE];
	int found;
	lf_hashx hash;
	lf_jit jit;
} lf_solver;

/* What lf_equix_solve returns instead of a count. */
#define LF_REJECTED (-1) /* the challenge has no program */
#define LF_STOPPED (-2)  /* *stop became non-zero */

/* Puts the solutions into s->solutions and returns how many. stop may be NULL;
 * another thread may set what it points to. */
int lf_equix_solve(lf_solver *s, const uint8_t *challenge, size_t len,
		   const uint32_t *stop);

static inline unsigned lf_count(const lf_solver *s, int level, unsigned b)
{
	return s->end[level][b] - LF_BEGIN(b);
}

/* The last round. Returns 0 if it was stopped. */
int lf_equix_finish(lf_solver *s, const uint32_t *stop);

static inline int lf_stopped(const uint32_t *stop)
{
#ifdef __ATOMIC_RELAXED
	return stop && __atomic_load_n(stop, __ATOMIC_RELAXED);
#else
	return stop && *(const volatile uint32_t *)stop;
#endif
}

/* The eight indices of a solution, in tree order, from where the two quads in
 * it come from. */
void lf_write_solution(const lf_solver *s, uint32_t from, uint8_t out[LF_SOLUTION_SIZE]);

#endif
