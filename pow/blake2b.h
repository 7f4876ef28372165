/* BLAKE2b (RFC 7693), unkeyed, sequential, with the salt field that the RFC
 * leaves out and HashX uses. */
#ifndef LF_BLAKE2B_H
#define LF_BLAKE2B_H

#include <stddef.h>
#include <stdint.h>

#define LF_BLAKE2B_BLOCK 128
#define LF_BLAKE2B_SALT 16

typedef struct {
	uint64_t h[8];
	uint64_t count; /* message bytes compressed; 2^64 is out of reach */
	uint8_t block[LF_BLAKE2B_BLOCK];
	size_t fill;
	size_t size;
} lf_blake2b;

/* size is the digest length, 1..64: a parameter of the function, so a short
 * digest is not a prefix of a long one. salt has 16 bytes; NULL means zeros. */
void lf_blake2b_init(lf_blake2b *b, size_t size, const uint8_t *salt);
void lf_blake2b_update(lf_blake2b *b, const uint8_t *data, size_t len);
void lf_blake2b_final(lf_blake2b *b, uint8_t *digest);

#endif
