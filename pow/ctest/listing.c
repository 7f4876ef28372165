/* Prints a program as AArch64 assembler source to standard output, and writes
 * what the emitter makes of it to a file. An assembler can then be the judge.
 * Usage: listing SEED FILE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../asm.h"

static void constant(uint32_t v)
{
	printf("\tmov%c x3, #%u\n\tmovk x3, #%u, lsl #16\n", v >> 31 ? 'n' : 'z',
	       (v >> 31 ? ~v : v) & 0xffff, v >> 16);
}

static void instruction(const lf_insn *in, int flag, int block)
{
	static const char *const names[LF_OPS] = {"umulh", "smulh", "mul", "sub",
						  "eor", "add", "ror", "add", "eor"};
	const int d = in->dst + 8, s = in->src + 8;

	if (in->op == LF_ADDI || in->op == LF_XORI || in->op == LF_BRANCH)
		constant(in->imm);
	if (in->op == LF_TARGET)
		printf("target%d:\n", block);
	else if (in->op == LF_BRANCH)
		printf("\torr w4, w%d, w5\n\ttst w4, w3\n"
		       "\tcsinv w5, w5, wzr, ne\n\tb.eq target%d\n",
		       flag + 8, block);
	else if (in->op == LF_ADDI || in->op == LF_XORI)
		printf("\t%s x%d, x%d, x3\n", names[in->op], d, d);
	else if (in->op == LF_ROTR)
		printf("\tror x%d, x%d, #%u\n", d, d, in->imm);
	else if (in->op == LF_ADDSH)
		printf("\tadd x%d, x%d, x%d, lsl #%u\n", d, d, s, in->imm);
	else
		printf("\t%s x%d, x%d, x%d\n", names[in->op], d, d, s);
}

static void lane(const char *what)
{
	int k;

	for (k = 0; k < LF_REGISTERS; k++)
		printf("\t%s x%d, [x0, #%d]\n", what, k + 8, k * LF_LANES * 8);
}

static void list(const lf_insn *code)
{
	int i, flag = 0;

	printf("top:\n");
	lane("ldr");
	printf("\tmov w5, #0\n");
	for (i = 0; i < LF_PROGRAM_SIZE; i++) {
		if (code[i].op == LF_MULHU || code[i].op == LF_MULHS)
			flag = code[i].dst;
		instruction(&code[i], flag, i / 32);
	}
	lane("str");
	printf("\tadd x0, x0, #8\n\tsubs x2, x2, #1\n\tb.ne top\n\tret\n");
}

int main(int argc, char **argv)
{
	static uint8_t memory[LF_CODE_SIZE] __attribute__((aligned(64)));
	static lf_hashx h;
	lf_asm a = {memory, memory + sizeof memory};
	lf_jit j;
	FILE *f;

	if (argc != 3 ||
	    !lf_hashx_make(&h, (const uint8_t *)argv[1], strlen(argv[1]), NULL) ||
	    !lf_arm64_scalar(&a, &j, h.code))
		return 2;
	list(h.code);
	f = fopen(argv[2], "wb");
	if (!f || fwrite(memory, 1, (size_t)(a.at - memory), f) == 0)
		return 2;
	return fclose(f) != 0;
}
