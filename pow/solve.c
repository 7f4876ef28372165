/* The solver: Wagner's algorithm with two levels of buckets. The low byte of a
 * value selects a coarse bucket, the next seven bits a fine one; two values
 * cancel in those 15 bits if their buckets are opposite. Used bits are dropped,
 * so that three rounds of the same step go from hashes to solutions. */
#include <string.h>

#include "equix.h"

/* Where a pair or a quad comes from: item p of coarse bucket b and item q of
 * the opposite bucket. */
static uint32_t parents(uint32_t b, uint32_t p, uint32_t q)
{
	return b << 18 | p << 9 | q;
}

static unsigned opposite(unsigned b)
{
	return (LF_COARSE - b) % LF_COARSE;
}

static int stopped(const uint32_t *stop)
{
#ifdef __ATOMIC_RELAXED
	return stop && __atomic_load_n(stop, __ATOMIC_RELAXED);
#else
	return stop && *(const volatile uint32_t *)stop;
#endif
}

static void add_hash(lf_solver *s, uint16_t index, uint64_t value)
{
	unsigned b = value % LF_COARSE;
	uint16_t n = s->count[0][b];

	if (n == LF_COARSE_ITEMS)
		return;
	s->index[b][n] = index;
	s->shared.sum1[b][n] = value / LF_COARSE;
	s->count[0][b]++;
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
			add_hash(s, (uint16_t)(first + i), values[i]);
	}
	return 1;
}

/* What the levels differ in. */
typedef uint64_t rest_fn(const lf_solver *s, unsigned b, unsigned i);
typedef void emit_fn(lf_solver *s, uint32_t from, uint64_t sum);

static uint64_t rest1(const lf_solver *s, unsigned b, unsigned i)
{
	return s->shared.sum1[b][i];
}

static uint64_t rest2(const lf_solver *s, unsigned b, unsigned i)
{
	return s->sum2[b][i];
}

static uint64_t rest3(const lf_solver *s, unsigned b, unsigned i)
{
	return s->shared.level3.sum3[b][i];
}

static void emit_pair(lf_solver *s, uint32_t from, uint64_t sum)
{
	unsigned b = sum % LF_COARSE;
	uint16_t n = s->count[1][b];

	if (n == LF_COARSE_ITEMS)
		return;
	s->parent2[b][n] = from;
	s->sum2[b][n] = sum / LF_COARSE;
	s->count[1][b]++;
}

static void emit_quad(lf_solver *s, uint32_t from, uint64_t sum)
{
	unsigned b = sum % LF_COARSE;
	uint16_t n = s->count[2][b];

	if (n == LF_COARSE_ITEMS)
		return;
	s->shared.level3.parent3[b][n] = from;
	s->shared.level3.sum3[b][n] = (uint32_t)(sum / LF_COARSE);
	s->count[2][b]++;
}

static void put_index(uint8_t *out, uint16_t index)
{
	out[0] = (uint8_t)index;
	out[1] = (uint8_t)(index >> 8);
}

/* Whether two runs of encoded indices stand in the wrong order: read as
 * little-endian numbers, the left one must not be the greater. */
static int must_swap(const uint8_t *left, const uint8_t *right, size_t size)
{
	while (size-- > 0)
		if (left[size] != right[size])
			return left[size] > right[size];
	return 0;
}

/* Puts the two halves of a node into tree order. */
static void order(uint8_t *out, size_t half)
{
	uint8_t tmp[LF_SOLUTION_SIZE / 2];

	if (!must_swap(out, out + half, half))
		return;
	memcpy(tmp, out, half);
	memcpy(out, out + half, half);
	memcpy(out + half, tmp, half);
}

static void unfold_pair(const lf_solver *s, unsigned b, unsigned i, uint8_t *out)
{
	uint32_t from = s->parent2[b][i];

	put_index(out, s->index[from >> 18][from >> 9 & 511]);
	put_index(out + 2, s->index[opposite(from >> 18)][from & 511]);
	order(out, 2);
}

static void unfold_quad(const lf_solver *s, unsigned b, unsigned i, uint8_t *out)
{
	uint32_t from = s->shared.level3.parent3[b][i];

	unfold_pair(s, from >> 18, from >> 9 & 511, out);
	unfold_pair(s, opposite(from >> 18), from & 511, out + 4);
	order(out, 4);
}

static void emit_solution(lf_solver *s, uint32_t from, uint64_t sum)
{
	uint8_t *out;

	if (sum % (1 << 15) != 0 || s->found == LF_MAX_SOLUTIONS)
		return;
	out = s->solutions[s->found++];
	unfold_quad(s, from >> 18, from >> 9 & 511, out);
	unfold_quad(s, opposite(from >> 18), from & 511, out + 8);
	order(out, 8);
}

/* Combines item p of bucket b with all that cancels its 15 low bits. The carry
 * is what the low bytes of two opposite buckets add up to. */
static inline void probe(lf_solver *s, rest_fn *rest, emit_fn *emit, unsigned b,
			 unsigned p)
{
	unsigned c = opposite(b);
	uint64_t w = rest(s, b, p) + (b != 0);
	unsigned f = (unsigned)(0 - w) % LF_FINE;
	unsigned i;

	for (i = 0; i < s->fine_count[f]; i++) {
		unsigned q = s->fine[f][i];

		emit(s, parents(b, p, q), (w + rest(s, c, q)) / LF_FINE);
	}
}

/* Combines coarse bucket b with the opposite one. Where that is b itself,
 * items are probed as they come in, so that each pair is met once. */
static inline void combine_bucket(lf_solver *s, const uint16_t *count,
				  rest_fn *rest, emit_fn *emit, unsigned b)
{
	unsigned c = opposite(b);
	unsigned p, q;

	memset(s->fine_count, 0, sizeof s->fine_count);
	for (q = 0; q < count[c]; q++) {
		unsigned f = rest(s, c, q) % LF_FINE;

		if (s->fine_count[f] == LF_FINE_ITEMS)
			continue;
		s->fine[f][s->fine_count[f]++] = (uint16_t)q;
		if (b == c)
			probe(s, rest, emit, b, q);
	}
	if (b != c)
		for (p = 0; p < count[b]; p++)
			probe(s, rest, emit, b, p);
}

/* Inlined three times with its functions known. */
static inline int combine(lf_solver *s, int level, rest_fn *rest, emit_fn *emit,
			  const uint32_t *stop)
{
	unsigned b;

	for (b = 0; b <= LF_COARSE / 2; b++) {
		if (stopped(stop))
			return 0;
		combine_bucket(s, s->count[level], rest, emit, b);
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
	    combine(s, 0, rest1, emit_pair, stop) &&
	    combine(s, 1, rest2, emit_quad, stop) &&
	    combine(s, 2, rest3, emit_solution, stop))
		return s->found;
	return LF_STOPPED;
}
