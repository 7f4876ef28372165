package service

import (
	"context"
	"log/slog"

	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/internal/workqueue"
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

// newWorkPool makes the queue of those who want the node to pay.
func newWorkPool(threads int, log *slog.Logger) *workqueue.Pool {
	return workqueue.NewPool(workqueue.Config{
		Threads: threads, Logger: log,
		Limits: workqueue.Limits{Jobs: maxWaitingWrites, ClientJobs: maxClientWrites},
	})
}

// WaitingWrites counts the writes that wait for their proof of work, those that are solved
// included.
func (s *Service) WaitingWrites() int { return s.work.Len() }

// effort is what the network asks for, which is less of an owner whose certificate is among the
// links.
func (s *Service) effort(r *protocol.Record, certified bool) uint32 {
	if certified {
		return s.config.Network.CertifiedEffort(r)
	}
	return s.config.Network.RequiredEffort(r)
}

// pay adds the work that the network asks for. turn is nil if it asks for none.
func (s *Service) pay(ctx context.Context, turn embedder.Turn, r *protocol.Record, certified bool) (*protocol.Record, error) {
	pay := s.config.Network.Pay
	if certified {
		pay = s.config.Network.PayCertified
	}
	return pay(r, 0, func(challenge []byte, effort uint32) (protocol.Work, error) {
		return turn.Solve(ctx, challenge, effort)
	})
}
