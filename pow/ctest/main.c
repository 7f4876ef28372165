/* Holds the known answers of ../testdata against the C code alone, so that
 * sanitizers see all of it. Usage: main TESTDATA-DIRECTORY */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../blake2b.h"
#include "../bytes.h"
#include "../proof.h"
#include "../wide.h"

#define MAX_BYTES 512
#define MAX_WORDS 12

static int failures, checks;
static lf_solver *solver;

/* One "keyword value…" line; an empty line ends a record and has no words. */
typedef struct {
	char text[2048];
	char *words[MAX_WORDS];
	int count;
} line;

typedef struct {
	uint8_t data[MAX_BYTES];
	size_t len;
} bytes;

static void check(int ok, const char *what, const char *detail)
{
	checks++;
	if (ok)
		return;
	failures++;
	fprintf(stderr, "FAIL %s %s\n", what, detail);
}

static int read_line(FILE *f, line *l)
{
	char *word;

	l->count = 0;
	do {
		if (!fgets(l->text, sizeof l->text, f))
			return 0;
	} while (l->text[0] == '#');
	for (word = strtok(l->text, " \n"); word && l->count < MAX_WORDS;
	     word = strtok(NULL, " \n"))
		l->words[l->count++] = word;
	return 1;
}

static int is(const line *l, const char *key)
{
	return l->count > 0 && strcmp(l->words[0], key) == 0;
}

static bytes unhex(const char *hex)
{
	bytes b;
	unsigned value;

	b.len = 0;
	for (; *hex != '-' && *hex && b.len < MAX_BYTES; hex += 2) {
		if (sscanf(hex, "%2x", &value) != 1)
			exit(2);
		b.data[b.len++] = (uint8_t)value;
	}
	return b;
}

static int same(const uint8_t *got, const char *hex)
{
	bytes want = unhex(hex);

	return memcmp(got, want.data, want.len) == 0;
}

static void put_le(uint8_t *out, uint64_t v, int size)
{
	int i;

	for (i = 0; i < size; i++)
		out[i] = (uint8_t)(v >> 8 * i);
}

/* Runs a handler over the lines of one file. */
static void each(const char *dir, const char *name, void (*handle)(line *))
{
	char path[1024];
	static line l;
	FILE *f;
	int before = checks;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f) {
		perror(path);
		exit(2);
	}
	while (read_line(f, &l))
		handle(&l);
	l.count = 0;
	handle(&l); /* the end of a file ends its last record */
	fclose(f);
	check(checks > before, name, "has nothing to check");
}

static void program_digest(const lf_hashx *h, uint8_t digest[32])
{
	lf_blake2b b;
	uint8_t record[7];
	int i;

	lf_blake2b_init(&b, 32, NULL);
	for (i = 0; i < LF_PROGRAM_SIZE; i++) {
		record[0] = h->code[i].op;
		record[1] = h->code[i].dst;
		record[2] = h->code[i].src;
		put_le(record + 3, h->code[i].imm, 4);
		lf_blake2b_update(&b, record, sizeof record);
	}
	lf_blake2b_final(&b, digest);
}

/* Whether hash number i of a solver's kind is as wanted, by every way to hash
 * that the solver is not forbidden. */
static int lanes_are(const lf_hashx *h, uint64_t x, const uint64_t want[8])
{
	static uint64_t many[LF_LANES];
	int i;

	lf_jit_make(&solver->jit, h);
	for (i = 0; i < LF_LANES; i += 51) {
		lf_jit_range(&solver->jit, h, x - (unsigned)i, many);
		if (many[i] != want[7])
			return 0;
	}
	return 1;
}

static int hash_is(const lf_hashx *h, const char *input, const char *want)
{
	uint64_t x[8] = {0}, eight[8];
	uint8_t got[8];

	x[7] = strtoull(input, NULL, 10);
	lf_hashx_eight(h, x, eight);
	put_le(got, eight[7], 8);
	return memcmp(got, unhex(want).data, 8) == 0 &&
	       lanes_are(h, x[7], eight);
}

