/* The program generator. It models a small in-order machine with three
 * execution ports, so that programs keep a 3-wide processor busy for 192
 * cycles. That is why a general-purpose CPU is the right machine for HashX.
 *
 * The full model has a table of port reservations and a verdict over counts
 * and latencies. Neither is needed. As long as every slot is filled at its
 * first or second try, each instruction issues in its own cycle. Then 512
 * instructions fit exactly, and the program is accepted. One slot given up
 * loses more room than it can win back, so the program is rejected. The tests
 * compare this with the full model.
 *
 * What is drawn is random, so a processor guesses every branch on it wrong. Few
 * branches remain, and they are rarely taken. Values are drawn whether used or
 * not, and counted if used. Sets of registers are bits, and the ranks in them
 * come from tables. */
#include "hashx.h"

#include <string.h>

#include "regset.h"
#include "stream.h"

#define NO_GROUP 0xff
#define R5 (1u << 5)

/* What may stand in a slot apart from one certain instruction. */
enum { ANY = LF_OPS, WIDE };

/* The instructions of a block and the cycle in it in which they issue; 16
 * blocks are a program. */
#define BLOCK 32
#define BLOCK_CYCLES 12
#define CYCLES (LF_PROGRAM_SIZE / BLOCK * BLOCK_CYCLES)

static const struct {
	uint8_t kind, cycle;
} slots[BLOCK] = {
	{LF_MUL, 0}, {LF_TARGET, 0},
	{LF_MUL, 1}, {ANY, 1}, {ANY, 1},
	{LF_MUL, 2}, {ANY, 2}, {ANY, 2},
	{LF_MUL, 3}, {ANY, 3}, {ANY, 3},
	{WIDE, 4}, {ANY, 4},
	{LF_MUL, 5}, {ANY, 5}, {ANY, 5},
	{LF_MUL, 6}, {LF_BRANCH, 6},
	{LF_MUL, 7}, {ANY, 7}, {ANY, 7},
	{WIDE, 8}, {ANY, 8},
	{LF_MUL, 9}, {ANY, 9}, {ANY, 9},
	{LF_MUL, 10}, {ANY, 10}, {ANY, 10},
	{LF_MUL, 11}, {ANY, 11}, {ANY, 11},
};

/* A second try draws from the first four only: no sources, so it succeeds. */
static const uint8_t any[8] = {
	LF_ROTR, LF_XORI, LF_ADDI, LF_ADDI, LF_SUB, LF_XOR, LF_XORI, LF_ADDSH,
};

static const uint8_t wide[2] = {LF_MULHS, LF_MULHU};

/* Operations that may not follow each other on a register. An instruction is
 * told apart with its source, or without it, or (wide ones) by a random tag. */
enum {
	MULS = 0, ADDS = 8, XORS = 16, /* and the number of the source */
	ROTRS = 24, ADDIS, XORIS, MULHUS, MULHSS, NOTHING,
	OPERATIONS
};

static const struct {
	uint8_t group;     /* kinds that undo or repeat each other share one */
	uint8_t latency;   /* cycles until the result can be used */
	uint8_t sources;   /* registers that can be source: all or none */
	uint8_t distinct;  /* 1 if the destination must differ from the source */
	uint8_t never;     /* destinations ruled out */
	uint8_t nonzero;   /* 1 if the immediate may not be 0 */
	uint8_t operation;
	uint32_t imm_mask; /* of a word; 0 for no immediate */
} traits[LF_OPS] = {
	[LF_MULHU] = {LF_MULHU, 4, 0xff, 0, 0, 0, MULHUS, 0},
	[LF_MULHS] = {LF_MULHS, 4, 0xff, 0, 0, 0, MULHSS, 0},
	[LF_MUL] = {LF_MUL, 3, 0xff, 1, 0, 0, MULS, 0},
	[LF_SUB] = {LF_SUB, 1, 0xff, 1, 0, 0, ADDS, 0},
	[LF_XOR] = {LF_XOR, 1, 0xff, 1, 0, 0, XORS, 0},
	[LF_ADDSH] = {LF_SUB, 1, 0xff, 1, R5, 0, ADDS, 3},
	[LF_ROTR] = {LF_ROTR, 1, 0, 0, 0, 1, ROTRS, 63},
	[LF_ADDI] = {LF_ADDI, 1, 0, 0, 0, 1, ADDIS, 0xffffffff},
	[LF_XORI] = {LF_XORI, 1, 0, 0, 0, 1, XORIS, 0xffffffff},
};

