package pow

/*
#include "blake2b.h"
#include "proof.h"
#include "prove.h"
#include "siphash.h"
*/
import "C"

import "unsafe"

// This file opens the C code to the tests, step by step as it computes: test
// files cannot use cgo themselves. Nothing else uses it, so the linker drops it.

// hashX is the hash function of one seed and how it came about.
type hashX struct {
	c       C.lf_hashx
	draws   uint64
	placed  int
	retried []int
}

// newHashX returns false if the seed has no program; what it returns then
// tells only where the generator gave up.
func newHashX(seed []byte) (*hashX, bool) {
	h := new(hashX)
	return h, h.make(seed)
}

func (h *hashX) make(seed []byte) bool {
	var log C.lf_genlog
	p, n := cbytes(seed)
	ok := C.lf_hashx_make(&h.c, p, n, &log)
	h.draws = uint64(log.draws)
	h.placed = int(log.placed)
	h.retried = h.retried[:0]
	for _, at := range log.retried[:log.retries] {
		h.retried = append(h.retried, int(at))
	}
	return ok == 1
}

func (h *hashX) program() []instruction {
	code := make([]instruction, h.placed)
	for i := range code {
		in := h.c.code[i]
		code[i] = instruction{uint8(in.op), uint8(in.dst), uint8(in.src), uint32(in.imm)}
	}
	return code
}

// generate is make without the notes.
func (h *hashX) generate(seed []byte) bool {
	p, n := cbytes(seed)
	return C.lf_hashx_make(&h.c, p, n, nil) == 1
}

// lanes is the number of inputs that hashMany takes at once.
const lanes = C.LF_LANES

// hashMany fills out with the hashes of first, first + 1 and so on.
func (h *hashX) hashMany(first uint64, out *[lanes]uint64) {
	C.lf_hashx_range(&h.c, C.uint64_t(first), words(&out[0]))
}

func (h *hashX) hashEight(x [8]uint64) (out [8]uint64) {
	C.lf_hashx_eight(&h.c, words(&x[0]), words(&out[0]))
	return out
}

func (h *hashX) hash(x uint64) uint64 {
	return h.hashEight([8]uint64{x})[0]
}

func (h *hashX) expand(x uint64) (r [8]uint64) {
	C.lf_sip_expand(&h.c.key[0], C.uint64_t(x), words(&r[0]), 1)
	return r
}

// hashXKeys returns the generator key and the hash key of a seed.
func hashXKeys(seed []byte) (k [8]uint64) {
	p, n := cbytes(seed)
	C.lf_hashx_keys(words(&k[0]), p, n)
	return k
}

func sipDraw(key [4]uint64, x uint64) uint64 {
	return uint64(C.lf_sip_draw(words(&key[0]), C.uint64_t(x)))
}

func blake2bSum(size int, salt *[16]byte, data []byte) []byte {
	var b C.lf_blake2b
	out := make([]byte, size)
	p, n := cbytes(data)
	C.lf_blake2b_init(&b, C.size_t(size), (*C.uint8_t)(unsafe.Pointer(salt)))
	C.lf_blake2b_update(&b, p, n)
	C.lf_blake2b_final(&b, (*C.uint8_t)(&out[0]))
	return out
}

// proofDraw is the number R that a solution has to keep small.
func proofDraw(seed []byte, solution [SolutionSize]byte) uint32 {
	p, n := cbytes(seed)
	return uint32(C.lf_proof_draw(p, n, (*C.uint8_t)(&solution[0])))
}

func verifyEquix(challenge []byte, solution [SolutionSize]byte) error {
	p, n := cbytes(challenge)
	return verdicts[C.lf_equix_verify(p, n, (*C.uint8_t)(&solution[0]))]
}

// offered are the ways to hash that this machine has, the interpreter first.
func offered() (all []way) {
	for _, w := range everyMode {
		if C.lf_jit_offers(C.lf_mode(w.is)) != 0 {
			all = append([]way{w}, all...)
		}
	}
	return all
}

// prepare makes the hash function of a seed and says how it will be computed.
func (s *solver) prepare(seed []byte) (m mode, ok bool) {
	p, n := cbytes(seed)
	if C.lf_hashx_make(&s.hash, p, n, nil) == 0 {
		return interpreted, false
	}
	C.lf_jit_make(&s.jit, &s.hash)
	return mode(s.jit.mode), true
}

// hashMany is the solver's inner loop, after prepare.
func (s *solver) hashMany(first uint64, out *[lanes]uint64) {
	C.lf_jit_range(&s.jit, &s.hash, C.uint64_t(first), words(&out[0]))
}

// solutionsOf returns all solutions of an Equi-X challenge that the solver
// finds, in its order; false if the challenge has no program.
func (s *solver) solutionsOf(challenge []byte) ([][SolutionSize]byte, bool) {
	p, n := cbytes(challenge)
	count := C.lf_equix_solve((*C.lf_solver)(s), p, n, nil)
	if count < 0 {
		return nil, false
	}
	all := make([][SolutionSize]byte, count)
	for i := range all {
		for j, b := range s.solutions[i] {
			all[i][j] = byte(b)
		}
	}
	return all, true
}

func words(p *uint64) *C.uint64_t { return (*C.uint64_t)(p) }

// provenDigest is what every way to hash has to show.
func provenDigest() uint64 { return C.LF_PROVE_DIGEST }
