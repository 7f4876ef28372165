/* What the program generator draws from. */
#ifndef LF_STREAM_H
#define LF_STREAM_H

#include <string.h>

#include "siphash.h"

/* The random stream: bytes and words are buffered apart but share one
 * counter, so the order of refills matters. Both come from the top. Values are
 * made some ahead, independently of each other. */
#define AHEAD 32
#define RESERVE 8 /* more than any try uses without looking ahead again */

typedef struct {
	uint64_t key[4];
	const uint64_t *next;
	uint64_t made; /* values, those not used yet included */
	uint64_t bytes, words;
	unsigned bytes_left, words_left;
	LF_ALIGNED uint64_t values[RESERVE + AHEAD];
} stream;

static inline uint64_t used(const stream *s)
{
	return s->made - (uint64_t)(s->values + RESERVE + AHEAD - s->next);
}

/* Keeps the last values, of which some are not used, and makes new ones. */
static inline void make_more(stream *s)
{
	memcpy(s->values, s->values + AHEAD, RESERVE * sizeof s->values[0]);
	s->next -= AHEAD;
	lf_sip_draws(s->key, s->made, s->values + RESERVE, AHEAD);
	s->made += AHEAD;
}

/* To be called before any few draws. */
static inline void look_ahead(stream *s)
{
	if (s->next > s->values + AHEAD)
		make_more(s);
}

static inline uint8_t draw_byte(stream *s)
{
	const unsigned fresh = s->bytes_left == 0;

	s->bytes = fresh ? *s->next : s->bytes;
	s->next += fresh;
	s->bytes_left = (s->bytes_left - 1) & 7;
	return (uint8_t)(s->bytes >> 8 * s->bytes_left);
}

/* A word, or if use is 0 anything, without a draw. */
static inline uint32_t draw_word_if(stream *s, unsigned use)
{
	const unsigned fresh = use & ~s->words_left;

	s->words = fresh ? *s->next : s->words;
	s->next += fresh;
	s->words_left ^= use;
	return (uint32_t)(s->words >> 32 * s->words_left);
}

#endif
