#!/bin/sh
# Compiles the C code to WebAssembly, as a browser could run it, and holds the known
# answers against it in Node. Says how large the code is and what an attempt takes.
# Needs Debian's clang, lld, wasi-libc, libclang-rt-dev-wasm32 and nodejs; without
# them it says so and ends.
set -eu
cd "$(dirname "$0")"
for tool in clang wasm-ld node gzip; do
	command -v "$tool" >/dev/null || { echo "SKIPPED: no $tool here"; exit 0; }
done
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags='--target=wasm32-wasi -std=c99 -O3 -Wall -Wextra -Wshadow -Wconversion -Werror -pedantic'
echo 'int main(void) { return 0; }' >"$out/empty.c"
clang $flags -o "$out/empty.wasm" "$out/empty.c" 2>/dev/null ||
	{ echo "SKIPPED: no wasi-libc and libclang-rt for wasm32 here"; exit 0; }
run="node --no-warnings --experimental-wasi-unstable-preview1 wasm.mjs"

clang $flags -o "$out/test.wasm" main.c ../*.c
$run "$out/test.wasm" ../testdata /testdata

clang $flags -mexec-model=reactor -Wl,--export=lf_proof_attempt,--export=lf_proof_verify,--export=malloc \
	-Wl,--strip-all -o "$out/pow.wasm" ../*.c
echo "$(gzip -9c "$out/pow.wasm" | wc -c) bytes gzipped"

clang $flags -o "$out/count.wasm" count.c ../*.c
took() { # milliseconds of a number of attempts
	begin=$(date +%s%N)
	$run "$out/count.wasm" ../testdata interpreted "$1"
	echo $((($(date +%s%N) - begin) / 1000000))
}
few=$(took 1)
many=$(took 21)
echo "$(((many - few) / 20)) ms an attempt"
