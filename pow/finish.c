/* The last round of the solver: two quads make a solution if all 22 bits that are
 * left of them cancel. Few of the quads in two opposite buckets do, so they are not
 * sorted further. A map of bits says which values the right ones have. */
#include <string.h>

#include "equix.h"

/* As many bits as the low ones of a value tell apart: 4 KiB. A hundredth of the left
 * quads meet a bit that another value has set. */
#define MAP_BITS 15

typedef uint64_t map[1 << (MAP_BITS - 6)];

static void put(map m, uint64_t value)
{
	m[value >> 6 & (LF_LOW(MAP_BITS) >> 6)] |= (uint64_t)1 << (value & 63);
}

static int may_have(const map m, uint64_t value)
{
	return m[value >> 6 & (LF_LOW(MAP_BITS) >> 6)] >> (value & 63) & 1;
}

/* Writes the solutions of quad p of bucket b, which cancels with what the opposite
 * bucket has of this value. */
static void find(lf_solver *s, unsigned b, unsigned p, uint64_t value, unsigned rights)
{
	const uint64_t *right = s->items + LF_BEGIN(LF_OPPOSITE(b));
	unsigned q;

	for (q = 0; q < rights; q++)
		if (((right[q] ^ value) & LF_LOW(LF_QUAD_BITS)) == 0 &&
		    s->found < LF_MAX_SOLUTIONS)
			lf_write_solution(s, b << 18 | p << 9 | q, s->solutions[s->found++]);
}

static void match(lf_solver *s, unsigned b)
{
	const unsigned c = LF_OPPOSITE(b), carry = b != 0;
	const unsigned lefts = lf_count(s, 2, b), rights = lf_count(s, 2, c);
	const uint64_t *left = s->items + LF_BEGIN(b), *right = s->items + LF_BEGIN(c);
	map m;
	unsigned i;

	memset(m, 0, sizeof m);
	for (i = 0; i < rights; i++)
		put(m, right[i]);
	for (i = 0; i < lefts; i++) {
		const uint64_t value = 0 - left[i] - carry;

		/* Within one bucket each pair is met once. */
		if (may_have(m, value))
			find(s, b, i, value, b == c ? i + 1 : rights);
	}
}

int lf_equix_finish(lf_solver *s, const uint32_t *stop)
{
	unsigned b;

	for (b = 0; b <= LF_COARSE / 2; b++) {
		if (lf_stopped(stop))
			return 0;
		match(s, b);
	}
	return 1;
}
