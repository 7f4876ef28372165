package pow

/*
#cgo CFLAGS: -std=c99 -O3
#cgo noescape lf_proof_verify
#cgo nocallback lf_proof_verify
#cgo noescape lf_proof_attempt
#cgo nocallback lf_proof_attempt
#cgo noescape lf_jit_init
#cgo nocallback lf_jit_init
#include "proof.h"
*/
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// This file is the whole seam between Go and C. Go owns all memory; C keeps no
// pointer beyond a call and calls nothing back.

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
	vector      = mode(C.LF_VECTOR)
)

// newSolver returns a solver that hashes in the best way it can, up to limit.
// Its memory for machine code goes when the solver does.
func newSolver(limit mode) *solver {
	s := new(solver)
	C.lf_jit_init(&s.jit, C.lf_mode(limit))
	runtime.AddCleanup(s, func(j C.lf_jit) { C.lf_jit_free(&j) }, s.jit)
	return s
}

// solvers keeps the memory of past searches for the next one, until the
// garbage collector wants it.
var solvers = sync.Pool{New: func() any { return newSolver(vector) }}

// stopFlag is set by Go and read by C while it computes.
type stopFlag uint32

func (f *stopFlag) set() { atomic.StoreUint32((*uint32)(f), 1) }

type outcome int

const (
	notFound outcome = iota
	found
	stopped
)

// attempt holds all solutions of a seed against the effort and returns how
// many it tried; the first that is enough ends up in solution.
func (s *solver) attempt(seed []byte, effort uint32, stop *stopFlag, solution *[SolutionSize]byte) (tried uint32, o outcome) {
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
