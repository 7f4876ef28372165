#include "proof.h"

#include <string.h>

#include "blake2b.h"
#include "bytes.h"

uint32_t lf_proof_draw(const uint8_t *seed, size_t len,
		       const uint8_t solution[LF_SOLUTION_SIZE])
{
	lf_blake2b b;
	uint8_t digest[4];

	lf_blake2b_init(&b, sizeof digest, NULL);
	lf_blake2b_update(&b, seed, len);
	lf_blake2b_update(&b, solution, LF_SOLUTION_SIZE);
	lf_blake2b_final(&b, digest);
	return lf_load_be32(digest);
}

int lf_proof_enough(const uint8_t *seed, size_t len,
		    const uint8_t solution[LF_SOLUTION_SIZE], uint32_t effort)
{
	uint64_t product = (uint64_t)lf_proof_draw(seed, len, solution) * effort;

	return product <= 0xffffffff;
}

lf_verdict lf_proof_verify(const uint8_t *seed, size_t len,
			   const uint8_t solution[LF_SOLUTION_SIZE],
			   uint32_t effort)
{
	if (!lf_proof_enough(seed, len, solution, effort))
		return LF_BAD_EFFORT;
	return lf_equix_verify(seed, len, solution);
}

void lf_proof_verify_all(lf_item *items, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		lf_item *c = &items[i];

		c->verdict = lf_proof_verify(c->seed, c->len, c->solution, c->effort);
	}
}

int lf_proof_attempt(lf_solver *s, const uint8_t *seed, size_t len,
		     uint32_t effort, const uint32_t *stop,
		     uint8_t solution[LF_SOLUTION_SIZE], uint32_t *tried)
{
	int i, n = lf_equix_solve(s, seed, len, stop);

	*tried = 0;
	if (n == LF_STOPPED)
		return -1;
	for (i = 0; i < n; i++) {
		++*tried;
		if (lf_proof_enough(seed, len, s->solutions[i], effort)) {
			memcpy(solution, s->solutions[i], LF_SOLUTION_SIZE);
			return 1;
		}
	}
	return 0;
}