typedef struct {
	stream random;
	uint8_t prev;     /* group of the last kind chosen, even if it then failed */
	unsigned ready;   /* registers whose value is there, one bit each */
	unsigned by_mul;  /* registers last written by MUL */
	uint8_t written[OPERATIONS];     /* registers last written by each */
	uint8_t operation[LF_REGISTERS]; /* the same the other way round */
	uint32_t tag[LF_REGISTERS];      /* of wide products */
	uint8_t arrive[CYCLES + 4];      /* registers that get ready, by cycle */
} generator;

static inline uint8_t choose_op(generator *g, uint8_t slot, int second)
{
	const unsigned choice = second ? 3 : 7;
	uint8_t op = slot;

	if (slot == WIDE)
		op = wide[draw_byte(&g->random) & 1];
	else if (slot == ANY)
		op = any[draw_byte(&g->random) & choice];
	while (slot == ANY && traits[op].group == g->prev) {
		look_ahead(&g->random);
		op = any[draw_byte(&g->random) & choice];
	}
	g->prev = traits[op].group;
	return op;
}

static uint32_t draw_branch_mask(stream *s)
{
	uint32_t mask = 0;
	int bits = 0;

	while (bits < 4) {
		uint32_t bit;

		look_ahead(s);
		bit = (uint32_t)1 << (draw_byte(s) & 31);
		bits += !(mask & bit);
		mask |= bit;
	}
	return mask;
}

static inline uint32_t choose_imm(stream *s, uint8_t op)
{
	const uint32_t mask = traits[op].imm_mask;
	uint32_t imm = draw_word_if(s, mask != 0) & mask;

	while ((imm == 0) & traits[op].nonzero) {
		look_ahead(s);
		imm = draw_word_if(s, 1) & mask;
	}
	return imm;
}

/* A register is drawn by its rank in the set. Of an empty set, the result means
 * nothing. */
static inline uint8_t ranked(uint32_t list, uint32_t word)
{
	return (uint8_t)(list >> 3 * modulo(word, list >> 24) & 7);
}

/* There is no draw where there is no choice. That is rare: a branch that is
 * guessed right lets the stream run ahead of the registers. */
static inline uint8_t pick(stream *s, unsigned set)
{
	const uint32_t list = lists[set];

	return ranked(list, list >> 24 > 1 ? draw_word_if(s, 1) : 0);
}

/* The same where the set is empty as often as not. */
static inline uint8_t pick_if_any(stream *s, unsigned set)
{
	const uint32_t list = lists[set];

	return ranked(list, draw_word_if(s, list >> 24 > 1));
}

/* R5 cannot be the destination of ADDSH: the x86 encoding would grow by a byte.
 * So it is not left over as the only choice. */
static inline uint8_t choose_src(generator *g, uint8_t op, uint8_t slot, unsigned set)
{
	if (slot != ANY)
		return pick(&g->random, set);
	if ((op == LF_ADDSH) & ((set & R5) != 0) & (lists[set] >> 24 == 2))
		return 5;
	return pick_if_any(&g->random, set);
}

/* Registers last written by a wide product with the same random tag. */
static unsigned same_tag(const generator *g, uint8_t operation, uint32_t tag)
{
	unsigned r, set = 0;

	for (r = 0; r < LF_REGISTERS; r++)
		set |= (unsigned)(g->tag[r] == tag) << r;
	return set & g->written[operation];
}

static inline void write_register(generator *g, uint8_t r, uint8_t operation, uint32_t tag)
{
	const uint8_t bit = (uint8_t)(1u << r);

	g->written[g->operation[r]] &= (uint8_t)~bit;
	g->written[operation] |= bit;
	g->operation[r] = operation;
	g->tag[r] = tag;
}

