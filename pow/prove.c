#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* clock_gettime */
#endif
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif
#include "prove.h"

#if defined(LF_JIT_X86) || defined(LF_JIT_ARM64)

#include <time.h>

uint64_t lf_thread_ns(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

#else

uint64_t lf_thread_ns(void)
{
	return 0;
}

#endif

static uint64_t add_range(const lf_solver *s, uint64_t first, uint64_t digest)
{
	uint64_t out[LF_LANES];
	int i;

	lf_jit_range(&s->jit, &s->hash, first, out);
	for (i = 0; i < LF_LANES; i++)
		digest = (lf_rotl(digest, 7) ^ out[i]) * 0x9e3779b97f4a7c15;
	return digest;
}

lf_proved lf_prove(lf_solver *s)
{
	uint64_t digest = 0;
	unsigned i;

	for (i = 0; i < LF_PROVE_SEEDS; i++) {
		const uint8_t seed[] = {'p', 'r', 'o', 'v', 'e', (uint8_t)i};

		if (!lf_hashx_make(&s->hash, seed, sizeof seed, NULL))
			return LF_WRONG;
		lf_jit_make(&s->jit, &s->hash);
		if (s->jit.mode != s->jit.wanted)
			return LF_NOT_ALLOWED;
		digest = add_range(s, 0, digest);
		digest = add_range(s, 0 - (uint64_t)LF_LANES / 2, digest);
	}
	return digest == LF_PROVE_DIGEST ? LF_RIGHT : LF_WRONG;
}

uint64_t lf_sample(lf_solver *s, uint8_t round)
{
	const uint8_t seed[] = {'s', 'a', 'm', 'p', 'l', 'e', round};
	uint64_t out[LF_LANES], begin;
	uint32_t first;

	if (!lf_hashx_make(&s->hash, seed, sizeof seed, NULL))
		return 0;
	begin = lf_thread_ns();
	lf_jit_make(&s->jit, &s->hash);
	for (first = 0; first < LF_INDEX_SPACE / 8; first += LF_LANES)
		lf_jit_range(&s->jit, &s->hash, first, out);
	return lf_thread_ns() - begin;
}
