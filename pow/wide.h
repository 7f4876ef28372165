/* High halves of 64 x 64 bit products. */
#ifndef LF_WIDE_H
#define LF_WIDE_H

#include <stdint.h>

/* LF_NO_INT128 selects the portable form, so that it is tested everywhere. */
#if defined(__SIZEOF_INT128__) && !defined(LF_NO_INT128)

__extension__ typedef unsigned __int128 lf_u128;
__extension__ typedef __int128 lf_i128;

static inline uint64_t lf_mulhu(uint64_t a, uint64_t b)
{
	return (uint64_t)((lf_u128)a * b >> 64);
}

static inline uint64_t lf_mulhs(uint64_t a, uint64_t b)
{
	return (uint64_t)((lf_u128)((lf_i128)(int64_t)a * (int64_t)b) >> 64);
}

#else

static inline uint64_t lf_mulhu(uint64_t a, uint64_t b)
{
	uint64_t a0 = a & 0xffffffff, a1 = a >> 32;
	uint64_t b0 = b & 0xffffffff, b1 = b >> 32;
	uint64_t low = a0 * b0;
	uint64_t mid = a1 * b0 + (low >> 32);
	uint64_t mid2 = a0 * b1 + (mid & 0xffffffff);

	return a1 * b1 + (mid >> 32) + (mid2 >> 32);
}

/* Taken as signed, an operand with its top bit set is 2^64 less. */
static inline uint64_t lf_mulhs(uint64_t a, uint64_t b)
{
	return lf_mulhu(a, b) - (a >> 63 ? b : 0) - (b >> 63 ? a : 0);
}

#endif

#endif
