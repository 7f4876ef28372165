package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// junk is a comparison beyond what a peer may have for nothing.
var junk = penalty.Minor{Weight: 4, Protocol: Service.Scope(), What: "it compares, and fetches and delivers nothing, again and again"}

// responder is a session that a peer has begun, under way.
type responder struct {
	reconciler *Reconciler
	stream     *stream.Served
	peer       peer.ID
	limit      int

	rounds         int
	count          uint64 // how many records the peer said it has
	differs, equal bool   // equal: the first message showed it
	refused        bool   // this node could not compare
}

// Serve answers a peer's messages until it ends the session.
func (c *Reconciler) Serve(ctx context.Context, v *stream.Served) error {
	s := &responder{reconciler: c, stream: v, peer: v.Peer(), limit: messageLimit(v)}
	err := s.run(ctx)
	c.metrics.answered(s, err)
	c.plan(func(a *planner) {
		a.tick(c.now())
		a.served(s.peer, s.differs, s.equal)
	})
	return err
}

// run answers messages until the peer ends the session.
func (s *responder) run(ctx context.Context) error {
	for {
		_ = s.stream.SetDeadline(s.stream.ItemDeadline(ctx))
		f, err := ReadEnvelope(s.stream)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(f.Message) == 0:
			return penalty.Violates("an empty message")
		case s.rounds >= MaxMessages:
			return penalty.Violates("more than %d messages in a session", MaxMessages)
		}
		s.rounds++
		s.reconciler.metrics.reconciled("in", envelopeHead+len(f.Message))
		s.count = f.Count
		s.reconciler.counted(s.peer, f.Count)
		answer, err := s.answer(ctx, f.Message)
		if err != nil && !errors.Is(err, stream.ErrOverloaded) {
			return err
		}
		s.refused = len(answer) == 0
		if err := s.send(ctx, answer); err != nil || len(answer) == 0 {
			return err
		}
	}
}

// answer returns the answer to a message, an empty one when this node cannot compare now.
func (s *responder) answer(ctx context.Context, message []byte) ([]byte, error) {
	c := s.reconciler
	if !c.own.isReady() || !s.stream.MayCompare(junk) {
		return nil, nil
	}
	end, err := s.stream.Begin()
	if err != nil {
		return nil, err
	}
	var reply negentropy.Reply
	below := 0
	seen := c.own.view(func(set negentropy.Set) {
		h := c.horizon()
		reply, err = negentropy.RespondUpTo(set, message, s.limit, h)
		below = set.Rank(h.End)
		// A peer whose clock is far behind has shown nothing of what lies above its own bound.
		s.equal = s.rounds == 1 && reply.Equal.Timestamp >= h.End.Timestamp-c.c.Network.Params().ClockDrift
	})
	end() // who waits for its rate holds no place
	if seen != nil {
		return nil, nil //nolint:nilerr // it cannot compare now
	}
	if err != nil {
		return nil, penalty.Violates("%v", err)
	}
	s.differs = s.differs || reply.Differ
	if s.equal {
		c.agreed(s.peer, aheadOf(s.count, below))
	}
	if err := s.stream.PayCompared(ctx, 1+(len(message)+len(reply.Message))/messageUnit); err != nil {
		return nil, err
	}
	return reply.Message, s.learn(ctx, idsOf(reply.Unknown), reply.Times)
}

// learn has fetched what the initiator listed and is not here, as far as there is room. What there
// is none for, a session of our own will find.
func (s *responder) learn(ctx context.Context, listed []protocol.ID, within []negentropy.Interval) error {
	c := s.reconciler
	if len(listed) == 0 {
		return nil
	}
	s.differs = true
	if !c.hasRoom(s.peer, maxListed) {
		return nil
	}
	unknown, err := c.c.Store.Unknown(ctx, listed)
	if err != nil || len(unknown) == 0 {
		return err
	}
	c.list(s.peer, unknown, withinOf(listed, within, unknown))
	// What came between is not told again.
	still, err := c.c.Store.Unknown(ctx, unknown)
	if err != nil {
		return fmt.Errorf("look for what a peer lists: %w", err)
	}
	if len(still) < len(unknown) {
		c.unlist(s.peer, without(unknown, still))
	}
	c.want(s.peer, still)
	return nil
}

// withinOf picks the intervals of those listed IDs that are among some.
func withinOf(listed []protocol.ID, within []negentropy.Interval, some []protocol.ID) []negentropy.Interval {
	of := make(map[protocol.ID]negentropy.Interval, len(listed))
	for i, id := range listed {
		of[id] = within[i]
	}
	out := make([]negentropy.Interval, len(some))
	for i, id := range some {
		out[i] = of[id]
	}
	return out
}

// without returns what of ids is not among others.
func without(ids, others []protocol.ID) []protocol.ID {
	in := make(map[protocol.ID]bool, len(others))
	for _, id := range others {
		in[id] = true
	}
	var out []protocol.ID
	for _, id := range ids {
		if !in[id] {
			out = append(out, id)
		}
	}
	return out
}

func (s *responder) send(ctx context.Context, message []byte) error {
	_ = s.stream.SetDeadline(s.stream.ItemDeadline(ctx))
	n, err := s.stream.Write(AppendEnvelope(nil, Envelope{Count: s.reconciler.own.count(), Message: message}))
	s.reconciler.metrics.reconciled("out", n)
	if err != nil {
		return fmt.Errorf("send an answer: %w", err)
	}
	return nil
}

// agreed notes that a peer's set was found to be equal by its own message, which may have been on
// its way for some time.
func (c *Reconciler) agreed(p peer.ID, ahead uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agreements.tell(c.now(), c.own.count())
	c.agreements.completed(p, sentAt(c.now()), ahead)
	c.changed()
}
