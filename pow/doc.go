// Package pow makes and checks proofs of work: Equi-X puzzles, as in Tor's
// defence of onion services, with the effort bound in.
//
// A proof takes as long to find as its effort says and some tens of
// microseconds to check. Equi-X is made for ordinary processors. Every attempt
// runs a program of its own over 1.5 MiB of tables, which leaves graphics cards
// and special hardware little to gain.
//
// # Terms
//
//   - challenge: the bytes that the proof is for, up to [MaxChallenge]. It must
//     be unpredictable and never used again for anything else, such as a hash.
//   - nonce: 8 bytes that the solver varies, since not every seed has a good
//     solution.
//   - effort: how hard the puzzle is, in solutions to try on average; at least 1.
//   - seed: challenge ‖ nonce ‖ effort (4 bytes, big-endian), the input of one
//     Equi-X puzzle. The effort is in it: a proof cannot be sold as another's.
//   - program: 512 integer instructions that the seed defines. Run on a number,
//     they give its HashX hash, 64 bits. One seed in 28,600 has no program, and
//     so no solution.
//   - solution: eight 16-bit indices, little-endian, whose hashes add up to zero
//     in their low 60 bits, in pairs in 15 and in quads in 30 bits. A seed has
//     two on average. Tree order makes one arrangement the only valid one.
//   - draw: the number R = BE32(BLAKE2b-32(seed ‖ solution)). A solution is
//     enough if R · effort fits 32 bits, which one in effort is.
//   - proof: a nonce and a solution that is enough.
//   - attempt: solving one seed. A search makes attempts with new nonces until
//     one gives a proof.
//
// # Checks
//
// [Verify] does the cheap checks first and ends at the first that fails. It checks
// the draw (one hash), tree order (seven comparisons), the program, then the sums.
// It interprets: a verifier never runs generated code.
//
// Most of a verification is making the program, so [VerifyBatch] saves little; it
// is there to cross to C less often.
//
// # How programs are run
//
// The solver compiles. Between two branches of a program all of 256 inputs go
// through machine code together, eight to a register with AVX-512 and four with
// AVX2. The few that take the branch repeat its loop one by one. Scalar code runs
// one input after another; on AArch64 there is no other. Memory for code is
// writable or executable, never both. On other machines, and where the system
// allows no such memory, the interpreter works; it decodes each instruction once
// for all inputs. All give the same solutions in the same order, and tests hold
// them to it.
//
// Which path is the fastest depends on the processor. So the first attempt of a
// process holds each path that the processor offers to known answers. Then it
// measures how fast each hashes, and takes the fastest that is right ([Paths]).
//
// There is no code for NEON. It has no product of 64 bits. With four inputs in halves to two
// registers, which takes the fewest steps, an input would take about 870 instructions, and
// scalar code takes 890 on AArch64. Processors begin fewer instructions of NEON at a time
// than others.
//
// # Without cgo
//
// A second implementation of the checks, in Go alone, is there for two purposes. Tests
// hold it and the C code to each other. A build without cgo verifies with it; such a
// build cannot solve ([ErrUnavailable]).
//
// # What an attacker gains
//
// An honest user runs this code, and an attacker the best code there can be. This
// is known about the ratio of the two:
//
//   - Better code: the public reference hashes one input after another in scalar
//     code. On a Zen 5 such code of ours takes 3.2 times as long as with AVX-512, and
//     AVX2 2.5 times. On a Zen 3, which has no AVX-512, it takes 1.3 times as long
//     as with AVX2, which runs at 70 % of what the vector units could do if nothing
//     ever waited.
//   - Graphics cards: nobody has published a solver. Equi-X's author puts a GTX 1660 Ti at less
//     than half of a Ryzen 1700 (8 cores), by analogy with RandomX. One reason is a new program to
//     compile every few milliseconds. Others are branches that depend on data, 64-bit products, and
//     caches too small for many attempts at once. The same card type beats that processor 13 times
//     at Zcash's Equihash and 45 times at BTG's
//     (https://github.com/tevador/equix/blob/master/devlog.md).
//   - Less memory: perfect packing needs 1 MiB and loses a quarter of the solutions
//     (same source). With a part f of the 65,536 hashes, solutions shrink as f to the
//     8th power and work as f. So half the memory costs 128 times as much a solution.
//     Computing hashes again in place of storing them costs about 200 cycles each,
//     looking them up in a second-level cache 14.
//   - Precomputation: the seed has challenge, nonce and effort in it, and with the
//     seed all 65,536 hashes change. Nothing can be computed before the challenge is
//     known, nor kept for the next. What somebody computes ahead for challenges of
//     his own making is a matter for those who define them.
//   - Two records with one solution: the challenge is all that a record says up to its
//     signature, so two records have two programs. Indices that fulfil the conditions
//     of one, 120 bits in all, do so under the other once in 2^120 cases. The draw is
//     over the seed, too.
//   - Several efforts at once: effort is in the seed. A solution that is too good for
//     the effort it was found at counts as that effort and no more.
//   - Choice of programs: all have 192 multiplications and 16 branches. Making one and
//     throwing it away costs 1/400 of an attempt, and none is worth that. Functions
//     with many collisions, 0.2 % of all, give no more solutions, since equal values
//     do not cancel in sums.
//   - Nonsense for verifiers: a proof that passes the draw by luck costs effort BLAKE2b
//     hashes on average, at a quarter of a microsecond each. Checking it costs 17
//     microseconds, as much as 70 hashes: from that effort on the sender pays more.
//
// # The C code
//
// It is C99, keeps no state and allocates nothing but memory for code. clib.go is
// the only file of Go that calls it. The directory ctest holds it to the same known
// answers: under sanitizers (run.sh), as AArch64 code on other machines (aarch64.sh),
// and as WebAssembly in Node (wasm.sh). An assembler checks the code for AVX-512
// (avx512.sh). count.sh counts instructions, neon.sh those that NEON would take. The known
// answers are in testdata, for any implementation.
//
// # Origin
//
// Equi-X and HashX are by tevador (https://github.com/tevador/equix,
// https://github.com/tevador/hashx); the effort is that of Tor's proposal 327
// and its specification, version 1
// (https://spec.torproject.org/hspow-spec/v1-equix.html). This is an independent
// implementation, bit for bit compatible with theirs. BLAKE2 is RFC 7693, and
// SipHash is by Aumasson and Bernstein.
package pow
