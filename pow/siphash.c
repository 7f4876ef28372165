#include "siphash.h"

static inline void draws(const uint64_t key[4], uint64_t first, uint64_t *out, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = lf_sip_draw(key, first + i);
}

#if defined(__GNUC__) && defined(__x86_64__)

/* The same with four values to a register, where there are such. */
__attribute__((target("avx2"))) static void
draws_avx2(const uint64_t key[4], uint64_t first, uint64_t *out, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = lf_sip_draw(key, first + i);
}

void lf_sip_draws(const uint64_t key[4], uint64_t first, uint64_t *out, size_t n)
{
	if (__builtin_cpu_supports("avx2"))
		draws_avx2(key, first, out, n);
	else
		draws(key, first, out, n);
}

#else

void lf_sip_draws(const uint64_t key[4], uint64_t first, uint64_t *out, size_t n)
{
	draws(key, first, out, n);
}

#endif
