#!/bin/sh
# Checks the AArch64 emitter on another machine: its code against an assembler,
# instruction by instruction, and run under emulation against the known answers.
# Needs gcc-aarch64-linux-gnu and qemu-user; without them it says so and ends.
set -eu
cd "$(dirname "$0")"
for tool in aarch64-linux-gnu-gcc aarch64-linux-gnu-as aarch64-linux-gnu-objcopy qemu-aarch64; do
	command -v "$tool" >/dev/null || { echo "SKIPPED: no $tool here"; exit 0; }
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags='-std=c99 -O2 -Wall -Wextra -Wshadow -Wconversion -Werror -pedantic'

"${CC:-cc}" $flags -o "$out/listing" listing.c ../*.c
n=0
while [ $n -lt 100 ]; do
	"$out/listing" "seed $n" "$out/emitted" >"$out/code.s"
	aarch64-linux-gnu-as -o "$out/code.o" "$out/code.s"
	aarch64-linux-gnu-objcopy -O binary "$out/code.o" "$out/assembled"
	cmp "$out/emitted" "$out/assembled"
	n=$((n + 1))
done
echo "$n programs as assembled"

aarch64-linux-gnu-gcc $flags -static -o "$out/test" main.c ../*.c
qemu-aarch64 "$out/test" ../testdata
