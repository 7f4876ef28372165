/* Does one thing some times, for tools that count instructions.
 * Usage: count avx512|avx2|scalar|interpreted|verify|program TIMES [hashes]
 * With the last word an attempt ends when the hashes are there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../proof.h"

static lf_solver solver;

static void hashes(const uint8_t *challenge, size_t len)
{
	uint64_t out[LF_LANES];
	uint32_t first;

	if (!lf_hashx_make(&solver.hash, challenge, len, NULL))
		return;
	lf_jit_make(&solver.jit, &solver.hash);
	for (first = 0; first < LF_INDEX_SPACE; first += LF_LANES)
		lf_jit_range(&solver.jit, &solver.hash, first, out);
}

static int solve(lf_mode mode, uint32_t times, int only_hashes)
{
	uint32_t i;

	lf_jit_init(&solver.jit, mode);
	for (i = 0; i < times; i++)
		if (only_hashes)
			hashes((const uint8_t *)&i, sizeof i);
		else
			lf_equix_solve(&solver, (const uint8_t *)&i, sizeof i, NULL);
	i = solver.jit.mode == mode;
	lf_jit_free(&solver.jit);
	return i ? 0 : 2;
}

/* The challenge is four bytes 0; see ../testdata/solutions.txt. */
static int verify(uint32_t times)
{
	static const uint8_t challenge[4],
		solution[] = {0x95, 0x54, 0x75, 0xa5, 0x1e, 0xc4, 0xc4, 0xe6,
			      0x6c, 0x20, 0x7e, 0xc3, 0xf1, 0x30, 0xfc, 0xf3};

	while (times-- > 0)
		if (lf_proof_verify(challenge, 4, solution, 1) != LF_OK)
			return 2;
	return 0;
}

static int program(uint32_t times)
{
	static lf_hashx h;
	uint32_t i;

	for (i = 0; i < times; i++)
		if (!lf_hashx_make(&h, (const uint8_t *)&i, sizeof i, NULL))
			return 2;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const modes[] = {"interpreted", "scalar", "avx2", "avx512"};
	const uint32_t times = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	int i;

	if (argc == 3 && strcmp(argv[1], "verify") == 0)
		return verify(times);
	if (argc == 3 && strcmp(argv[1], "program") == 0)
		return program(times);
	for (i = 0; argc > 2 && i < LF_MODES; i++)
		if (strcmp(argv[1], modes[i]) == 0)
			return solve((lf_mode)i, times, argc > 3);
	fprintf(stderr, "usage: %s avx512|avx2|scalar|interpreted|verify|program TIMES [hashes]\n", argv[0]);
	return 2;
}
