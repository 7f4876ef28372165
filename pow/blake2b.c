#include "blake2b.h"

#include <string.h>

#include "bytes.h"

static const uint64_t iv[8] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
	0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
	0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t schedule[10][16] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

LF_INLINE void mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d,
		   uint64_t x, uint64_t y)
{
	*a += *b + x;
	*d = lf_rotr(*d ^ *a, 32);
	*c += *d;
	*b = lf_rotr(*b ^ *c, 24);
	*a += *b + y;
	*d = lf_rotr(*d ^ *a, 16);
	*c += *d;
	*b = lf_rotr(*b ^ *c, 63);
}

/* One round: the columns, then the diagonals. */
LF_INLINE void mix_all(uint64_t v[16], const uint64_t m[16],
		       const uint8_t s[16])
{
	mix(&v[0], &v[4], &v[8], &v[12], m[s[0]], m[s[1]]);
	mix(&v[1], &v[5], &v[9], &v[13], m[s[2]], m[s[3]]);
	mix(&v[2], &v[6], &v[10], &v[14], m[s[4]], m[s[5]]);
	mix(&v[3], &v[7], &v[11], &v[15], m[s[6]], m[s[7]]);
	mix(&v[0], &v[5], &v[10], &v[15], m[s[8]], m[s[9]]);
	mix(&v[1], &v[6], &v[11], &v[12], m[s[10]], m[s[11]]);
	mix(&v[2], &v[7], &v[8], &v[13], m[s[12]], m[s[13]]);
	mix(&v[3], &v[4], &v[9], &v[14], m[s[14]], m[s[15]]);
}

static void compress(lf_blake2b *b, int last)
{
	uint64_t m[16], v[16];
	int i;

	for (i = 0; i < 16; i++)
		m[i] = lf_load_le64(b->block + 8 * i);
	for (i = 0; i < 8; i++) {
		v[i] = b->h[i];
		v[i + 8] = iv[i];
	}
	v[12] ^= b->count;
	if (last)
		v[14] = ~v[14];
	/* Written out, so that the schedule turns into constants. */
	mix_all(v, m, schedule[0]);
	mix_all(v, m, schedule[1]);
	mix_all(v, m, schedule[2]);
	mix_all(v, m, schedule[3]);
	mix_all(v, m, schedule[4]);
	mix_all(v, m, schedule[5]);
	mix_all(v, m, schedule[6]);
	mix_all(v, m, schedule[7]);
	mix_all(v, m, schedule[8]);
	mix_all(v, m, schedule[9]);
	mix_all(v, m, schedule[0]);
	mix_all(v, m, schedule[1]);
	for (i = 0; i < 8; i++)
		b->h[i] ^= v[i] ^ v[i + 8];
}

void lf_blake2b_init(lf_blake2b *b, size_t size, const uint8_t *salt)
{
	memset(b, 0, sizeof *b);
	memcpy(b->h, iv, sizeof iv);
	/* Fan-out 1 and depth 1 (sequential mode), no key. */
	b->h[0] ^= 0x01010000 ^ (uint64_t)size;
	if (salt) {
		b->h[4] ^= lf_load_le64(salt);
		b->h[5] ^= lf_load_le64(salt + 8);
	}
	b->size = size;
}

void lf_blake2b_update(lf_blake2b *b, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t n = LF_BLAKE2B_BLOCK - b->fill;

		/* A full block waits for more data: the last one, even if
		 * full, is compressed with the final flag. */
		if (n == 0) {
			b->count += LF_BLAKE2B_BLOCK;
			compress(b, 0);
			b->fill = 0;
			n = LF_BLAKE2B_BLOCK;
		}
		if (n > len)
			n = len;
		memcpy(b->block + b->fill, data, n);
		b->fill += n;
		data += n;
		len -= n;
	}
}

void lf_blake2b_final(lf_blake2b *b, uint8_t *digest)
{
	size_t i;

	memset(b->block + b->fill, 0, LF_BLAKE2B_BLOCK - b->fill);
	b->count += b->fill;
	compress(b, 1);
	for (i = 0; i < b->size; i++)
		digest[i] = (uint8_t)(b->h[i / 8] >> 8 * (i % 8));
}
