package lfsync

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

// serving is a session that a peer has begun, under way.
type serving struct {
	comparer *comparer
	visit    *stream.Served
	peer     peer.ID
	limit    int

	rounds         int
	count          uint64 // how many records the peer said it has
	differs, equal bool   // equal: the first message showed it
	refused        bool   // this node could not compare
}

// serve answers a peer's messages until it ends the session.
func (c *comparer) serve(ctx context.Context, v *stream.Served) error {
	s := &serving{comparer: c, visit: v, peer: v.Peer(), limit: messageLimit(v)}
	err := s.converse(ctx)
	c.sync.metrics.answered(s, err)
	c.plan(func(a *agenda) {
		a.tick(c.now())
		a.served(s.peer, s.differs, s.equal)
	})
	return err
}

func (s *serving) converse(ctx context.Context) error {
	node := s.comparer.sync
	for {
		_ = s.visit.SetDeadline(node.times.ItemDeadline(ctx))
		f, err := readSessionFrame(s.visit)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(f.message) == 0:
			return penalty.Violates("an empty message")
		case s.rounds >= maxMessages:
			return penalty.Violates("more than %d messages in a session", maxMessages)
		}
		s.rounds++
		node.metrics.reconciled("in", frameHead+len(f.message))
		s.count = f.count
		s.comparer.counted(s.peer, f.count)
		answer, err := s.answer(ctx, f.message)
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
func (s *serving) answer(ctx context.Context, message []byte) ([]byte, error) {
	c := s.comparer
	if !c.own.isReady() || !s.visit.MayCompare(junk) {
		return nil, nil
	}
	end, err := s.visit.Begin()
	if err != nil {
		return nil, err
	}
	var reply negentropy.Reply
	below := 0
	c.own.view(func(set negentropy.Set) {
		h := c.sync.horizon()
		reply, err = negentropy.RespondUpTo(set, message, s.limit, h)
		below = set.Rank(h.End)
		// A peer whose clock is far behind has shown nothing of what lies above its own bound.
		s.equal = s.rounds == 1 && reply.Equal.Timestamp >= h.End.Timestamp-c.sync.network.Params().ClockDrift
	})
	end() // who waits for its rate holds no place
	if err != nil {
		return nil, penalty.Violates("%v", err)
	}
	s.differs = s.differs || reply.Differ
	if s.equal {
		c.agreed(s.peer, aheadOf(s.count, below))
	}
	if err := s.visit.PayCompared(ctx, 1+(len(message)+len(reply.Message))/messageUnit); err != nil {
		return nil, err
	}
	return reply.Message, s.learn(ctx, idsOf(reply.Unknown), reply.Times)
}

// learn has fetched what the initiator listed and is not here, as far as there is room. What there
// is none for, a session of our own will find.
func (s *serving) learn(ctx context.Context, listed []protocol.ID, within []negentropy.Interval) error {
	c := s.comparer
	if len(listed) == 0 {
		return nil
	}
	s.differs = true
	if !c.hasRoom(s.peer, maxListed) {
		return nil
	}
	unknown, err := c.sync.store.Unknown(ctx, listed)
	if err != nil || len(unknown) == 0 {
		return err
	}
	c.list(s.peer, unknown, withinOf(listed, within, unknown))
	// What came between is not told again.
	still, err := c.sync.store.Unknown(ctx, unknown)
	if err != nil {
		return fmt.Errorf("look for what a peer lists: %w", err)
	}
	if len(still) < len(unknown) {
		c.unlist(s.peer, without(unknown, still))
	}
	c.sync.wantListed(s.peer, c.sync.disown(s.peer, still))
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

func (s *serving) send(ctx context.Context, message []byte) error {
	node := s.comparer.sync
	_ = s.visit.SetDeadline(node.times.ItemDeadline(ctx))
	n, err := s.visit.Write(appendFrame(nil, frame{count: s.comparer.own.count(), message: message}))
	node.metrics.reconciled("out", n)
	if err != nil {
		return fmt.Errorf("send an answer: %w", err)
	}
	return nil
}

// agreed notes that a peer's set was found to be equal by its own message, which may have been on
// its way for some time.
func (c *comparer) agreed(p peer.ID, ahead uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.tell(c.now(), c.own.count())
	c.ledger.completed(p, sentAt(c.now()), ahead)
	c.changed()
}