static void hashx_line(line *l)
{
	static lf_hashx h;
	static lf_genlog log;
	static int ok;
	uint8_t digest[32];

	if (is(l, "seed")) {
		bytes seed = unhex(l->words[1]);

		ok = lf_hashx_make(&h, seed.data, seed.len, &log);
	} else if (is(l, "verdict")) {
		check(ok == (strcmp(l->words[1], "accepted") == 0), "verdict",
		      l->words[1]);
	} else if (is(l, "draws")) {
		check(log.draws == strtoull(l->words[1], NULL, 10), "draws",
		      l->words[1]);
	} else if (is(l, "gaveup")) {
		check(log.placed == strtoul(l->words[1], NULL, 10), "gaveup",
		      l->words[1]);
	} else if (is(l, "program")) {
		program_digest(&h, digest);
		check(same(digest, l->words[1]), "program", l->words[1]);
	} else if (is(l, "hash")) {
		check(hash_is(&h, l->words[1], l->words[2]), "hash",
		      l->words[1]);
	}
}

/* The first eight of 32 bytes are the ones that there are. */
static void hash32_line(line *l)
{
	static lf_hashx h;
	bytes seed;

	if (!is(l, "hash32"))
		return;
	seed = unhex(l->words[1]);
	check(lf_hashx_make(&h, seed.data, seed.len, NULL), "make", l->words[1]);
	check(hash_is(&h, l->words[2], l->words[3]), "hash32", l->words[3]);
}

static void solutions_line(line *l)
{
	static int count, next;
	static bytes challenge;

	if (is(l, "challenge")) {
		challenge = unhex(l->words[1]);
		count = lf_equix_solve(solver, challenge.data, challenge.len,
				       NULL);
		next = 0;
	} else if (is(l, "verdict")) {
		check((count != LF_REJECTED) ==
		      (strcmp(l->words[1], "accepted") == 0),
		      "verdict", l->words[1]);
		if (count == LF_REJECTED)
			count = 0;
	} else if (is(l, "solution")) {
		check(next < count && same(solver->solutions[next], l->words[1]),
		      "solution", l->words[1]);
		next++;
	} else if (l->count == 0) {
		check(next == count, "number of solutions", "");
	}
}

static const char *verdict_name(lf_verdict v)
{
	switch (v) {
	case LF_OK:
		return "OK";
	case LF_BAD_EFFORT:
		return "EFFORT";
	case LF_BAD_ORDER:
		return "ORDER";
	case LF_BAD_PROGRAM:
		return "CHALLENGE";
	case LF_BAD_PARTIAL_SUM:
		return "PARTIAL";
	case LF_BAD_FINAL_SUM:
		return "FINAL";
	}
	return "?";
}

static void verify_line(line *l)
{
	bytes challenge, solution;
	lf_verdict v;

	if (!is(l, "verify"))
		return;
	challenge = unhex(l->words[1]);
	solution = unhex(l->words[2]);
	v = lf_equix_verify(challenge.data, challenge.len, solution.data);
	check(strcmp(verdict_name(v), l->words[3]) == 0, "verify", l->words[2]);
}

static void increment(uint8_t counter[16])
{
	int i;

	for (i = 0; i < 16 && ++counter[i] == 0; i++)
		;
}

/* The challenge of Tor's version 1; nonce at 80. */
typedef struct {
	uint8_t challenge[100];
	uint32_t effort;
	char nonce[40], solution[40];
} walk;

static void take_walk(walk *w)
{
	const uint32_t go = 0;
	uint8_t solution[LF_SOLUTION_SIZE];
	uint32_t tried;

	while (lf_proof_attempt(solver, w->challenge, 100, w->effort, &go,
				solution, &tried) == 0)
		increment(w->challenge + 80);
	check(same(w->challenge + 80, w->nonce), "nonce", w->nonce);
	check(same(solution, w->solution), "solution", w->solution);
	check(lf_proof_verify(w->challenge, 100, solution, w->effort) == LF_OK,
	      "proof", w->solution);
}

