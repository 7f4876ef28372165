/* What a way to hash has to show before it is used. */
#ifndef LF_PROVE_H
#define LF_PROVE_H

#include "equix.h"

/* The seeds "prove" with a number up to here after it. Each has a program, and all
 * together have each instruction with all operands that it may have. */
#define LF_PROVE_SEEDS 32
/* A digest of the hashes of their programs. */
#define LF_PROVE_DIGEST UINT64_C(0x0a0af3f7427e8689)

typedef enum {
	LF_RIGHT,
	LF_WRONG,       /* the known answers are others */
	LF_NOT_ALLOWED, /* the machine or the system does not have it */
} lf_proved;

/* Hashes an eighth of what an attempt does and returns the processor time of that in
 * nanoseconds, 0 where it is not known. */
uint64_t lf_sample(lf_solver *s, uint8_t round);

/* Holds the solver's way to hash against known answers, in a few milliseconds. */
lf_proved lf_prove(lf_solver *s);

/* The processor time of this thread in nanoseconds, 0 where it is not known. */
uint64_t lf_thread_ns(void);

#endif
