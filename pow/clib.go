package pow

/*
#cgo CFLAGS: -std=c99 -O3
#cgo noescape lf_proof_verify
#cgo nocallback lf_proof_verify
#cgo noescape lf_proof_verify_all
#cgo nocallback lf_proof_verify_all
#cgo noescape lf_proof_attempt
#cgo nocallback lf_proof_attempt
#cgo noescape lf_jit_init
#cgo nocallback lf_jit_init
#cgo noescape lf_prove
#cgo nocallback lf_prove
#cgo noescape lf_sample
#cgo nocallback lf_sample
#cgo nocallback lf_thread_ns
#include "proof.h"
#include "prove.h"
*/
import "C"

import (
	"encoding/binary"
	"math"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// This file is the whole seam between Go and C. Go owns all memory; C keeps no
// pointer beyond a call and calls nothing back.

// canSolve says that there is a solver in this build.
const canSolve = true

// verdicts translates lf_verdict.
var verdicts = [...]error{
	C.LF_OK:              nil,
	C.LF_BAD_EFFORT:      ErrEffort,
	C.LF_BAD_ORDER:       ErrOrder,
	C.LF_BAD_PROGRAM:     ErrProgram,
	C.LF_BAD_PARTIAL_SUM: ErrPartialSum,
	C.LF_BAD_FINAL_SUM:   ErrFinalSum,
}

func cbytes(b []byte) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(unsafe.SliceData(b)), C.size_t(len(b))
}

func verify(seed []byte, effort uint32, solution *[SolutionSize]byte) error {
	p, n := cbytes(seed)
	return verdicts[C.lf_proof_verify(p, n, (*C.uint8_t)(&solution[0]), C.uint32_t(effort))]
}

// batch is a few proofs that cross to C together, as bytes: C may not be given
// memory that points to other memory of Go's.
type batch struct {
	c     [batchSize]C.lf_item
	index [batchSize]int // where each came from
	n     int
}

const batchSize = 64

var batchPool = sync.Pool{New: func() any { return new(batch) }}

// verifyBatch fills in what [Verify] returns of each item.
func verifyBatch(items []Item, errs []error) {
	b := batchPool.Get().(*batch)
	defer batchPool.Put(b)
	for i := range items {
		it := &items[i]
		if errs[i] = checkPuzzle(it.Challenge, it.Effort); errs[i] != nil {
			continue
		}
		if b.add(i, it); b.n == batchSize {
			b.check(errs)
		}
	}
	if b.n > 0 {
		b.check(errs)
	}
}

func (b *batch) add(i int, it *Item) {
	c := &b.c[b.n]
	seed := (*[maxSeedSize]byte)(unsafe.Pointer(&c.seed))
	c.len = C.uint32_t(len(appendSeed(seed[:0], it.Challenge, it.Proof.Nonce, it.Effort)))
	c.effort = C.uint32_t(it.Effort)
	*(*[SolutionSize]byte)(unsafe.Pointer(&c.solution)) = it.Proof.Solution
	b.index[b.n] = i
	b.n++
}

// check hands out the verdicts and empties the batch.
func (b *batch) check(errs []error) {
	C.lf_proof_verify_all(&b.c[0], C.size_t(b.n))
	for i := range b.n {
		errs[b.index[i]] = verdicts[b.c[i].verdict]
	}
	b.n = 0
}

// The two sides agree on the longest seed.
var _ [maxSeedSize]struct{} = [C.LF_MAX_SEED]struct{}{}

// solver is the memory of one thread that solves.
type solver C.lf_solver

const (
	codeSize   = C.LF_CODE_SIZE
	solverSize = C.sizeof_lf_solver + codeSize
)

// mode is a way to hash.
type mode C.lf_mode

const (
	interpreted = mode(C.LF_INTERPRETED)
	scalar      = mode(C.LF_SCALAR)
	avx2        = mode(C.LF_AVX2)
	avx512      = mode(C.LF_AVX512)
)

// everyMode has the ways to hash with their names. The last one is there on every machine.
var everyMode = []way{{avx512, "avx512"}, {avx2, "avx2"}, {scalar, "scalar"}, {interpreted, "interpreted"}}

// way is a way to hash.
type way struct {
	is    mode
	named string
}

func (w way) mode() mode   { return w.is }
func (w way) name() string { return w.named }

// provenWay is a way to hash that may be chosen.
type provenWay struct {
	way
	solver *solver
}

func (w provenWay) prove() (there, right bool) {
	if C.lf_jit_offers(C.lf_mode(w.is)) == 0 {
		return false, false
	}
	proved := C.lf_prove((*C.lf_solver)(w.solver))
	return proved != C.LF_NOT_ALLOWED, proved == C.LF_RIGHT
}

// sample stays in C, on one thread: its processor time is that thread's.
func (w provenWay) sample(round int) time.Duration {
	return time.Duration(C.lf_sample((*C.lf_solver)(w.solver), C.uint8_t(round)))
}

// attemptTime is the processor time of an attempt.
func attemptTime(m mode, round int) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var solution [SolutionSize]byte
	var seed [8]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(round))
	s := newSolver(m)
	began := C.lf_thread_ns()
	s.attempt(seed[:], math.MaxUint32, nil, &solution)
	return time.Duration(C.lf_thread_ns() - began)
}

// chosen proves and measures the ways to hash, once.
var chosen = sync.OnceValue(func() choice {
	candidates := make([]candidate, len(everyMode))
	for i, w := range everyMode {
		candidates[i] = provenWay{w, newSolver(w.is)}
	}
	return choose(candidates)
})

// newSolver returns a solver that hashes in one way, and is interpreted where the machine or the
// system does not have that. Its memory for machine code goes when the solver does.
func newSolver(m mode) *solver {
	s := new(solver)
	C.lf_jit_init(&s.jit, C.lf_mode(m))
	runtime.AddCleanup(s, func(j C.lf_jit) { C.lf_jit_free(&j) }, s.jit)
	return s
}

// attempt holds all solutions of a seed against the effort and returns how
// many it tried; the first that is enough ends up in solution.
func (s *solver) attempt(seed []byte, effort uint32, stop *stopFlag, solution *[SolutionSize]byte) (tried uint32, o attemptResult) {
	var t C.uint32_t
	p, n := cbytes(seed)
	switch C.lf_proof_attempt((*C.lf_solver)(s), p, n, C.uint32_t(effort),
		(*C.uint32_t)(stop), (*C.uint8_t)(&solution[0]), &t) {
	case 0:
		return uint32(t), notFound
	case 1:
		return uint32(t), found
	}
	return uint32(t), stopped
}
