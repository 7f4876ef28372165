/* The program generator. It models a small in-order machine with three
 * execution ports, so that programs keep a 3-wide processor busy for 192
 * cycles: that is why a general-purpose CPU is the right machine for HashX.
 *
 * The full model has a table of port reservations and a verdict over counts
 * and latencies. Neither is needed: as long as every slot is filled at its
 * first or second try, each instruction issues in its own cycle, 512
 * instructions fit exactly and the program is accepted; and one slot given up
 * loses more room than it can win back, so the program is rejected. The tests
 * hold this against the full model. */
#include "hashx.h"

#include <string.h>

#include "siphash.h"

#define SLOTS 36
#define NO_GROUP 0xff
#define TAG_CONST 0xffffffff
#define R5 (1u << 5)

enum { ANY = LF_OPS, WIDE };

/* What may stand in a slot, by sub-cycle; three sub-cycles are a cycle. The
 * slots 2, 13, 20 and 25 are skipped by the two-slot instruction before. */
static const uint8_t slots[SLOTS] = {
	LF_MUL, LF_TARGET, ANY, LF_MUL, ANY, ANY,
	LF_MUL, ANY, ANY, LF_MUL, ANY, ANY,
	WIDE, ANY, ANY, LF_MUL, ANY, ANY,
	LF_MUL, LF_BRANCH, ANY, LF_MUL, ANY, ANY,
	WIDE, ANY, ANY, LF_MUL, ANY, ANY,
	LF_MUL, ANY, ANY, LF_MUL, ANY, ANY,
};

/* A second try draws from the first four only: no sources, so it succeeds. */
static const uint8_t any[8] = {
	LF_ROTR, LF_XORI, LF_ADDI, LF_ADDI, LF_SUB, LF_XOR, LF_XORI, LF_ADDSH,
};

static const uint8_t wide[2] = {LF_MULHS, LF_MULHU};

static const struct {
	uint8_t group;    /* kinds that undo or repeat each other share one */
	uint8_t latency;  /* cycles until the result can be used */
	uint8_t size;     /* sub-cycles */
	uint8_t has_src;
	uint8_t has_dst;
	uint8_t distinct; /* destination must differ from the source */
} traits[LF_OPS] = {
	[LF_MULHU] = {LF_MULHU, 4, 2, 1, 1, 0},
	[LF_MULHS] = {LF_MULHS, 4, 2, 1, 1, 0},
	[LF_MUL] = {LF_MUL, 3, 1, 1, 1, 1},
	[LF_SUB] = {LF_SUB, 1, 1, 1, 1, 1},
	[LF_XOR] = {LF_XOR, 1, 1, 1, 1, 1},
	[LF_ADDSH] = {LF_SUB, 1, 1, 1, 1, 1},
	[LF_ROTR] = {LF_ROTR, 1, 1, 0, 1, 0},
	[LF_ADDI] = {LF_ADDI, 1, 1, 0, 1, 0},
	[LF_XORI] = {LF_XORI, 1, 1, 0, 1, 0},
	[LF_TARGET] = {LF_TARGET, 1, 2, 0, 0, 0},
	[LF_BRANCH] = {LF_BRANCH, 1, 2, 0, 0, 0},
};

/* The random stream: bytes and words are buffered apart but share one
 * counter, so the order of refills matters. Both come from the top. */
typedef struct {
	uint64_t key[4];
	uint64_t counter;
	uint64_t bytes, words;
	int bytes_left, words_left;
} stream;

typedef struct {
	stream random;
	uint8_t prev; /* group of the last kind chosen, even if it then failed */
	uint8_t ready[LF_REGISTERS]; /* cycle in which the value is there */
	uint64_t last[LF_REGISTERS]; /* operation that wrote it: group, tag */
	unsigned by_mul; /* registers last written by MUL, one bit each */
} generator;

static uint8_t draw_byte(stream *s)
{
	if (s->bytes_left == 0) {
		s->bytes = lf_sip_draw(s->key, s->counter++);
		s->bytes_left = 8;
	}
	return (uint8_t)(s->bytes >> 8 * --s->bytes_left);
}

static uint32_t draw_word(stream *s)
{
	if (s->words_left == 0) {
		s->words = lf_sip_draw(s->key, s->counter++);
		s->words_left = 2;
	}
	return (uint32_t)(s->words >> 32 * --s->words_left);
}

static uint64_t operation(uint8_t op, uint32_t tag)
{
	return (uint64_t)traits[op].group << 32 | tag;
}

static uint8_t choose_op(generator *g, uint8_t slot, int second)
{
	uint8_t op = slot;

	if (slot == WIDE)
		op = wide[draw_byte(&g->random) & 1];
	else if (slot == ANY)
		do
			op = any[draw_byte(&g->random) & (second ? 3 : 7)];
		while (traits[op].group == g->prev);
	g->prev = traits[op].group;
	return op;
}

