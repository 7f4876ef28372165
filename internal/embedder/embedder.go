// Package embedder lets a program of this module run package lf inside itself for others. A node
// does so for /v1/set, a proxy for its clients, the testbed for its writers. Such a program knows
// names already, or has a queue for proofs of work.
//
// An embedder gives lf.New a service that is a [Service], too.
package embedder

import (
	"context"

	"github.com/lf-store/lf/protocol"
)

// Service is a service with hooks.
type Service interface {
	// Hooks is called once, by lf.New.
	Hooks() Hooks
}

// Hooks are what an embedder does in place of the client. Each may be nil: then the client does it
// itself. They are called concurrently, with the context of the client's caller.
type Hooks struct {
	// Name derives a name, Mask a masking key.
	Name func(ctx context.Context, name string) (protocol.NameKey, error)
	Mask func(ctx context.Context, maskingKey string) (protocol.Mask, error)
	// Newest returns the timestamp of the owner's newest record under a composite key, 0 where
	// there is none. What it returns is believed.
	Newest func(ctx context.Context, owner protocol.Owner, points []protocol.SelectorPoint) (uint64, error)
	// Turn waits until a record may be composed that takes about this effort, at least 1. The
	// record is composed after that, so it is not old when its work is done. With this hook the
	// client solves nothing itself, and reports no progress of work.
	Turn func(ctx context.Context, effort uint32) (Turn, error)
}

// Turn is a place in the queue for work whose turn has come. The client calls Solve at most once,
// and then Leave.
type Turn interface {
	// Solve returns the work over a challenge. The effort may differ from the one that was said
	// before.
	Solve(ctx context.Context, challenge []byte, effort uint32) (protocol.Work, error)
	// Leave gives the place up.
	Leave()
}

// Of returns the hooks of a service; most have none.
func Of(service any) Hooks {
	if s, ok := service.(Service); ok {
		return s.Hooks()
	}
	return Hooks{}
}