/* One try to fill a slot with an instruction that has a destination. A failed
 * one leaves its draws consumed and prev set; the registers change only if it
 * succeeds. Inlined for each kind of slot. */
LF_INLINE int try_slot(generator *g, lf_insn *in, uint8_t slot, unsigned cycle, int second)
{
	const uint8_t op = choose_op(g, slot, second);
	const uint32_t imm = slot == ANY ? choose_imm(&g->random, op) : 0;
	const uint32_t tag = slot == WIDE ? draw_word_if(&g->random, 1) : 0;
	const unsigned sources = g->ready & traits[op].sources;
	uint8_t src, dst, operation = traits[op].operation;
	unsigned set = g->ready & ~(unsigned)traits[op].never;

	if ((sources == 0) & (traits[op].sources != 0))
		return 0;
	src = choose_src(g, op, slot, sources);
	set &= ~((unsigned)traits[op].distinct << src);
	if (slot == WIDE) {
		set &= ~same_tag(g, operation, tag);
	} else {
		operation = (uint8_t)(operation + (src & traits[op].sources));
		set &= ~(unsigned)g->written[operation];
	}
	if (slot == LF_MUL && !second)
		set &= ~g->by_mul;
	if (set == 0)
		return 0;
	dst = pick(&g->random, set);
	*in = (lf_insn){op, dst, (uint8_t)(src | ~traits[op].sources), imm};
	write_register(g, dst, operation, tag);
	g->by_mul = (g->by_mul & ~(1u << dst)) | (unsigned)(slot == LF_MUL) << dst;
	g->ready &= ~(1u << dst);
	g->arrive[cycle + traits[op].latency] |= (uint8_t)(1u << dst);
	return 1;
}

/* Targets and branches have no registers and always fit. */
static int place_jump(generator *g, lf_insn *in, uint8_t op)
{
	in->op = g->prev = op;
	in->dst = in->src = LF_NO_REGISTER;
	in->imm = op == LF_BRANCH ? draw_branch_mask(&g->random) : 0;
	return 1;
}

LF_INLINE int try_kind(generator *g, lf_insn *in, uint8_t slot, unsigned cycle, int second)
{
	look_ahead(&g->random);
	switch (slot) {
	case LF_MUL:
		return try_slot(g, in, LF_MUL, cycle, second);
	case WIDE:
		return try_slot(g, in, WIDE, cycle, second);
	case ANY:
		return try_slot(g, in, ANY, cycle, second);
	}
	return place_jump(g, in, slot);
}

static int second_try(generator *g, lf_insn *in, uint8_t slot, unsigned cycle)
{
	return try_kind(g, in, slot, cycle, 1);
}

static void start(generator *g, const uint64_t key[4])
{
	memset(g, 0, sizeof *g);
	memcpy(g->random.key, key, sizeof g->random.key);
	memset(g->operation, NOTHING, sizeof g->operation);
	g->written[NOTHING] = 0xff;
	g->random.next = g->random.values + RESERVE + AHEAD;
	g->prev = NO_GROUP;
	g->arrive[0] = 0xff;
}

int lf_program_make(lf_insn code[LF_PROGRAM_SIZE], const uint64_t key[4],
		    lf_genlog *log)
{
	generator g;
	unsigned n;
	int ok = 1;

	start(&g, key);
	if (log)
		log->retries = 0;
	for (n = 0; n < LF_PROGRAM_SIZE; n++) {
		const uint8_t slot = slots[n % BLOCK].kind;
		const unsigned cycle = n / BLOCK * BLOCK_CYCLES + slots[n % BLOCK].cycle;

		g.ready |= g.arrive[cycle];
		g.arrive[cycle] = 0;
		if (try_kind(&g, &code[n], slot, cycle, 0))
			continue;
		if (log)
			log->retried[log->retries++] = (uint16_t)n;
		ok = second_try(&g, &code[n], slot, cycle);
		if (!ok)
			break;
	}
	if (log) {
		log->draws = used(&g.random);
		log->placed = (uint16_t)n;
	}
	return ok;
}
