/* What AVX2 takes for each HashX instruction, as a table. */
#ifndef LF_AVX2_H
#define LF_AVX2_H

#include "hashx.h"

/* Operands of a row: registers of the instruction, temporaries, zero. */
enum { D, S, T0, T1, T2, T3, T4, T5, ZERO };
#define NONE D

/* Immediates: bytes are meant literally, the others depend on the instruction. */
enum {
	COUNT = 256, /* its shift or rotation */
	REST,        /* 64 less that */
	SIGN_D,      /* register D as the fourth operand of BLENDSIGN */
	SIGN_S,
	POOL,        /* operand b is its sign-extended constant, in memory */
	NO_IMM
};

/* How operands stand in the encoding: modrm.reg, VEX.vvvv, modrm.rm. */
enum {
	TO_A_B = 1,
	TO_A,       /* reg, -, rm */
	DIGIT_TO_A, /* -, vvvv, rm; the opcode goes on in reg */
};

typedef struct {
	uint8_t shape, map, opcode, digit;
} vex;

#define ADDQ {TO_A_B, 1, 0xd4, 0}
#define SUBQ {TO_A_B, 1, 0xfb, 0}
#define XORQ {TO_A_B, 1, 0xef, 0}
#define ORQ {TO_A_B, 1, 0xeb, 0}
#define MULUDQ {TO_A_B, 1, 0xf4, 0}    /* 64 bits = 32 x 32, even elements */
#define MULLD {TO_A_B, 2, 0x40, 0}     /* 32 bits = 32 x 32, all elements */
#define BLENDD {TO_A_B, 3, 0x02, 0}    /* 32-bit elements of a or b */
#define BLENDSIGN {TO_A_B, 3, 0x4b, 0} /* b where the fourth is negative, else a */
#define SHUFD {TO_A, 1, 0x70, 0}
#define SRLQ {DIGIT_TO_A, 1, 0x73, 2}
#define SLLQ {DIGIT_TO_A, 1, 0x73, 6}

typedef struct {
	vex op;
	uint8_t to, a, b;
	uint16_t imm;
} row;

#define LOW 0x55  /* halves of 64 bits, for BLENDD */
#define HIGH 0xaa
#define SWAP 0xb1 /* exchanges them, for SHUFD */

#define ROWS 18

/* Products of 64 bits from products of halves: ll, hl, lh, hh. The signed high
 * half is the unsigned one, less each factor where the other is negative. The
 * order keeps the units for multiplying and for shifting busy at once. */
static const row rows[LF_OPS][ROWS] = {
	[LF_MULHU] = {
		{SRLQ, T0, D, NONE, 32},
		{SRLQ, T1, S, NONE, 32},
		{MULUDQ, T2, D, S, NO_IMM},
		{MULUDQ, T3, T0, S, NO_IMM},
		{MULUDQ, T4, D, T1, NO_IMM},
		{MULUDQ, T0, T0, T1, NO_IMM},
		{SRLQ, T2, T2, NONE, 32},
		{ADDQ, T3, T3, T2, NO_IMM},
		{BLENDD, T2, ZERO, T3, LOW},
		{ADDQ, T4, T4, T2, NO_IMM},
		{SRLQ, T3, T3, NONE, 32},
		{SRLQ, T4, T4, NONE, 32},
		{ADDQ, T0, T0, T3, NO_IMM},
		{ADDQ, D, T0, T4, NO_IMM},
	},
	[LF_MULHS] = {
		{SRLQ, T0, D, NONE, 32},
		{SRLQ, T1, S, NONE, 32},
		{MULUDQ, T2, D, S, NO_IMM},
		{MULUDQ, T3, T0, S, NO_IMM},
		{MULUDQ, T4, D, T1, NO_IMM},
		{MULUDQ, T0, T0, T1, NO_IMM},
		{BLENDSIGN, T5, ZERO, S, SIGN_D},
		{BLENDSIGN, T1, ZERO, D, SIGN_S},
		{SRLQ, T2, T2, NONE, 32},
		{ADDQ, T3, T3, T2, NO_IMM},
		{BLENDD, T2, ZERO, T3, LOW},
		{ADDQ, T5, T5, T1, NO_IMM},
		{ADDQ, T4, T4, T2, NO_IMM},
		{SRLQ, T3, T3, NONE, 32},
		{SRLQ, T4, T4, NONE, 32},
		{ADDQ, T0, T0, T3, NO_IMM},
		{SUBQ, T4, T4, T5, NO_IMM},
		{ADDQ, D, T0, T4, NO_IMM},
	},
	[LF_MUL] = {
		{SHUFD, T0, S, NONE, SWAP},
		{MULLD, T0, D, T0, NO_IMM},
		{MULUDQ, D, D, S, NO_IMM},
		{SLLQ, T1, T0, NONE, 32},
		{BLENDD, T0, ZERO, T0, HIGH},
		{ADDQ, D, D, T1, NO_IMM},
		{ADDQ, D, D, T0, NO_IMM},
	},
	[LF_SUB] = {{SUBQ, D, D, S, NO_IMM}},
	[LF_XOR] = {{XORQ, D, D, S, NO_IMM}},
	[LF_ADDSH] = {
		{SLLQ, T0, S, NONE, COUNT},
		{ADDQ, D, D, T0, NO_IMM},
	},
	[LF_ROTR] = {
		{SRLQ, T0, D, NONE, COUNT},
		{SLLQ, T1, D, NONE, REST},
		{ORQ, D, T0, T1, NO_IMM},
	},
	[LF_ADDI] = {{ADDQ, D, D, NONE, POOL}},
	[LF_XORI] = {{XORQ, D, D, NONE, POOL}},
};

#endif
