package lf

import (
	"context"
	"errors"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// Work tells how far a proof of work is.
type Work struct {
	// Effort is how many solutions the search takes on average.
	Effort uint32
	// Solutions is how many were tried so far, Attempts how many seeds.
	Attempts, Solutions uint64
	Elapsed             time.Duration
	// Remote is set where an API works. Ahead is then how many requests of this client come first
	// there. Wait is how long it takes from now on, on average; 0: not known.
	Remote bool
	Ahead  int
	Wait   time.Duration
}

// Mean returns how long the search takes from now on, on average, and 0 before that is known. The
// search has no memory: what is left takes as long as the whole, however long it has run.
func (w Work) Mean() time.Duration {
	if w.Remote {
		return w.Wait
	}
	if w.Solutions == 0 {
		return 0
	}
	return time.Duration(float64(w.Elapsed) / float64(w.Solutions) * float64(w.Effort))
}

// solve finds the work for a record. A program without cgo has its node do it.
func (a *author) solve(ctx context.Context, challenge []byte, effort uint32) (protocol.Work, error) {
	if a.options.workAtNode {
		return a.solveAtNode(ctx, challenge, effort)
	}
	solve := a.options.solve
	if solve == nil {
		solve = SolveHere
	}
	work, err := solve(ctx, challenge, effort, a.threads, a.work)
	if errors.Is(err, pow.ErrUnavailable) {
		return a.solveAtNode(ctx, challenge, effort)
	}
	return work, err
}

// solveAtNode has the node do the work. The node learns nothing but a hash.
func (a *author) solveAtNode(ctx context.Context, challenge []byte, effort uint32) (work protocol.Work, err error) {
	if report := reportRemote(a.work, effort); report != nil {
		ctx = api.WithWorkProgress(ctx, report)
	}
	err = a.retry(ctx, 0, func(node api.Service) (err error) {
		work, err = api.SolveBy(ctx, node, a.network)(challenge, effort)
		return err
	})
	if err != nil {
		return work, err
	}
	return work, a.checkWork(challenge, effort, work)
}

// SolveHere is the [Solver] that works on this computer, with as many threads as are given, or all
// processors for 0.
func SolveHere(ctx context.Context, challenge []byte, effort uint32, threads int, report func(Work)) (protocol.Work, error) {
	var each func(pow.Progress)
	if report != nil {
		each = func(p pow.Progress) {
			report(Work{Effort: effort, Attempts: p.Attempts, Solutions: p.Solutions, Elapsed: p.Elapsed})
		}
	}
	proof, err := pow.Solve(ctx, challenge, effort, threads, each)
	return protocol.Work{Nonce: proof.Nonce, Solution: proof.Solution, Effort: effort}, err
}
