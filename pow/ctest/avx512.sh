#!/bin/sh
# Checks the AVX-512 emitter on machines without AVX-512, too: its code against an
# assembler, instruction by instruction. Needs binutils for x86-64; without them it
# says so and ends.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
echo 'vpmullq zmm1, zmm2, zmm3' >"$out/one.s"
as --64 -msyntax=intel -mnaked-reg -o "$out/one.o" "$out/one.s" 2>/dev/null ||
	{ echo "SKIPPED: no assembler for AVX-512 here"; exit 0; }
sources=$(ls ../*.c | grep -v avx512.c)
"${CC:-cc}" -std=c99 -O2 -Wall -Wextra -Wshadow -Wconversion -Werror -pedantic \
	-o "$out/listing" listing512.c $sources
n=0
while [ $n -lt 100 ]; do
	"$out/listing" "seed $n" "$out/emitted" >"$out/code.s"
	as --64 -o "$out/code.o" "$out/code.s"
	objcopy -O binary -j .text "$out/code.o" "$out/assembled"
	cmp "$out/emitted" "$out/assembled"
	n=$((n + 1))
done
echo "$n programs as assembled"
