#!/bin/sh
# Counts instructions with valgrind's callgrind: of an attempt in each way to
# hash, of its hashes alone, of a verification, and of the generation of a program in it. Unlike times
# these can be repeated: the same compiler gives the same numbers. What starting
# costs is taken off by counting twice.
set -eu
cd "$(dirname "$0")"
command -v valgrind >/dev/null || { echo "SKIPPED: no valgrind here"; exit 0; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"${CC:-cc}" -std=c99 -O3 -o "$out/count" count.c ../*.c

instructions() { # what, how many times, hashes or nothing
	valgrind --tool=callgrind --smc-check=all-non-file --callgrind-out-file=/dev/null \
		"$out/count" "$@" 2>&1 | sed -n 's/.*Collected : //p'
}
row() { # what, few times, many times, hashes or nothing
	few=$(instructions "$1" "$2" ${4:-})
	many=$(instructions "$1" "$3" ${4:-})
	echo "$1${4:+ $4} $(((many - few) / ($3 - $2)))"
}
row avx2 1 5
row avx2 1 5 hashes
row scalar 1 5
row interpreted 1 3
row verify 10 110
row program 10 1010
