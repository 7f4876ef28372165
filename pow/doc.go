// Package pow makes and checks proofs of work: Equi-X puzzles, as in Tor's
// defence of onion services, with the effort bound in.
//
// A proof takes as long to find as its effort says and some tens of
// microseconds to check. Equi-X is made for ordinary processors: every attempt
// runs a program of its own over 1.8 MiB of tables, which leaves graphics cards
// and special hardware little to gain.
//
// # Words
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
//   - attempt: solving one seed. A search is attempts with ever new nonces until
//     one gives a proof.
//
// # Checks
//
// [Verify] does the cheap checks first: the draw (one hash), tree order (seven
// comparisons), the program, then the sums, ending at the first that is wrong.
// It interprets: a verifier never runs generated code.
//
// # Reading order
//
// Top down: pow.go (puzzle and verdicts), solve.go (search), clib.go (the seam
// to C), proof.c (effort), verify.c and solve.c (Equi-X), program.c (generator)
// and hashx.c (interpreter), siphash.h, blake2b.c. The C code is C99, keeps no
// state and allocates nothing. The directory ctest holds the same known answers
// against it under sanitizers; testdata has them for any implementation.
//
// Whoever wants to solve faster replaces lf_hashx_range, where nine tenths of
// the time go.
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
