#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#endif
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif
#include "jit.h"

#include "asm.h"

#if defined(LF_JIT_X86) || defined(LF_JIT_ARM64)

#include <sys/mman.h>

void lf_jit_init(lf_jit *j, lf_mode wanted)
{
	void *p;

	memset(j, 0, sizeof *j);
	j->wanted = wanted;
	if (wanted == LF_INTERPRETED || !lf_jit_offers(wanted))
		return;
	p = mmap(NULL, LF_CODE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		j->memory = p;
}

void lf_jit_free(lf_jit *j)
{
	if (j->memory)
		munmap(j->memory, LF_CODE_SIZE);
	j->memory = NULL;
}

/* Fixed by the generator for all that it accepts; looked at all the same,
 * because what is compiled from anything else would be wrong. */
static int has_pattern(const lf_insn *code)
{
	int i;

	for (i = 0; i < LF_BLOCKS; i++)
		if (code[lf_target_at(i)].op != LF_TARGET ||
		    code[lf_branch_at(i)].op != LF_BRANCH ||
		    code[lf_flag_at(i)].op > LF_MULHS)
			return 0;
	return 1;
}

static int emit(lf_jit *j, lf_mode mode, const lf_insn *code)
{
	lf_asm a = {j->memory, j->memory + LF_CODE_SIZE};

#if defined(LF_JIT_ARM64)
	(void)mode;
	return lf_arm64_scalar(&a, j, code);
#else
	switch (mode) {
	case LF_AVX512:
		return lf_x86_avx512(&a, j, code);
	case LF_AVX2:
		return lf_x86_avx2(&a, j, code);
	default:
		return lf_x86_scalar(&a, j, code);
	}
#endif
}

/* A system may refuse either change, the second one usually: then this and all
 * later programs are interpreted. */
static int compile(lf_jit *j, lf_mode mode, const lf_insn *code)
{
	if (mprotect(j->memory, LF_CODE_SIZE, PROT_READ | PROT_WRITE) != 0)
		return 0;
	if (!emit(j, mode, code))
		return 0;
	if (mprotect(j->memory, LF_CODE_SIZE, PROT_READ | PROT_EXEC) != 0)
		return 0;
	__builtin___clear_cache((char *)j->memory,
				(char *)j->memory + LF_CODE_SIZE);
	return 1;
}

void lf_jit_make(lf_jit *j, const lf_hashx *h)
{
	j->mode = LF_INTERPRETED;
	if (!j->memory || j->refused || !has_pattern(h->code))
		return;
	if (compile(j, j->wanted, h->code))
		j->mode = j->wanted;
	else
		j->refused = 1;
}

#else

void lf_jit_init(lf_jit *j, lf_mode wanted)
{
	memset(j, 0, sizeof *j);
	j->wanted = wanted;
}

void lf_jit_free(lf_jit *j)
{
	(void)j;
}

void lf_jit_make(lf_jit *j, const lf_hashx *h)
{
	(void)j;
	(void)h;
}

#endif

int lf_jit_offers(lf_mode mode)
{
	switch (mode) {
	case LF_INTERPRETED:
		return 1;
#if defined(LF_JIT_X86) || defined(LF_JIT_ARM64)
	case LF_SCALAR:
		return 1;
#endif
#if defined(LF_JIT_X86) /* these ask the system too, whether it saves the registers */
	case LF_AVX2:
		return __builtin_cpu_supports("avx2") != 0;
	case LF_AVX512:
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
#endif
	default:
		return 0;
	}
}

void lf_jit_range(const lf_jit *j, const lf_hashx *h, uint64_t first,
		  uint64_t out[LF_LANES])
{
	LF_ALIGNED uint64_t r[LF_REGISTERS * LF_LANES];

	if (j->mode == LF_INTERPRETED) {
		lf_hashx_range(h, first, out);
		return;
	}
#if defined(LF_JIT_X86)
	if (j->mode == LF_AVX2) {
		lf_avx2_range(j, h, first, out);
		return;
	}
	if (j->mode == LF_AVX512) {
		lf_avx512_range(j, h, first, out);
		return;
	}
#endif
	lf_hashx_expand(h, first, r);
	j->segment[0](r, NULL, LF_LANES);
	lf_hashx_fold(h, r, out);
}
