package pulse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// Outcome is what became of a pulse of this node's own users.
type Outcome struct {
	Verdict
	// Last is the last second of which the record may have a pulse, 0 where that is not known.
	Last uint64
}

// Gossiped decides about a pulse that came by gossip. An accepted one goes to the peers that gossip
// does not reach. The error says what is wrong with one that is rejected.
func (k *Keeper) Gossiped(ctx context.Context, data []byte, from peer.ID) (Verdict, error) {
	p, err := protocol.DecodePulse(data)
	if err != nil {
		k.metrics.count(Malformed, viaGossip)
		return Malformed, err
	}
	v, f, err := k.take(ctx, &p, source{peer: from})
	k.metrics.count(v, viaGossip)
	if v.PassesOn() {
		k.offer(p, f, from)
	}
	return v, err
}

// Submit takes a pulse of this node's own users, and passes it on after a moment.
func (k *Keeper) Submit(ctx context.Context, p protocol.Pulse) (Outcome, error) {
	if err := k.waitLoaded(ctx); err != nil {
		return Outcome{}, err
	}
	v, f, err := k.take(ctx, &p, source{})
	k.metrics.count(v, viaLocal)
	var out Outcome
	if out.Verdict = v; f != nil {
		out.Last = f.Last
	}
	if v.PassesOn() {
		k.c.Group.Go(func(ctx context.Context) error {
			if err := supervisor.Sleep(ctx, rand.N(jitter)); err != nil {
				return nil //nolint:nilerr // the node ends
			}
			k.forward(ctx, p, f, "")
			return nil
		})
	}
	if v.Rejected() {
		err = nil // the caller's fault
	}
	return out, err
}

// pushed decides about a pulse that a peer pushed or answered with. The error is a violation, or
// the store failed.
func (k *Keeper) pushed(ctx context.Context, p *protocol.Pulse, from source) (Verdict, error) {
	v, f, err := k.take(ctx, p, from)
	via := viaPush
	if from.answered {
		via = viaAnswer
	}
	k.metrics.count(v, via)
	switch {
	case v.Rejected():
		return v, penalty.Violates("%v", err)
	case v.PassesOn() && !from.answered:
		k.forward(ctx, *p, f, from.peer)
	}
	return v, err
}

// forward passes a pulse on: by gossip, and to the peers that gossip does not reach.
func (k *Keeper) forward(ctx context.Context, p protocol.Pulse, f *Facts, from peer.ID) {
	k.c.Publish(ctx, p.Encode())
	k.offer(p, f, from)
}

func (k *Keeper) offer(p protocol.Pulse, f *Facts, from peer.ID) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, o := range k.outboxes {
		if id != from {
			k.dropped.Add(uint64(o.add(p, f, now)))
		}
	}
}

// take decides about a pulse. The facts are those of its record, where it was looked at. The error
// says why a pulse is rejected, or what failed.
func (k *Keeper) take(ctx context.Context, p *protocol.Pulse, from source) (Verdict, *Facts, error) {
	now := k.c.Clock()
	k.mu.Lock()
	inTime := k.plan.inTime(p.Second, from, now)
	var f *Facts
	if from.peer != "" { // the node's own users hear at once of a release
		f = k.plan.known(p.Record, now)
	}
	mayRead := inTime && (f != nil || k.plan.mayLookUp(from, now))
	k.mu.Unlock()
	switch {
	case !inTime:
		return Clock, nil, nil
	case !mayRead:
		return OverBudget, nil, nil
	case f == nil:
		var err error
		if f, err = k.read(ctx, p.Record, now); err != nil {
			return Failed, nil, err
		} else if f == nil {
			return NoRecord, nil, nil
		}
	}
	k.mu.Lock()
	v := k.plan.screen(p, f, from, now)
	k.mu.Unlock()
	if v != Accepted {
		return v, f, nil
	}
	if v, err := k.verify(ctx, p, f); v != Accepted {
		return v, f, err
	}
	k.mu.Lock()
	v = k.plan.accept(p, f, from)
	followers := k.followers
	k.mu.Unlock()
	if v == Accepted {
		for _, tell := range followers {
			tell(f.Claim)
		}
	}
	return v, f, nil
}

// read returns the facts of a record, nil where it is not here.
func (k *Keeper) read(ctx context.Context, id protocol.ID, now time.Time) (*Facts, error) {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	r, ok, err := k.c.Store.PulsedRecord(ctx, id)
	if err != nil || !ok {
		return nil, err
	}
	f := factsOf(k.c.Network, r, now)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.plan.learn(f)
	return f, nil
}

// verify verifies a signature, on one of the cores that pulses may use.
func (k *Keeper) verify(ctx context.Context, p *protocol.Pulse, f *Facts) (Verdict, error) {
	select {
	case k.waiting <- struct{}{}:
		defer func() { <-k.waiting }()
	default:
		k.dropped.Add(1)
		return Busy, nil
	}
	select {
	case k.cores <- struct{}{}:
		defer func() { <-k.cores }()
	case <-ctx.Done():
		return Busy, fmt.Errorf("wait to verify a pulse: %w", context.Cause(ctx))
	}
	if err := k.c.Network.CheckPulse(p, f.Owner); err != nil {
		return Forged, err
	}
	return Accepted, nil
}
