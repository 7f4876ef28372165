package service

import (
	"context"

	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// SolveWork returns a solver that uses as many threads, ends with ctx, and reports how far it is.
// report may be nil. It solves in the background, because what the node does for the network, such
// as verifying, goes first.
func SolveWork(ctx context.Context, threads int, report func(pow.Progress)) protocol.WorkSolver {
	return func(challenge []byte, effort uint32) (protocol.Work, error) {
		p, err := pow.Solve(ctx, challenge, effort, threads, report, pow.Background())
		if err != nil {
			return protocol.Work{}, err
		}
		return protocol.Work{Nonce: p.Nonce, Solution: p.Solution, Effort: effort}, nil
	}
}

// VerifyWork is the verifier of a node: package pow's.
func VerifyWork(challenge []byte, w protocol.Work) error {
	return pow.Verify(challenge, w.Effort, pow.Proof{Nonce: w.Nonce, Solution: w.Solution})
}
