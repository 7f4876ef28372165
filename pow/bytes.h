/* Byte order and rotations, spelled out so that any host gives the same bits;
 * compilers turn each of these into one instruction. And what C99 lacks. */
#ifndef LF_BYTES_H
#define LF_BYTES_H

#include <stdint.h>

/* For functions that are worth nothing unless their arguments turn into
 * constants; and alignment to vectors and cache lines. */
#if defined(__GNUC__)
#define LF_INLINE static inline __attribute__((always_inline))
#define LF_ALIGNED __attribute__((aligned(64)))
#else
#define LF_INLINE static inline
#define LF_ALIGNED
#endif

static inline uint64_t lf_load_le64(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	       (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
	       (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline uint32_t lf_load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
	       (uint32_t)p[3];
}

/* Rotation counts are 1..63: shifting by 64 would be undefined. */
static inline uint64_t lf_rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline uint64_t lf_rotr(uint64_t x, unsigned n)
{
	return x >> n | x << (64 - n);
}

#endif
