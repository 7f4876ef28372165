#!/bin/sh
# Counts what NEON would take for a HashX program, beside the scalar code that there is.
# Holds each sequence to scalar code under qemu-user. Needs gcc-aarch64-linux-gnu and
# qemu-user; without them it says so and ends.
set -eu
cd "$(dirname "$0")"
for tool in aarch64-linux-gnu-gcc aarch64-linux-gnu-objdump qemu-aarch64; do
	command -v "$tool" >/dev/null || { echo "SKIPPED: no $tool here"; exit 0; }
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
aarch64-linux-gnu-gcc -std=c99 -O2 -Wall -Wextra -Werror -static -o "$out/neon" neon.c ../*.c

takes() { # what an instruction takes, but to load and store its operands
	aarch64-linux-gnu-objdump -d --no-show-raw-insn --disassemble="lf_neon_$1" "$out/neon" |
		awk '/^ /{ if ($2 !~ /^(ld|st|ret|adr|mov$|nop)/) n++ } END { print n }'
}
counts=
for name in mulhu mulhs mul sub xor addsh rotr addi xori branch; do
	counts="$counts $name=$(takes $name)"
done
echo "four inputs:$counts"
qemu-aarch64 "$out/neon" $counts
