#!/bin/sh
# Compiles the C code with every warning an error and both sanitizers on, with
# and without 128-bit integers and with a system that forbids machine code, and
# holds the known answers against it, in every way to hash that there is.
# CC chooses the compiler.
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for variant in LF_WITH_INT128 LF_NO_INT128 'mprotect=refuse -DLF_REFUSE=refuse'; do
	"${CC:-cc}" -std=c99 -O2 -g -Wall -Wextra -Wshadow -Wconversion -Werror -pedantic \
		-fsanitize=address,undefined -fno-sanitize-recover=all \
		-D$variant -o "$out/test" main.c ../*.c
	printf '%s: ' "$variant"
	"$out/test" ../testdata
done
