/* The solver: Wagner's algorithm with two levels of buckets. The low byte of a
 * value selects a coarse bucket, the next seven bits a fine one. Two values
 * cancel in those 15 bits if their buckets are opposite. Used bits are dropped,
 * so that two rounds of the same step go from hashes to quads. The last round,
 * which finds next to nothing, is in finish.c.
 *
 * Items are 64 bits. The lowest are what is left of the value. Sums carry into
 * the bit above, at which nobody looks. Above it is where the item comes from. */
#include <string.h>

#include "equix.h"

static void add_hash(lf_solver *s, uint32_t index, uint64_t value)
{
	const unsigned b = value % LF_COARSE;
	const uint32_t at = s->end[0][b];

	if (at == s->full[b])
		return;
	s->index[at] = (uint16_t)index;
	s->items[at] = value / LF_COARSE;
	s->end[0][b] = at + 1;
}

static int fill(lf_solver *s, const uint32_t *stop)
{
	uint64_t values[LF_LANES];
	uint32_t first, i;

	for (first = 0; first < LF_INDEX_SPACE; first += LF_LANES) {
		if (lf_stopped(stop))
			return 0;
		lf_jit_range(&s->jit, &s->hash, first, values);
		for (i = 0; i < LF_LANES; i++)
			add_hash(s, first + i, values[i]);
	}
	return 1;
}

/* The fine bucket whose items cancel with this one. The carry is what the low
 * bytes of two opposite coarse buckets add up to. */
static inline unsigned partner(uint64_t item, unsigned carry)
{
	return (unsigned)(0 - item - carry) % LF_FINE;
}

/* The two terms of a sum, of which bits of each item matter. Position p of the left
 * item and q of the right one stand above the sum's carry. So one addition makes all
 * of what the next level needs: low byte, value, q, p. The bits of the fine buckets
 * are gone from it. In all pairs that cancel they carry what rounding up adds. */
LF_INLINE uint64_t left_term(uint64_t item, unsigned p, unsigned carry, int bits)
{
	const uint64_t value = (item & LF_LOW(bits)) + carry;

	return (value + LF_FINE - 1) / LF_FINE + ((uint64_t)p << (bits + 3));
}

LF_INLINE uint64_t right_term(uint64_t item, unsigned q, int bits)
{
	return (item & LF_LOW(bits)) / LF_FINE | (uint64_t)q << (bits - 6);
}

/* Sums of a left term and those from..to of a fine bucket. */
LF_INLINE void add_terms(uint64_t *sums, const uint64_t *right, uint64_t left, int from,
			 int to)
{
	int i;

	for (i = from; i < to; i += LF_PAIR_LANES) {
		lf_pair pair;

		memcpy(&pair, &right[i], sizeof pair);
		pair += left;
		memcpy(&sums[i], &pair, sizeof pair);
	}
}

/* Puts the sums of a left term and a fine bucket after the list. Some are made
 * whatever their number is: the processor cannot guess a number that differs each
 * time. Two are usual, and more than four are rare. */
LF_INLINE unsigned list_sums(lf_scratch *x, unsigned at, uint64_t left, unsigned f)
{
	const unsigned n = x->fine_count[f];

	add_terms(&x->sums[at], x->fine[f], left, 0, LF_SUMS_AT_ONCE);
	if (n > LF_SUMS_AT_ONCE)
		add_terms(&x->sums[at], x->fine[f], left, LF_SUMS_AT_ONCE, LF_FINE_ITEMS);
	return at + n;
}

/* Lists the sums of all pairs of an item of one coarse bucket and one of the
 * opposite bucket that cancel. If both are the same bucket, items are paired as
 * they come in, so that each pair is met once. */
LF_INLINE unsigned match(lf_scratch *x, const uint64_t *left, unsigned lefts,
			 const uint64_t *right, unsigned rights, unsigned carry, int bits)
{
	unsigned i, sums = 0;

	memset(x->fine_count, 0, sizeof x->fine_count);
	for (i = 0; i < rights; i++) {
		const unsigned f = right[i] % LF_FINE;
		const unsigned n = x->fine_count[f];

		if (n == LF_FINE_ITEMS)
			continue;
		x->fine[f][n] = right_term(right[i], i, bits);
		x->fine_count[f] = (uint8_t)(n + 1);
		if (left == right)
			sums = list_sums(x, sums, left_term(left[i], i, carry, bits),
					 partner(left[i], carry));
	}
	if (left != right)
		for (i = 0; i < lefts; i++)
			sums = list_sums(x, sums, left_term(left[i], i, carry, bits),
					 partner(left[i], carry));
	return sums;
}

/* Puts a sum into its bucket of the next level, with the left item's bucket on top. */
LF_INLINE void keep(uint64_t *next, uint32_t *end, const uint32_t *full, uint64_t sum,
		    uint64_t top)
{
	const unsigned b = sum % LF_COARSE;
	const uint32_t at = end[b];

	if (at == full[b])
		return;
	next[at] = sum / LF_COARSE | top;
	end[b] = at + 1;
}

/* One round: combines each coarse bucket with the opposite one. bits are what
 * matters of an item. Inlined twice, with level and bits known. */
LF_INLINE int combine(lf_solver *s, int level, const uint64_t *items, uint64_t *next,
		      int bits, const uint32_t *stop)
{
	unsigned b, i;

	for (b = 0; b <= LF_COARSE / 2; b++) {
		const unsigned c = LF_OPPOSITE(b), carry = b != 0;
		const uint64_t top = (uint64_t)b << LF_FROM_BUCKET(bits - 15);
		unsigned sums;

		if (lf_stopped(stop))
			return 0;
		sums = match(&s->scratch, items + LF_BEGIN(b), lf_count(s, level, b),
			     items + LF_BEGIN(c), lf_count(s, level, c), carry, bits);
		for (i = 0; i < sums; i++)
			keep(next, s->end[level + 1], s->full, s->scratch.sums[i], top);
	}
	return 1;
}

static void empty(lf_solver *s)
{
	unsigned b, level;

	for (b = 0; b < LF_COARSE; b++) {
		s->full[b] = LF_BEGIN(b + 1);
		for (level = 0; level < 3; level++)
			s->end[level][b] = LF_BEGIN(b);
	}
	s->found = 0;
}

int lf_equix_solve(lf_solver *s, const uint8_t *challenge, size_t len,
		   const uint32_t *stop)
{
	if (!lf_hashx_make(&s->hash, challenge, len, NULL))
		return LF_REJECTED;
	lf_jit_make(&s->jit, &s->hash);
	empty(s);
	if (fill(s, stop) &&
	    combine(s, 0, s->items, s->pairs, LF_HASH_BITS, stop) &&
	    combine(s, 1, s->pairs, s->items, LF_PAIR_BITS, stop) &&
	    lf_equix_finish(s, stop))
		return s->found;
	return LF_STOPPED;
}
