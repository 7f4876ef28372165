#include "equix.h"

static uint64_t index_at(const uint8_t *solution, int i)
{
	return (uint64_t)solution[2 * i] | (uint64_t)solution[2 * i + 1] << 8;
}

/* A run of indices as one number, the last index most significant: what the
 * tree order compares. */
static uint64_t key(const uint8_t *solution, int first, int count)
{
	uint64_t k = 0;

	while (count-- > 0)
		k = k << 16 | index_at(solution, first + count);
	return k;
}

/* At every node of the tree the left half's key is at most the right half's.
 * That makes one arrangement of a solution canonical; without it one solution
 * would give 128 proofs. */
static int in_tree_order(const uint8_t *solution)
{
	int half, first;

	for (half = 1; half < LF_INDICES; half *= 2)
		for (first = 0; first < LF_INDICES; first += 2 * half)
			if (key(solution, first, half) >
			    key(solution, first + half, half))
				return 0;
	return 1;
}

/* All eight hashes at once cost little more than two: there is nothing to gain
 * from stopping between them. */
static void hash_indices(const lf_hashx *h, const uint8_t *solution,
			 uint64_t values[LF_INDICES])
{
	uint64_t x[LF_INDICES];
	int i;

	for (i = 0; i < LF_INDICES; i++)
		x[i] = index_at(solution, i);
	lf_hashx_eight(h, x, values);
}

/* Adds neighbours up, level by level: pairs, quads, all. */
static lf_verdict check_sums(uint64_t v[LF_INDICES])
{
	static const int bits[3] = {15, 30, 60};
	int level, i, left = LF_INDICES;

	for (level = 0; level < 3; level++) {
		left /= 2;
		for (i = 0; i < left; i++) {
			v[i] = v[2 * i] + v[2 * i + 1];
			if (v[i] << (64 - bits[level]) != 0)
				return level < 2 ? LF_BAD_PARTIAL_SUM
						 : LF_BAD_FINAL_SUM;
		}
	}
	return LF_OK;
}

lf_verdict lf_equix_verify(const uint8_t *challenge, size_t len,
			   const uint8_t solution[LF_SOLUTION_SIZE])
{
	lf_hashx hash;
	uint64_t values[LF_INDICES];

	if (!in_tree_order(solution))
		return LF_BAD_ORDER;
	if (!lf_hashx_make(&hash, challenge, len, NULL))
		return LF_BAD_PROGRAM;
	hash_indices(&hash, solution, values);
	return check_sums(values);
}
