#!/bin/sh
# Counts instructions with valgrind's callgrind: of an attempt in each way to
# hash, of a verification, and of the generation of a program in it. Unlike times
# these can be repeated: the same compiler gives the same numbers. What starting
# costs is taken off by counting twice.
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "SKIPPED: no valgrind here"; exit 0; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"${CC:-cc}" -std=c99 -O3 -o "$out/count" count.c ../*.c

instructions() {
	valgrind --tool=callgrind --smc-check=all-non-file --callgrind-out-file=/dev/null \
		"$out/count" "$1" "$2" 2>&1 | sed -n 's/.*Collected : //p'
}
row() { # what, few times, many times
	few=$(instructions "$1" "$2")
	many=$(instructions "$1" "$3")
	echo "$1 $(((many - few) / ($3 - $2)))"
}
row avx2 1 5
row scalar 1 5
row interpreted 1 3
row verify 10 110
row program 10 1010
