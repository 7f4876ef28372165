package pulse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Tick pushes and asks what is due.
func (k *Keeper) Tick() {
	if !k.isLoaded() {
		return // peers would name what is on the disk
	}
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if p, ok := k.asks.next(k.elapsed()); ok {
		if !k.c.Group.Go(func(ctx context.Context) error { k.catchUp(ctx, p); return nil }) {
			return
		}
	}
	for p, o := range k.outboxes {
		if batch := o.take(now); batch != nil {
			k.c.Group.Go(func(ctx context.Context) error { k.push(ctx, p, o, batch); return nil })
		}
	}
}

// push sends pulses to a peer that is reached through a relay only.
func (k *Keeper) push(ctx context.Context, p peer.ID, o *outbox, batch map[Claim]waitingPulse) {
	ctx, done := context.WithTimeout(ctx, pushTime)
	defer done()
	pulses := make([]protocol.Pulse, 0, len(batch))
	for _, w := range batch {
		pulses = append(pulses, w.Pulse)
	}
	err := k.Push(ctx, p, pulses)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.dropped.Add(uint64(o.again(batch, time.Now())))
		k.c.Log.Debug("could not push pulses", "peer", p, "pulses", len(batch), "error", err)
		return
	}
	o.sent()
	k.metrics.pushed.Add(float64(len(batch)))
}

// Push pushes 1 to [MaxPush] pulses to a peer, and returns when the peer has dealt with them.
func (k *Keeper) Push(ctx context.Context, p peer.ID, pulses []protocol.Pulse) error {
	return k.c.Dialer.Converse(ctx, p, Service, streamMemory, func(s network.Stream) error { return sendPush(s, pulses) })
}

// sendPush sends pulses on a stream, and returns when the peer has dealt with them.
func sendPush(s network.Stream, pulses []protocol.Pulse) error {
	if _, err := s.Write(appendPush(nil, pulses)); err != nil {
		return fmt.Errorf("push pulses: %w", err)
	}
	if err := stream.CloseWrite(s); err != nil {
		return fmt.Errorf("push pulses: %w", err)
	}
	switch n, err := s.Read(make([]byte, 1)); {
	case n > 0:
		return penalty.Violates("an answer to a push of pulses")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("wait for the peer: %w", err)
	}
	return nil
}

// catchUp asks a peer for the pulses that this node lacks.
func (k *Keeper) catchUp(ctx context.Context, p peer.ID) {
	complete, err := k.Ask(ctx, p)
	if err != nil && ctx.Err() == nil {
		k.c.Log.Debug("could not ask for pulses", "peer", p, "error", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asks.done(p, complete && err == nil, k.elapsed())
}

// Ask asks a peer for the pulses that this node lacks, until the peer has no more. It reports
// whether all was taken: a pulse whose record is not here yet is wanted again.
func (k *Keeper) Ask(ctx context.Context, p peer.ID) (complete bool, err error) {
	complete = true
	for first := 0; first < buckets; {
		k.mu.Lock()
		until := max(k.second(), uint64(settleTime/time.Second)) - uint64(settleTime/time.Second)
		q := question{until: until, first: first, fingerprints: k.plan.fingerprints(until)}
		k.mu.Unlock()
		got, all, err := k.ask(ctx, p, q)
		if complete = complete && all; err != nil || got.count < MaxAnswer {
			return complete, err
		}
		first = max(first, bucketOf(got.last)) + 1
	}
	return complete, nil
}

// answered is what a peer answered.
type answered struct {
	count int
	last  protocol.ID // the record of the last pulse
}

// ask asks one question and takes the answer. It reports whether all records are here.
func (k *Keeper) ask(ctx context.Context, p peer.ID, q question) (got answered, all bool, err error) {
	ctx, done := context.WithTimeout(ctx, askTime)
	defer done()
	all = true
	err = k.c.Dialer.Converse(ctx, p, Service, answerMemory, func(s network.Stream) error {
		if _, err := s.Write(appendQuestion(nil, q)); err != nil {
			return fmt.Errorf("ask for pulses: %w", err)
		}
		if err := stream.CloseWrite(s); err != nil {
			return fmt.Errorf("ask for pulses: %w", err)
		}
		in := bufio.NewReaderSize(s, stream.ServeBuffer)
		for {
			pulse, err := readItem(in)
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			case got.count == MaxAnswer:
				return penalty.Violates("more than %d pulses", MaxAnswer)
			}
			got.count, got.last = got.count+1, pulse.Record
			v, err := k.pushed(ctx, &pulse, source{peer: p, answered: true})
			if err != nil {
				return err
			}
			all = all && v != NoRecord && v != OverBudget && v != Busy
		}
	})
	return got, all, err
}
