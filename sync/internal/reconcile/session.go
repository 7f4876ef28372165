package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// session is a comparison that this side has begun, under way.
type session struct {
	reconciler *Reconciler
	compare
	stream    network.Stream
	limit     int // of messages
	initiator *negentropy.Initiator
	to        negentropy.Bound // up to which the sets are compared

	rounds  int
	lacked  int    // how many records of ours the peer turned out to lack
	count   uint64 // how many records it said it has
	surplus uint64 // how many more than this node has
	ahead   uint64 // how many of them are above the bound, as far as this session tells
	differs bool
	deep    bool
	outcome outcome
}

// ErrBusy says that the peer cannot compare now.
var ErrBusy = errors.New("the peer cannot compare now")

// Compare compares with a peer above a bound, whatever the planner plans.
func (c *Reconciler) Compare(ctx context.Context, p peer.ID, from negentropy.Bound) error {
	const id = 0 // the planner's sessions have others
	c.mu.Lock()
	// else it would be taken for halted
	c.running[id], c.planner.sessions[id] = new(running), &peerState{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.running, id)
		delete(c.planner.sessions, id)
		if c.planner.leader == id {
			c.planner.leader = 0
		}
	}()
	s := &session{reconciler: c, compare: compare{session: id, peer: p, from: from}}
	return s.run(ctx)
}

// run carries out an action and reports what came of it.
func (c *Reconciler) run(ctx context.Context, d compare) {
	s := &session{reconciler: c, compare: d}
	err := s.run(ctx)
	s.conclude(err)
	c.metrics.compared(s)
	if err != nil && ctx.Err() == nil {
		c.c.Log.Debug("could not compare with a peer", "peer", d.peer, "rounds", s.rounds, "error", err)
	}
	c.ended(s)
}

// run opens a stream and compares on it.
func (s *session) run(ctx context.Context) error {
	dialer := s.reconciler.c.Dialer
	ctx, done := context.WithTimeout(ctx, dialer.Time(Service))
	defer done()
	return dialer.Converse(ctx, s.peer, Service, sessionMemory, func(stream network.Stream) error {
		s.begin(stream)
		return s.talk(ctx)
	})
}

// begin begins to compare on a stream.
func (s *session) begin(stream network.Stream) {
	s.stream, s.limit, s.to = stream, messageLimit(stream), s.reconciler.horizon().End
	if s.from.Compare(s.to) >= 0 {
		s.from = negentropy.Bound{} // the clock was set back since
	}
	s.initiator = negentropy.NewInitiator(negentropy.Config{FrameLimit: s.limit, From: s.from, To: s.to})
}

func (s *session) talk(ctx context.Context) (err error) {
	// there will be more to list
	if s.from != (negentropy.Bound{}) && !s.reconciler.waitForRoom(ctx, s.peer, s.room()) {
		s.outcome.done = s.from
		return nil
	}
	var message []byte
	if err := s.reconciler.own.view(func(set negentropy.Set) { message = s.initiator.Start(set) }); err != nil {
		return err
	}
	for message != nil {
		if message, err = s.round(ctx, message); err != nil {
			return err
		}
	}
	return nil
}

// messageLimit is how long this side's messages may be.
func messageLimit(s network.Stream) int {
	if s.Conn().Stat().Limited {
		return maxMessageLimited
	}
	return MaxMessage
}

// round sends a message and takes the answer. It returns the next message, nil at the end.
func (s *session) round(ctx context.Context, message []byte) ([]byte, error) {
	c := s.reconciler
	answer, err := s.exchange(ctx, message)
	if err != nil {
		return nil, err
	}
	s.rounds++
	var step negentropy.Step
	seen := c.own.view(func(set negentropy.Set) {
		step, err = s.initiator.Next(set, answer, nil)
		s.lacked += step.Lacked
		open := c.list(s.peer, idsOf(step.Need), step.Times) // before it can become attached
		s.ahead = aheadOf(s.count, set.Rank(s.to)-s.lacked+open)
	})
	if seen != nil {
		return nil, seen
	}
	if err != nil {
		return nil, penalty.Violates("%v", err)
	}
	s.outcome.done = step.Done
	s.differs = s.differs || step.Differ || step.Message != nil
	if err := s.want(ctx, step.Need); err != nil || step.Message == nil {
		return nil, err
	}
	s.deep = s.deep || s.willBeLong(len(answer), len(step.Message))
	if !s.mayGoOn(ctx) {
		return nil, nil
	}
	return step.Message, nil
}

