/* Prints the segments of a program as x86-64 assembler source for AVX-512 to
 * standard output. Writes what the emitter makes of them to a file, with their
 * constants. An assembler can then be the judge, on any x86 machine.
 * Usage: listing512 SEED FILE */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../avx512.c"

#if !defined(LF_JIT_X86)
int main(void)
{
	return 2;
}
#else

static uint64_t constants[LF_PROGRAM_SIZE + LF_BLOCKS + 64];
static int count;

/* The operand that names a constant, which stands before all earlier ones. */
static void constant(uint64_t value, const char *all)
{
	constants[count++] = value;
	printf("qword ptr [rip + end - %d]%s\n", 8 * count, all);
}

static void high_product(int d, int s)
{
	printf("\tvpsrlq zmm8, zmm%d, 32\n\tvpsrlq zmm9, zmm%d, 32\n", d, s);
	printf("\tvpmuludq zmm10, zmm%d, zmm%d\n\tvpmuludq zmm11, zmm8, zmm%d\n", d, s, s);
	printf("\tvpmuludq zmm12, zmm%d, zmm9\n\tvpmuludq zmm8, zmm8, zmm9\n", d);
	printf("\tvpsrlq zmm10, zmm10, 32\n\tvpaddq zmm11, zmm11, zmm10\n"
	       "\tvpandq zmm10, zmm11, zmm15\n\tvpaddq zmm12, zmm12, zmm10\n"
	       "\tvpsrlq zmm11, zmm11, 32\n\tvpsrlq zmm12, zmm12, 32\n"
	       "\tvpaddq zmm8, zmm8, zmm11\n");
}

static void instruction(const lf_insn *in)
{
	static const char *const names[LF_OPS] = {"", "", "vpmullq", "vpsubq", "vpxorq",
						  "", "", "vpaddq", "vpxorq"};
	const int d = in->dst, s = in->src;

	switch (in->op) {
	case LF_MULHU:
		high_product(d, s);
		printf("\tvpaddq zmm%d, zmm8, zmm12\n", d);
		break;
	case LF_MULHS:
		printf("\tvpmovq2m k1, zmm%d\n\tvpmovq2m k2, zmm%d\n", d, s);
		high_product(d, s);
		printf("\tvpsubq zmm12{k1}, zmm12, zmm%d\n", s);
		printf("\tvpsubq zmm8{k2}, zmm8, zmm%d\n", d);
		printf("\tvpaddq zmm%d, zmm8, zmm12\n", d);
		break;
	case LF_ADDSH:
		printf("\tvpsllq zmm8, zmm%d, %" PRIu32 "\n", s, in->imm);
		printf("\tvpaddq zmm%d, zmm%d, zmm8\n", d, d);
		break;
	case LF_ROTR:
		printf("\tvprorq zmm%d, zmm%d, %" PRIu32 "\n", d, d, in->imm);
		break;
	case LF_ADDI:
	case LF_XORI:
		printf("\t%s zmm%d, zmm%d, ", names[in->op], d, d);
		constant(lf_hashx_extend(in->imm), "{1to8}");
		break;
	case LF_TARGET:
		break;
	default:
		printf("\t%s zmm%d, zmm%d, zmm%d\n", names[in->op], d, d, s);
	}
}

static void lanes(int store)
{
	int k;

	for (k = 0; k < LF_REGISTERS; k++)
		if (store)
			printf("\t{disp32} vmovdqu64 [rdi + %d], zmm%d\n", k * LF_LANES * 8, k);
		else
			printf("\t{disp32} vmovdqu64 zmm%d, [rdi + %d]\n", k, k * LF_LANES * 8);
}

static void list(const lf_insn *code, int from, int to, int block)
{
	int i, flag = 0;

	printf("\tvpbroadcastq zmm15, ");
	constant(0xffffffff, "");
	printf("\tlea rcx, [rdi + %d]\ntop%d:\n", LF_LANES * 8, block);
	lanes(0);
	for (i = from; i < to; i++) {
		if (code[i].op == LF_MULHU || code[i].op == LF_MULHS)
			flag = code[i].dst;
		instruction(&code[i]);
	}
	if (block < LF_BLOCKS) {
		printf("\tvptestnmq k1, zmm%d, ", flag);
		constant(code[to].imm, "{1to8}");
		printf("\tkmovb eax, k1\n\tmov [rsi], al\n\tinc rsi\n");
	}
	lanes(1);
	printf("\tadd rdi, 64\n\tcmp rdi, rcx\n\tjb top%d\n\tvzeroupper\n\tret\n", block);
}

int main(int argc, char **argv)
{
	static uint8_t memory[LF_CODE_SIZE] LF_ALIGNED;
	static lf_hashx h;
	lf_asm a = {memory, memory + sizeof memory};
	int block, from = 0;
	FILE *f;

	if (argc != 3 ||
	    !lf_hashx_make(&h, (const uint8_t *)argv[1], strlen(argv[1]), NULL))
		return 2;
	printf("\t.intel_syntax noprefix\n");
	for (block = 0; block <= LF_BLOCKS; block++) {
		const int to = block < LF_BLOCKS ? lf_branch_at(block) : LF_PROGRAM_SIZE;

		if (!segment(&a, h.code, from, to, block))
			return 2;
		list(h.code, from, to, block);
		from = to + 1;
	}
	printf("\t.org %d\n", LF_CODE_SIZE - 8 * count);
	while (count > 0)
		printf("\t.quad %" PRIu64 "\n", constants[--count]);
	printf("end:\n");
	f = fopen(argv[2], "wb");
	if (!f || fwrite(memory, 1, sizeof memory, f) == 0)
		return 2;
	return fclose(f) != 0;
}

#endif
