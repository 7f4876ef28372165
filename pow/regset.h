/* Sets of registers, for the program generator: choosing one without a branch. */
#ifndef LF_REGSET_H
#define LF_REGSET_H

#include "hashx.h"
#include "wide.h"

/* Sets of registers have one bit for each. For every set, its registers in
 * three bits each, from the lowest on, and above them their number. */
#define BIT(set, r) ((set) >> (r) & 1u)
#define SIZE(set) \
	(BIT(set, 0) + BIT(set, 1) + BIT(set, 2) + BIT(set, 3) + BIT(set, 4) + \
	 BIT(set, 5) + BIT(set, 6) + BIT(set, 7))
#define AT(set, r) (BIT(set, r) * ((uint32_t)(r) << 3 * SIZE((set) & ((1u << (r)) - 1))))
#define LIST(set) \
	(AT(set, 0) | AT(set, 1) | AT(set, 2) | AT(set, 3) | AT(set, 4) | \
	 AT(set, 5) | AT(set, 6) | AT(set, 7) | SIZE(set) << 24)
#define LIST4(set) LIST(set), LIST(set + 1), LIST(set + 2), LIST(set + 3)
#define LIST16(set) LIST4(set), LIST4(set + 4), LIST4(set + 8), LIST4(set + 12)
#define LIST64(set) LIST16(set), LIST16(set + 16), LIST16(set + 32), LIST16(set + 48)

static const uint32_t lists[256] = {LIST64(0u), LIST64(64u), LIST64(128u), LIST64(192u)};

/* w % n for n up to 8, and 0 for n = 0: the fraction w / n to 64 bits, times n. */
static inline uint32_t modulo(uint32_t w, unsigned n)
{
#define INVERSE(n) (UINT64_MAX / (n) + 1)
	static const uint64_t inverse[LF_REGISTERS + 1] = {
		0, 0, INVERSE(2), INVERSE(3), INVERSE(4),
		INVERSE(5), INVERSE(6), INVERSE(7), INVERSE(8),
	};
	return (uint32_t)lf_mulhu(inverse[n] * w, n);
}

#endif