// willBeLong reports whether the peer is about to list many records. The peer's count tells it, and
// so do the bytes of the answer and of what is to be asked next. It is known before the peer lists
// anything, so peers that have the same records do not list them all.
func (s *session) willBeLong(answered, asking int) bool {
	return s.surplus > deepSurplus || answered > s.limit*3/4 || asking > deepMessage ||
		s.outcome.listed > deepListed
}

// room is up to how many records the peer listed and have not come the session goes on.
func (s *session) room() int {
	if s.stream.Conn().Stat().Limited {
		return roomLimited
	}
	return maxListed
}

// exchange sends a message and reads the answer.
func (s *session) exchange(ctx context.Context, message []byte) ([]byte, error) {
	c := s.reconciler
	_ = s.stream.SetDeadline(c.c.Dialer.ItemDeadline(ctx))
	n, err := s.stream.Write(AppendEnvelope(nil, Envelope{Count: c.own.count(), Message: message}))
	c.metrics.reconciled("out", n)
	if err != nil {
		return nil, fmt.Errorf("send a message: %w", err)
	}
	f, err := ReadEnvelope(s.stream)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	c.metrics.reconciled("in", envelopeHead+len(f.Message))
	s.count, s.surplus = f.Count, c.counted(s.peer, f.Count)
	if len(f.Message) == 0 {
		return nil, ErrBusy
	}
	return f.Message, nil
}

// want has what the peer listed fetched, but for what is here in some state.
func (s *session) want(ctx context.Context, need []negentropy.ID) error {
	if len(need) == 0 {
		return nil
	}
	unknown, err := s.reconciler.c.Store.Unknown(ctx, idsOf(need))
	if err != nil {
		return fmt.Errorf("look for what a peer lists: %w", err)
	}
	s.outcome.listed += len(unknown)
	s.reconciler.want(s.peer, unknown)
	return nil
}

// mayGoOn waits for room for more wanted records, and reports whether the session is to go on.
func (s *session) mayGoOn(ctx context.Context) bool {
	c := s.reconciler
	return (!s.deep || c.deepen(s.session)) && s.rounds < MaxMessages && c.waitForRoom(ctx, s.peer, s.room()) && !c.halted(s.session)
}

// conclude says how the session ended.
func (s *session) conclude(err error) {
	whole := s.outcome.done == negentropy.Infinity
	switch o := &s.outcome; {
	case penalty.ViolationIn(err) != nil:
		o.result = resultViolation
	case errors.Is(err, ErrBusy), stream.TurnedAway(err):
		o.result = resultBusy
	case err != nil && s.rounds > 0 && !whole && !stream.IsTimeout(err):
		o.result = resultCut
	case err != nil:
		o.result = resultFailed
	case !whole:
		o.result = resultInterrupted
	case s.differs || s.from != (negentropy.Bound{}):
		o.result = resultDiffering
	default:
		o.result = resultEqual
	}
}

// want has records fetched that a peer listed. Those that can never be valid are taken out of what
// it listed: a correct peer does not attach such records.
func (c *Reconciler) want(p peer.ID, ids []protocol.ID) {
	good := c.c.Node.MayBeValid(ids)
	if len(good) < len(ids) {
		c.unlist(p, without(ids, good))
		c.c.Penalties.ReportMinor(p, invalidListed)
	}
	c.c.Node.Fetch(p, good)
}

// waitForRoom waits until there is room for what the next message of a peer may list. It returns
// false when that takes too long.
func (c *Reconciler) waitForRoom(ctx context.Context, p peer.ID, room int) bool {
	ctx, done := context.WithTimeout(ctx, roomTime)
	defer done()
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	for !c.hasRoom(p, room) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// hasRoom reports whether at most room of the records that a peer listed have not come, and there
// is room among all that are wanted. Each peer has room of its own: one that lists what nobody has
// keeps no other from listing what there is.
func (c *Reconciler) hasRoom(p peer.ID, room int) bool {
	c.mu.Lock()
	open := c.agreements.open(p)
	c.mu.Unlock()
	return open <= room && c.c.Node.HasRoom()
}
