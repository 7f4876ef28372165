package workqueue

import (
	"context"

	"github.com/lf-store/lf/protocol"
)

// Turn is a ticket whose turn has come. It is what package lf composes and pays records with.
type Turn struct{ ticket *Ticket }

// TakeTurn enters, and waits for the turn of a record of about this effort. It returns what
// [Pool.Enter] and [Ticket.Turn] do. Progress goes to [Report] of the context. The caller must
// Leave.
func (p *Pool) TakeTurn(ctx context.Context, by Client, effort uint32) (*Turn, error) {
	t, err := p.Enter(by, effort)
	if err != nil {
		return nil, err
	}
	if err := t.Turn(ctx, Report(ctx)); err != nil {
		t.Leave()
		return nil, err
	}
	return &Turn{t}, nil
}

// Solve is [Ticket.Solve]. It returns the work as a record has it. Progress goes to [Report] of the
// context.
func (t *Turn) Solve(ctx context.Context, challenge []byte, effort uint32) (protocol.Work, error) {
	p, err := t.ticket.Solve(ctx, challenge, effort, Report(ctx))
	if err != nil {
		return protocol.Work{}, err
	}
	return protocol.Work{Nonce: p.Nonce, Solution: p.Solution, Effort: effort}, nil
}

// Leave is [Ticket.Leave].
func (t *Turn) Leave() { t.ticket.Leave() }
