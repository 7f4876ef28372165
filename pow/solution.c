/* Writes a solution: from its place in the solver's tables back to its eight
 * indices. */
#include <string.h>

#include "equix.h"

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

/* The two items that make up item i of bucket b of a level. */
typedef struct {
	unsigned b[2], i[2];
} parents;

static parents parents_of(uint32_t from)
{
	const unsigned b = from >> 18 & (LF_COARSE - 1);
	parents p = {{b, LF_OPPOSITE(b)}, {from >> 9 & 511, from & 511}};

	return p;
}

static void write_pair(const lf_solver *s, unsigned b, unsigned i, uint8_t *out)
{
	parents p = parents_of((uint32_t)(s->pairs[LF_BEGIN(b) + i] >> LF_FROM(LF_PAIR_BITS)));

	put_index(out, s->index[LF_BEGIN(p.b[0]) + p.i[0]]);
	put_index(out + 2, s->index[LF_BEGIN(p.b[1]) + p.i[1]]);
	order(out, 2);
}

static void write_quad(const lf_solver *s, unsigned b, unsigned i, uint8_t *out)
{
	parents p = parents_of((uint32_t)(s->items[LF_BEGIN(b) + i] >> LF_FROM(LF_QUAD_BITS)));

	write_pair(s, p.b[0], p.i[0], out);
	write_pair(s, p.b[1], p.i[1], out + 4);
	order(out, 4);
}

void lf_write_solution(const lf_solver *s, uint32_t from, uint8_t out[LF_SOLUTION_SIZE])
{
	parents p = parents_of(from);

	write_quad(s, p.b[0], p.i[0], out);
	write_quad(s, p.b[1], p.i[1], out + 8);
	order(out, 8);
}