static void tor_line(line *l)
{
	static walk w;
	int i;

	if (is(l, "effort")) {
		memcpy(w.challenge, "Tor hs intro v1", 16);
		w.effort = (uint32_t)strtoul(l->words[1], NULL, 10);
		for (i = 0; i < 4; i++)
			w.challenge[96 + i] = (uint8_t)(w.effort >> (24 - 8 * i));
	} else if (is(l, "id")) {
		memcpy(w.challenge + 16, unhex(l->words[1]).data, 32);
	} else if (is(l, "seed")) {
		memcpy(w.challenge + 48, unhex(l->words[1]).data, 32);
	} else if (is(l, "start")) {
		memcpy(w.challenge + 80, unhex(l->words[1]).data, 16);
	} else if (is(l, "nonce")) {
		strncpy(w.nonce, l->words[1], sizeof w.nonce - 1);
	} else if (is(l, "solution")) {
		strncpy(w.solution, l->words[1], sizeof w.solution - 1);
	} else if (is(l, "R")) {
		/* The long walk is the Go tests': sanitizers are slow. */
		if (w.effort != 1337)
			take_walk(&w);
	}
}

static void stop_at_once(void)
{
	const uint32_t stop = 1;
	uint8_t solution[LF_SOLUTION_SIZE];
	uint32_t tried;

	check(lf_proof_attempt(solver, solution, 0, 1, &stop, solution,
			       &tried) == -1, "stop", "");
}

static void wide_products(void)
{
	const uint64_t all = UINT64_MAX, top = (uint64_t)1 << 63;

	check(lf_mulhu(all, all) == all - 1, "mulhu", "-1 -1");
	check(lf_mulhu(top, top) == top >> 1, "mulhu", "top top");
	check(lf_mulhu(all, 1) == 0, "mulhu", "-1 1");
	check(lf_mulhu(0x123456789abcdef0, 0xfedcba9876543210) ==
	      0x121fa00ad77d7422, "mulhu", "mixed");
	check(lf_mulhs(all, all) == 0, "mulhs", "-1 -1");
	check(lf_mulhs(top, top) == top >> 1, "mulhs", "top top");
	check(lf_mulhs(top, 1) == all, "mulhs", "top 1");
	check(lf_mulhs(1, all) == all, "mulhs", "1 -1");
	check(lf_mulhs(top, all) == 0, "mulhs", "top -1");
}

#if defined(LF_REFUSE)
/* Stands in for mprotect: a system where what was written never runs. */
int LF_REFUSE(void *p, size_t size, int prot)
{
	(void)p;
	(void)size;
	(void)prot;
	return -1;
}
#endif

/* Everything that depends on how the solver hashes. */
static void check_mode(const char *dir, lf_mode mode)
{
	static const char *names[] = {"interpreted", "scalar", "avx2", "avx512"};
	static lf_hashx h;
	lf_mode want = mode;

	memset(solver, 0xa5, sizeof *solver); /* it needs no initialization */
	lf_jit_init(&solver->jit, mode);
#if defined(LF_REFUSE)
	want = LF_INTERPRETED;
#endif
	check(lf_hashx_make(&h, (const uint8_t *)"mode", 4, NULL), "make", "");
	lf_jit_make(&solver->jit, &h);
	check(solver->jit.mode == want, "mode", names[mode]);
	each(dir, "hashx.txt", hashx_line);
	each(dir, "hash32.txt", hash32_line);
	each(dir, "solutions.txt", solutions_line);
	each(dir, "tor.txt", tor_line);
	stop_at_once();
	lf_jit_free(&solver->jit);
}

int main(int argc, char **argv)
{
	int mode;

	if (argc != 2) {
		fprintf(stderr, "usage: %s TESTDATA-DIRECTORY\n", argv[0]);
		return 2;
	}
	solver = malloc(sizeof *solver); /* so that overruns are seen */
	if (!solver)
		return 2;
	wide_products();
	each(argv[1], "verify.txt", verify_line);
	for (mode = LF_INTERPRETED; mode < (int)LF_MODES; mode++)
		if (lf_jit_offers((lf_mode)mode))
			check_mode(argv[1], (lf_mode)mode);
	free(solver);
	printf("%d checks, %d failures\n", checks, failures);
	return failures != 0;
}
