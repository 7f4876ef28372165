/* LF's use of Equi-X: the effort, bound into the challenge, as in Tor's v1. */
#ifndef LF_PROOF_H
#define LF_PROOF_H

#include "equix.h"

#define LF_MAX_SEED 268 /* challenge, nonce, effort */

/* R, the number that a solution draws in the effort's lottery. */
uint32_t lf_proof_draw(const uint8_t *seed, size_t len,
		       const uint8_t solution[LF_SOLUTION_SIZE]);

/* Whether a solution's draw is good enough: R * effort fits 32 bits. */
int lf_proof_enough(const uint8_t *seed, size_t len,
		    const uint8_t solution[LF_SOLUTION_SIZE], uint32_t effort);

/* Cheap checks first; the verdict is that of the first one that fails. */
lf_verdict lf_proof_verify(const uint8_t *seed, size_t len,
			   const uint8_t solution[LF_SOLUTION_SIZE],
			   uint32_t effort);

/* A proof to be checked, and what came out. */
typedef struct {
	uint32_t effort;
	uint32_t len; /* of the seed */
	uint8_t seed[LF_MAX_SEED];
	uint8_t solution[LF_SOLUTION_SIZE];
	lf_verdict verdict;
} lf_item;

/* Fills in n verdicts. */
void lf_proof_verify_all(lf_item *items, size_t n);

/* One attempt: all the solutions of one seed against the effort. Returns 1 if
 * one is enough and writes it to solution, 0 if none is, -1 if *stop became
 * non-zero. tried counts the solutions held against the effort. */
int lf_proof_attempt(lf_solver *s, const uint8_t *seed, size_t len,
		     uint32_t effort, const uint32_t *stop,
		     uint8_t solution[LF_SOLUTION_SIZE], uint32_t *tried);

#endif
