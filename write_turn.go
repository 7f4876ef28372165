package lf

import (
	"context"

	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/protocol"
)

// unpaid is a finished record but for its work. Call leave in the end.
type unpaid struct {
	record *protocol.Record
	// certified records link their owner's certificate and may carry less work.
	certified bool
	turn      embedder.Turn // nil: this program has no queue, or there is no work
}

func (u *unpaid) leave() {
	if u.turn != nil {
		u.turn.Leave()
	}
}

// compose makes a record and signs it. In a program that has a queue for work it does so when the
// record's turn has come.
func (a *author) compose(ctx context.Context, d *draft) (u unpaid, err error) {
	effort, err := a.price(ctx, d)
	if err != nil {
		return u, err
	}
	for {
		if u, err = a.composeInTurn(ctx, d, effort); err != nil || u.turn != nil || a.turn == nil {
			return u, err
		}
		if effort = a.effort(&u); effort == 0 {
			return u, nil
		} // the owner's certificate has just ended, so that the record costs something after all
	}
}

// price returns what a draft's record will take, where the program's queue must know that. It is
// 0 otherwise.
func (a *author) price(ctx context.Context, d *draft) (uint32, error) {
	if a.turn == nil || a.network.Params().WorkPerKiB == 0 {
		return 0, nil
	}
	links, err := a.link(ctx, d)
	if err != nil {
		return 0, err
	}
	d.Timestamp = links.Now
	effort, err := a.network.DraftEffort(d.Draft, d.certified)
	if err != nil {
		return 0, &DraftError{err}
	}
	return effort, nil
}

// composeInTurn makes a record when its turn for this effort has come, and at once for 0.
func (a *author) composeInTurn(ctx context.Context, d *draft, effort uint32) (u unpaid, err error) {
	if effort > 0 {
		if u.turn, err = a.turn(ctx, effort); err != nil {
			return u, err
		}
		if d.heeds = a.mustHeed(d); d.heeds && !a.linksTell(d) {
			err = a.follow(ctx, d) // others may have written meanwhile
		}
	}
	if err == nil {
		u.record, err = a.unsigned(ctx, d)
	}
	if err == nil {
		u.certified = d.certified
		u.record, err = a.network.Sign(u.record, a.secret)
	}
	if err != nil {
		u.leave()
	}
	return u, err
}

// effort is what the network asks for.
func (a *author) effort(u *unpaid) uint32 {
	if u.certified {
		return a.network.CertifiedEffort(u.record)
	}
	return a.network.RequiredEffort(u.record)
}

// pay has the work done that a record still lacks.
func (a *author) pay(ctx context.Context, u unpaid) (*protocol.Record, error) {
	pay := a.network.Pay
	if u.certified {
		pay = a.network.PayCertified
	}
	return pay(u.record, 0, func(challenge []byte, effort uint32) (protocol.Work, error) {
		if u.turn != nil {
			return u.turn.Solve(ctx, challenge, effort)
		}
		return a.solve(ctx, challenge, effort)
	})
}
