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

typedef struct {
	const lf_hashx *hash;
	const uint8_t *solution;
	int partial_ok;
} checker;

/* The sum of a pair; clears partial_ok if it is not a good one. */
static uint64_t pair_sum(checker *c, int first)
{
	uint64_t sum = lf_hashx_hash(c->hash, index_at(c->solution, first)) +
		       lf_hashx_hash(c->hash, index_at(c->solution, first + 1));

	c->partial_ok &= lf_zero_bits(sum, LF_LEVEL_1_BITS);
	return sum;
}

/* The sum of a quad, given up at the first bad pair. */
static uint64_t quad_sum(checker *c, int first)
{
	uint64_t sum = pair_sum(c, first);

	if (c->partial_ok)
		sum += pair_sum(c, first + 2);
	c->partial_ok &= lf_zero_bits(sum, LF_LEVEL_2_BITS);
	return sum;
}

lf_verdict lf_equix_verify(const uint8_t *challenge, size_t len,
			   const uint8_t solution[LF_SOLUTION_SIZE])
{
	lf_hashx hash;
	checker c = {&hash, solution, 1};
	uint64_t sum;

	if (!in_tree_order(solution))
		return LF_BAD_ORDER;
	if (!lf_hashx_make(&hash, challenge, len, NULL))
		return LF_BAD_PROGRAM;
	sum = quad_sum(&c, 0);
	if (c.partial_ok)
		sum += quad_sum(&c, 4);
	if (!c.partial_ok)
		return LF_BAD_PARTIAL_SUM;
	return lf_zero_bits(sum, LF_LEVEL_3_BITS) ? LF_OK : LF_BAD_FINAL_SUM;
}
