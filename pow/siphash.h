/* The two SipHash variants of HashX. Both start from a full 256-bit state
 * taken from a digest; SipHash's own constants are not mixed in. */
#ifndef LF_SIPHASH_H
#define LF_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

typedef struct {
	uint64_t a, b, c, d;
} lf_sip;

static inline void lf_sip_round(lf_sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = lf_rotl(s->b, 13) ^ s->a;
	s->d = lf_rotl(s->d, 16) ^ s->c;
	s->a = lf_rotl(s->a, 32) + s->d;
	s->c += s->b;
	s->d = lf_rotl(s->d, 21) ^ s->a;
	s->b = lf_rotl(s->b, 17) ^ s->c;
	s->c = lf_rotl(s->c, 32);
}

/* One 64-bit value of the generator's random stream: SipHash-1-3 over one
 * word, without the length word. */
static inline uint64_t lf_sip_draw(const uint64_t key[4], uint64_t x)
{
	lf_sip s = {key[0], key[1], key[2], key[3]};

	s.d ^= x;
	lf_sip_round(&s);
	s.a ^= x;
	s.c ^= 0xff;
	lf_sip_round(&s);
	lf_sip_round(&s);
	lf_sip_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}

/* out[i] = value first + i of the stream. n is a multiple of 4. */
void lf_sip_draws(const uint64_t key[4], uint64_t first, uint64_t *out, size_t n);

/* The initial registers of one evaluation: SipHash-2-4 with 512 bits of
 * output. Register i goes to r[i * stride]. */
static inline void lf_sip_expand(const uint64_t key[4], uint64_t x, uint64_t *r,
				 size_t stride)
{
	lf_sip s = {key[0], key[1], key[2], key[3]};
	int i, half;

	s.b ^= 0xee;
	s.d ^= x;
	lf_sip_round(&s);
	lf_sip_round(&s);
	s.a ^= x;
	s.c ^= 0xee;
	for (half = 0; half < 2; half++) {
		for (i = 0; i < 4; i++)
			lf_sip_round(&s);
		r[0] = s.a;
		r[stride] = s.b;
		r[2 * stride] = s.c;
		r[3 * stride] = s.d;
		r += 4 * stride;
		s.b ^= 0xdd;
	}
}

/* The hash of final registers, at r[i * stride]: the first word of what HashX
 * can give. key is the hash key. */
static inline uint64_t lf_sip_fold(const uint64_t key[4], const uint64_t *r,
				   size_t stride)
{
	lf_sip low = {r[0] + key[0], r[stride] + key[1], r[2 * stride],
		      r[3 * stride]};
	lf_sip high = {r[4 * stride], r[5 * stride], r[6 * stride] + key[2],
		       r[7 * stride] + key[3]};

	lf_sip_round(&low);
	lf_sip_round(&high);
	return low.a ^ high.a;
}

#endif
