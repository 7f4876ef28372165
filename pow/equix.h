/* Equi-X: find eight 16-bit indices whose hashes add up to zero in their low
 * 60 bits, by way of pairs (15 bits) and quads (30 bits). */
#ifndef LF_EQUIX_H
#define LF_EQUIX_H

#include <stddef.h>
#include <stdint.h>

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

typedef uint64_t lf_sums[LF_COARSE][LF_COARSE_ITEMS];
typedef uint32_t lf_parents[LF_COARSE][LF_COARSE_ITEMS];
typedef uint32_t lf_short_sums[LF_COARSE][LF_COARSE_ITEMS];
typedef uint16_t lf_indices[LF_COARSE][LF_COARSE_ITEMS];
typedef uint16_t lf_counts[LF_COARSE];

/* All the memory that solving takes but 40 KiB of stack and 64 KiB of code:
 * 1.8 MiB, so that it fits a second-level cache. It needs no initialization but
 * lf_jit_init and is reused as it is.
 * Level 1 holds hashes, level 2 pairs, level 3 quads, each by the low byte of
 * its value; stored are the bits above that byte. */
typedef struct {
	lf_counts count[3];
	lf_indices index;     /* level 1 */
	lf_sums sum2;         /* level 2 */
	lf_parents parent2;
	union {
		lf_sums sum1; /* dead once level 2 is complete */
		struct {
			lf_short_sums sum3;
			lf_parents parent3;
		} level3;
	} shared;
	uint8_t fine_count[LF_FINE];
	uint16_t fine[LF_FINE][LF_FINE_ITEMS];
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

#endif
