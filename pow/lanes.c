/* Runs code of the vector emitters, all lanes from branch to branch. The few that
 * take a branch run once more from its target, before all go on together. Nothing
 * here depends on a branch that the processor would have to guess. */
#include "asm.h"
#include "siphash.h"

#if defined(LF_JIT_X86)

#define AVX2 __attribute__((target("avx2")))
#define WORDS (LF_LANES / 64)

/* As lf_hashx_expand and lf_hashx_fold; the compiler makes vectors of them. */
AVX2 static void expand(const uint64_t key[4], uint64_t first, uint64_t *r)
{
	size_t i;

	for (i = 0; i < LF_LANES; i++)
		lf_sip_expand(key, first + i, r + i, LF_LANES);
}

AVX2 static void fold(const uint64_t key[4], const uint64_t *r, uint64_t *out)
{
	size_t i;

	for (i = 0; i < LF_LANES; i++)
		out[i] = lf_sip_fold(key, r + i, LF_LANES);
}

/* Adds the lanes 64 * word.. of the bits in m to a list. */
static size_t add_lanes(uint64_t m, unsigned word, uint8_t list[LF_LANES], size_t count)
{
	for (; m; m &= m - 1)
		list[count++] = (uint8_t)(64 * word + (unsigned)__builtin_ctzll(m));
	return count;
}

/* Lists the lanes that take a branch and have not taken one before. mask has
 * half a byte for each four lanes; two times eight of them make a word, as they
 * do in taken. */
static size_t collect(const uint8_t mask[LF_LANES / 4], uint64_t taken[WORDS],
		      uint8_t list[LF_LANES])
{
	size_t count = 0;
	unsigned i;

	for (i = 0; i < WORDS; i++) {
		uint64_t low, high, m;

		memcpy(&low, mask + 16 * i, 8);
		memcpy(&high, mask + 16 * i + 8, 8);
		m = (low | high << 4) & ~taken[i];
		taken[i] |= m;
		for (; m; m &= m - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(m);
			unsigned four = bit / 8 + (bit & 4) * 2;

			list[count++] = (uint8_t)(64 * i + 4 * four + bit % 4);
		}
	}
	return count;
}

void lf_avx2_range(const lf_jit *j, const lf_hashx *h, uint64_t first,
		   uint64_t out[LF_LANES])
{
	LF_ALIGNED uint64_t r[LF_REGISTERS * LF_LANES];
	uint64_t taken[WORDS] = {0};
	uint8_t mask[LF_LANES / 4], list[LF_LANES];
	size_t n;
	int i;

	expand(h->key, first, r);
	for (i = 0; i < LF_BLOCKS; i++) {
		j->segment[i](r, mask, LF_LANES);
		n = collect(mask, taken, list);
		if (n > 0)
			j->again[i](r, list, n);
	}
	j->segment[i](r, NULL, LF_LANES);
	fold(h->key, r, out);
}

/* The same for AVX-512. GCC takes half of its width unless it is told. */
#if defined(__clang__)
#define AVX512 __attribute__((target("avx512f,avx512dq")))
#else
#define AVX512 __attribute__((target("avx512f,avx512dq,prefer-vector-width=512")))
#endif

AVX512 static void expand512(const uint64_t key[4], uint64_t first, uint64_t *r)
{
	size_t i;

	for (i = 0; i < LF_LANES; i++)
		lf_sip_expand(key, first + i, r + i, LF_LANES);
}

AVX512 static void fold512(const uint64_t key[4], const uint64_t *r, uint64_t *out)
{
	size_t i;

	for (i = 0; i < LF_LANES; i++)
		out[i] = lf_sip_fold(key, r + i, LF_LANES);
}

/* As collect, of a mask with a bit for each lane. */
static size_t collect512(const uint64_t mask[WORDS], uint64_t taken[WORDS],
			 uint8_t list[LF_LANES])
{
	size_t count = 0;
	unsigned i;

	for (i = 0; i < WORDS; i++) {
		const uint64_t m = mask[i] & ~taken[i];

		taken[i] |= m;
		count = add_lanes(m, i, list, count);
	}
	return count;
}

void lf_avx512_range(const lf_jit *j, const lf_hashx *h, uint64_t first,
		     uint64_t out[LF_LANES])
{
	LF_ALIGNED uint64_t r[LF_REGISTERS * LF_LANES];
	uint64_t taken[WORDS] = {0}, mask[WORDS];
	uint8_t list[LF_LANES];
	size_t n;
	int i;

	expand512(h->key, first, r);
	for (i = 0; i < LF_BLOCKS; i++) {
		j->segment[i](r, mask, LF_LANES);
		n = collect512(mask, taken, list);
		if (n > 0)
			j->again[i](r, list, n);
	}
	j->segment[i](r, NULL, LF_LANES);
	fold512(h->key, r, out);
}

#endif
