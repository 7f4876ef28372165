/* What AVX-512 takes for each HashX instruction, as a table. */
#ifndef LF_AVX512_H
#define LF_AVX512_H

#include "hashx.h"

/* Operands of a row: registers of the instruction, temporaries, the low halves of
 * all elements as a mask. */
enum { D, S, T0, T1, T2, T3, T4, LOW_HALVES };
#define NONE D

/* Mask registers: all elements, those where D is negative, and those where S is. */
enum { ALL, D_NEGATIVE, S_NEGATIVE };

/* Immediates: bytes are meant literally, the others depend on the instruction. */
enum {
	COUNT = 256, /* its shift or rotation */
	POOL,        /* operand b is its sign-extended constant, in memory */
	NO_IMM
};

/* How operands stand in the encoding: modrm.reg, EVEX.vvvv, modrm.rm. */
enum {
	TO_A_B = 1,
	DIGIT_TO_A, /* -, vvvv, rm; the opcode goes on in reg */
	MASK_A,     /* a mask register in reg, -, rm */
};

/* The prefix is one of those that EVEX has in two bits. */
enum { PREFIX_66 = 1, PREFIX_F3 };

typedef struct {
	uint8_t shape, map, prefix, opcode, digit;
} evex;

#define ADDQ {TO_A_B, 1, PREFIX_66, 0xd4, 0}
#define SUBQ {TO_A_B, 1, PREFIX_66, 0xfb, 0}
#define XORQ {TO_A_B, 1, PREFIX_66, 0xef, 0}
#define ANDQ {TO_A_B, 1, PREFIX_66, 0xdb, 0}
#define MULUDQ {TO_A_B, 1, PREFIX_66, 0xf4, 0} /* 64 bits = 32 x 32, even elements */
#define MULLQ {TO_A_B, 2, PREFIX_66, 0x40, 0}  /* 64 bits = 64 x 64 */
#define SRLQ {DIGIT_TO_A, 1, PREFIX_66, 0x73, 2}
#define SLLQ {DIGIT_TO_A, 1, PREFIX_66, 0x73, 6}
#define RORQ {DIGIT_TO_A, 1, PREFIX_66, 0x72, 0}
#define SIGNS {MASK_A, 2, PREFIX_F3, 0x39, 0} /* the sign of each element */

typedef struct {
	evex op;
	uint8_t to, a, b, mask;
	uint16_t imm;
} row;

#define ROWS 18

/* The high half of a product from products of halves: ll, hl, lh, hh. The signed
 * one is the unsigned one, less each factor where the other is negative. */
#define HIGH_PRODUCT \
	{SRLQ, T0, D, NONE, ALL, 32}, \
	{SRLQ, T1, S, NONE, ALL, 32}, \
	{MULUDQ, T2, D, S, ALL, NO_IMM}, \
	{MULUDQ, T3, T0, S, ALL, NO_IMM}, \
	{MULUDQ, T4, D, T1, ALL, NO_IMM}, \
	{MULUDQ, T0, T0, T1, ALL, NO_IMM}, \
	{SRLQ, T2, T2, NONE, ALL, 32}, \
	{ADDQ, T3, T3, T2, ALL, NO_IMM}, \
	{ANDQ, T2, T3, LOW_HALVES, ALL, NO_IMM}, \
	{ADDQ, T4, T4, T2, ALL, NO_IMM}, \
	{SRLQ, T3, T3, NONE, ALL, 32}, \
	{SRLQ, T4, T4, NONE, ALL, 32}, \
	{ADDQ, T0, T0, T3, ALL, NO_IMM}

static const row rows[LF_OPS][ROWS] = {
	[LF_MULHU] = {
		HIGH_PRODUCT,
		{ADDQ, D, T0, T4, ALL, NO_IMM},
	},
	[LF_MULHS] = {
		{SIGNS, D_NEGATIVE, D, NONE, ALL, NO_IMM},
		{SIGNS, S_NEGATIVE, S, NONE, ALL, NO_IMM},
		HIGH_PRODUCT,
		{SUBQ, T4, T4, S, D_NEGATIVE, NO_IMM},
		{SUBQ, T0, T0, D, S_NEGATIVE, NO_IMM},
		{ADDQ, D, T0, T4, ALL, NO_IMM},
	},
	[LF_MUL] = {{MULLQ, D, D, S, ALL, NO_IMM}},
	[LF_SUB] = {{SUBQ, D, D, S, ALL, NO_IMM}},
	[LF_XOR] = {{XORQ, D, D, S, ALL, NO_IMM}},
	[LF_ADDSH] = {
		{SLLQ, T0, S, NONE, ALL, COUNT},
		{ADDQ, D, D, T0, ALL, NO_IMM},
	},
	[LF_ROTR] = {{RORQ, D, D, NONE, ALL, COUNT}},
	[LF_ADDI] = {{ADDQ, D, D, NONE, ALL, POOL}},
	[LF_XORI] = {{XORQ, D, D, NONE, ALL, POOL}},
};

#endif
