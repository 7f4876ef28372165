/* The solver: Wagner's algorithm with two levels of buckets. The low byte of a
 * value selects a coarse bucket, the next seven bits a fine one. Two values
 * cancel in those 15 bits if their buckets are opposite. Used bits are dropped,
 * so that three rounds of the same step go from hashes to solutions.
 *
 * Items are 64 bits: what is left of the value, and above it where it comes
 * from. Sums carry into what is above, where nobody looks. */
#include <string.h>

#include "equix.h"

#define LOW(bits) (((uint64_t)1 << (bits)) - 1)

static int stopped(const uint32_t *stop)
{
#ifdef __ATOMIC_RELAXED
	return stop && __atomic_load_n(stop, __ATOMIC_RELAXED);
#else
	return stop && *(const volatile uint32_t *)stop;
#endif
}

static void add_hash(lf_solver *s, uint32_t index, uint64_t value)
{
	const unsigned b = value % LF_COARSE;
	const unsigned n = s->count[0][b];

	if (n == LF_COARSE_ITEMS)
		return;
	s->index[b][n] = (uint16_t)index;
	s->items[b][n] = value / LF_COARSE;
	s->count[0][b] = (uint16_t)(n + 1);
}

static int fill(lf_solver *s, const uint32_t *stop)
{
	uint64_t values[LF_LANES];
	uint32_t first, i;

	for (first = 0; first < LF_INDEX_SPACE; first += LF_LANES) {
		if (stopped(stop))
			return 0;
		lf_jit_range(&s->jit, &s->hash, first, values);
		for (i = 0; i < LF_LANES; i++)
			add_hash(s, first + i, values[i]);
	}
	return 1;
}

/* Puts the positions of a fine bucket after the list of pairs, each with p. Four
 * are copied whatever their number is: the processor cannot guess a number that
 * differs each time. Two are usual, and more than four are rare. */
static inline unsigned list_pairs(lf_scratch *x, unsigned at, unsigned p, unsigned f)
{
	const unsigned n = x->fine_count[f];
	const uint64_t four = p * (uint64_t)0x0001000100010001;
	unsigned i;

	memcpy(&x->left[at], &four, 8);
	memcpy(&x->right[at], &x->fine[f][0], 8);
	for (i = 4; i < n; i += 4) {
		memcpy(&x->left[at + i], &four, 8);
		memcpy(&x->right[at + i], &x->fine[f][i], 8);
	}
	return at + n;
}

/* The fine bucket whose items cancel with this one. The carry is what the low
 * bytes of two opposite coarse buckets add up to. */
static inline unsigned partner(uint64_t item, unsigned carry)
{
	return (unsigned)(0 - item - carry) % LF_FINE;
}

/* Lists all pairs of an item of coarse bucket b and one of the opposite bucket
 * that cancel. Where that is b itself, items are paired as they come in, so
 * that each pair is met once. */
static inline unsigned match(lf_scratch *x, const uint64_t *left, unsigned lefts,
			     const uint64_t *right, unsigned rights, unsigned carry)
{
	unsigned i, pairs = 0;

	memset(x->fine_count, 0, sizeof x->fine_count);
	for (i = 0; i < rights; i++) {
		const unsigned f = right[i] % LF_FINE;
		const unsigned n = x->fine_count[f];

		if (n == LF_FINE_ITEMS)
			continue;
		x->fine[f][n] = (uint16_t)i;
		x->fine_count[f] = (uint8_t)(n + 1);
		if (left == right)
			pairs = list_pairs(x, pairs, i, partner(left[i], carry));
	}
	if (left != right)
		for (i = 0; i < lefts; i++)
			pairs = list_pairs(x, pairs, i, partner(left[i], carry));
	return pairs;
}

/* A sum of which the bits that matter from here on stay, for the next level. */
static inline void keep(lf_items *next, uint16_t *count, uint64_t sum, uint32_t from,
			int bits)
{
	const unsigned b = sum % LF_COARSE;
	const unsigned n = count[b];

	if (n == LF_COARSE_ITEMS)
		return;
	(*next)[b][n] = (sum / LF_COARSE & LOW(bits)) | (uint64_t)from << bits;
	count[b] = (uint16_t)(n + 1);
}

static inline void finish(lf_solver *s, uint64_t sum, uint32_t from)
{
	if ((sum & LOW(15)) == 0 && s->found < LF_MAX_SOLUTIONS)
		lf_write_solution(s, from, s->solutions[s->found++]);
}

/* One round: combines each coarse bucket with the opposite one. bits are what
 * is left of a sum, 0 in the last round. Inlined three times, with level and
 * bits known. */
LF_INLINE int combine(lf_solver *s, int level, lf_items *items, lf_items *next,
		      int bits, const uint32_t *stop)
{
	const uint16_t *count = s->count[level];
	unsigned b, i;

	for (b = 0; b <= LF_COARSE / 2; b++) {
		const unsigned c = LF_OPPOSITE(b), carry = b != 0;
		const uint64_t *left = (*items)[b], *right = (*items)[c];
		unsigned pairs;

		if (stopped(stop))
			return 0;
		pairs = match(&s->scratch, left, count[b], right, count[c], carry);
		for (i = 0; i < pairs; i++) {
			const unsigned p = s->scratch.left[i], q = s->scratch.right[i];
			const uint64_t sum = (left[p] + right[q] + carry) / LF_FINE;
			const uint32_t from = b << 18 | p << 9 | q;

			if (bits)
				keep(next, s->count[level + 1], sum, from, bits);
			else
				finish(s, sum, from);
		}
	}
	return 1;
}

int lf_equix_solve(lf_solver *s, const uint8_t *challenge, size_t len,
		   const uint32_t *stop)
{
	if (!lf_hashx_make(&s->hash, challenge, len, NULL))
		return LF_REJECTED;
	lf_jit_make(&s->jit, &s->hash);
	memset(s->count, 0, sizeof s->count);
	s->found = 0;
	if (fill(s, stop) &&
	    combine(s, 0, &s->items, &s->pairs, LF_PAIR_BITS, stop) &&
	    combine(s, 1, &s->pairs, &s->items, LF_QUAD_BITS, stop) &&
	    combine(s, 2, &s->items, NULL, 0, stop))
		return s->found;
	return LF_STOPPED;
}