static uint32_t draw_branch_mask(stream *s)
{
	uint32_t mask = 0;
	int bits = 0;

	while (bits < 4) {
		uint32_t bit = (uint32_t)1 << (draw_byte(s) & 31);

		bits += !(mask & bit);
		mask |= bit;
	}
	return mask;
}

static uint32_t choose_imm(stream *s, uint8_t op)
{
	uint32_t imm = 0;

	switch (op) {
	case LF_ADDSH:
		return draw_word(s) & 3;
	case LF_BRANCH:
		return draw_branch_mask(s);
	case LF_ROTR:
		while (imm == 0)
			imm = draw_word(s) & 63;
		return imm;
	case LF_ADDI:
	case LF_XORI:
		while (imm == 0)
			imm = draw_word(s);
		return imm;
	}
	return 0;
}

/* Sets of registers have one bit for each. A register is drawn by its rank in
 * the set; there is no draw where there is no choice. */
static uint8_t pick(stream *s, unsigned set)
{
	uint8_t list[LF_REGISTERS];
	uint32_t count = 0;
	uint8_t r;

	for (r = 0; r < LF_REGISTERS; r++) {
		list[count] = r;
		count += set >> r & 1;
	}
	if (count == 0)
		return LF_NO_REGISTER;
	return list[count == 1 ? 0 : draw_word(s) % count];
}

static unsigned ready_at(const generator *g, unsigned cycle)
{
	unsigned set = 0;
	int r;

	for (r = 0; r < LF_REGISTERS; r++)
		set |= (unsigned)(g->ready[r] <= cycle) << r;
	return set;
}

/* Registers that the same operation wrote last: a repetition could undo or
 * merge with it. */
static unsigned same_op(const generator *g, uint64_t op)
{
	unsigned set = 0;
	int r;

	for (r = 0; r < LF_REGISTERS; r++)
		set |= (unsigned)(g->last[r] == op) << r;
	return set;
}

static uint8_t choose_src(generator *g, uint8_t op, unsigned ready)
{
	unsigned others = ready & ~R5;

	/* R5 cannot be the destination of ADDSH (the x86 encoding would grow
	 * by a byte), so it is not left over as the only choice for it. */
	if (op == LF_ADDSH && others != ready && others != 0 &&
	    (others & (others - 1)) == 0)
		return 5;
	return pick(&g->random, ready);
}

static uint8_t choose_dst(generator *g, const lf_insn *in, uint64_t op,
			  unsigned ready, int second)
{
	unsigned set = ready & ~same_op(g, op);

	if (traits[in->op].distinct)
		set &= ~(1u << in->src);
	if (in->op == LF_MUL && !second)
		set &= ~g->by_mul;
	if (in->op == LF_ADDSH)
		set &= ~R5;
	return pick(&g->random, set);
}

/* One try to fill a slot. A failed one leaves its draws consumed and prev set;
 * the registers change only if it succeeds. */
static int try_slot(generator *g, lf_insn *in, uint8_t slot, unsigned cycle,
		    int second)
{
	uint32_t tag = TAG_CONST;
	unsigned ready;
	uint64_t op;

	in->op = choose_op(g, slot, second);
	in->dst = in->src = LF_NO_REGISTER;
	in->imm = choose_imm(&g->random, in->op);
	if (slot == WIDE)
		tag = draw_word(&g->random);
	ready = ready_at(g, cycle);
	if (traits[in->op].has_src) {
		in->src = choose_src(g, in->op, ready);
		if (in->src == LF_NO_REGISTER)
			return 0;
		if (slot != WIDE)
			tag = in->src;
	}
	if (traits[in->op].has_dst) {
		op = operation(in->op, tag);
		in->dst = choose_dst(g, in, op, ready, second);
		if (in->dst == LF_NO_REGISTER)
			return 0;
		g->ready[in->dst] = (uint8_t)(cycle + traits[in->op].latency);
		g->last[in->dst] = op;
		g->by_mul &= ~(1u << in->dst);
		g->by_mul |= (unsigned)(in->op == LF_MUL) << in->dst;
	}
	return 1;
}

int lf_program_make(lf_insn code[LF_PROGRAM_SIZE], const uint64_t key[4],
		    lf_genlog *log)
{
	generator g = {.prev = NO_GROUP};
	unsigned sub = 0;
	int n, ok = 1;

	memcpy(g.random.key, key, sizeof g.random.key);
	memset(g.last, 0xff, sizeof g.last);
	if (log)
		log->retries = 0;
	for (n = 0; n < LF_PROGRAM_SIZE; n++) {
		uint8_t slot = slots[sub % SLOTS];

		ok = try_slot(&g, &code[n], slot, sub / 3, 0);
		if (!ok) {
			if (log)
				log->retried[log->retries++] = (uint16_t)n;
			ok = try_slot(&g, &code[n], slot, sub / 3, 1);
		}
		if (!ok)
			break;
		sub += traits[code[n].op].size;
	}
	if (log) {
		log->draws = g.random.counter;
		log->placed = (uint16_t)n;
	}
	return ok;
}
