package lfsync

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
	comparer *comparer
	compare
	stream    network.Stream
	limit     int // of messages
	initiator *negentropy.Initiator
	to        negentropy.Bound // up to which the sets are compared

	rounds  int
	lacked  int    // how many records of ours the peer turned out to lack
	count   uint64 // how many records it said it has
	ahead   uint64 // how many of them are above the bound, as far as this session tells
	differs bool
	deep    bool
	outcome outcome
}

// errBusy says that the peer cannot compare now.
var errBusy = errors.New("the peer cannot compare now")

// run carries out a duty and reports what came of it.
func (c *comparer) run(ctx context.Context, d compare) {
	s := &session{comparer: c, compare: d}
	err := s.converse(ctx)
	s.conclude(err)
	c.sync.metrics.compared(s)
	if err != nil && ctx.Err() == nil {
		c.sync.log.Debug("could not compare with a peer", "peer", d.peer, "rounds", s.rounds, "error", err)
	}
	c.ended(s)
}

func (s *session) converse(ctx context.Context) error {
	node := s.comparer.sync
	ctx, done := context.WithTimeout(ctx, node.times.Serve(reconcileService))
	defer done()
	return node.dialer.Converse(ctx, s.peer, reconcileService, sessionMemory, func(stream network.Stream) error {
		s.begin(stream)
		return s.talk(ctx)
	})
}

// begin begins to compare on a stream.
func (s *session) begin(stream network.Stream) {
	s.stream, s.limit, s.to = stream, messageLimit(stream), s.comparer.sync.horizon().End
	if s.from.Compare(s.to) >= 0 {
		s.from = negentropy.Bound{} // the clock was set back since
	}
	s.initiator = negentropy.NewInitiator(negentropy.Config{FrameLimit: s.limit, From: s.from, To: s.to})
}

func (s *session) talk(ctx context.Context) (err error) {
	if s.from != (negentropy.Bound{}) && !s.comparer.waitForRoom(ctx, s.peer, s.room()) { // there will be more to list
		s.outcome.done = s.from
		return nil
	}
	var message []byte
	s.comparer.own.view(func(set negentropy.Set) { message = s.initiator.Start(set) })
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
	return maxMessage
}

// round sends a message and takes the answer. It returns the next message, nil at the end.
func (s *session) round(ctx context.Context, message []byte) ([]byte, error) {
	c := s.comparer
	answer, err := s.exchange(ctx, message)
	if err != nil {
		return nil, err
	}
	s.rounds++
	var step negentropy.Step
	c.own.view(func(set negentropy.Set) {
		step, err = s.initiator.Next(set, answer, nil)
		s.lacked += step.Lacked
		open := c.list(s.peer, idsOf(step.Need), step.Times) // before it can become attached
		s.ahead = aheadOf(s.count, set.Rank(s.to)-s.lacked+open)
	})
	if err != nil {
		return nil, penalty.Violates("%v", err)
	}
	s.outcome.done = step.Done
	s.differs = s.differs || step.Differ || step.Message != nil
	if err := s.want(ctx, step.Need); err != nil || step.Message == nil {
		return nil, err
	}
	if !s.mayGoOn(ctx, len(answer)) {
		return nil, nil
	}
	return step.Message, nil
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
	node := s.comparer.sync
	_ = s.stream.SetDeadline(node.times.ItemDeadline(ctx))
	n, err := s.stream.Write(appendFrame(nil, frame{count: s.comparer.own.count(), message: message}))
	node.metrics.reconciled("out", n)
	if err != nil {
		return nil, fmt.Errorf("send a message: %w", err)
	}
	f, err := readSessionFrame(s.stream)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	node.metrics.reconciled("in", frameHead+len(f.message))
	s.count = f.count
	s.comparer.counted(s.peer, f.count)
	if len(f.message) == 0 {
		return nil, errBusy
	}
	return f.message, nil
}

// want has what the peer listed fetched, but for what is here in some state.
func (s *session) want(ctx context.Context, need []negentropy.ID) error {
	if len(need) == 0 {
		return nil
	}
	unknown, err := s.comparer.sync.store.Unknown(ctx, idsOf(need))
	if err != nil {
		return fmt.Errorf("look for what a peer lists: %w", err)
	}
	s.outcome.listed += len(unknown)
	s.comparer.sync.wantListed(s.peer, s.comparer.sync.disown(s.peer, unknown))
	return nil
}

// mayGoOn waits for room for more wanted records, and reports whether the session is to go on.
func (s *session) mayGoOn(ctx context.Context, answered int) bool {
	c := s.comparer
	if answered > s.limit*3/4 || s.outcome.listed > deepListed {
		s.deep = true
	}
	return (!s.deep || c.deepen(s.session)) && s.rounds < maxMessages && c.waitForRoom(ctx, s.peer, s.room()) && !c.halted(s.session)
}

// conclude says how the session ended.
func (s *session) conclude(err error) {
	whole := s.outcome.done == negentropy.Infinity
	switch o := &s.outcome; {
	case penalty.ViolationIn(err) != nil:
		o.ending = endedGuilty
	case errors.Is(err, errBusy), stream.TurnedAway(err):
		o.ending = endedBusy
	case err != nil && s.rounds > 0 && !whole && !stream.IsTimeout(err):
		o.ending = endedCut
	case err != nil:
		o.ending = endedFailed
	case !whole:
		o.ending = endedInterrupted
	case s.differs || s.from != (negentropy.Bound{}):
		o.ending = endedDiffering
	default:
		o.ending = endedEqual
	}
}

// disown takes records that can never be valid out of what a peer lists, and returns the rest. A
// correct peer does not attach such records.
func (s *Sync) disown(p peer.ID, ids []protocol.ID) []protocol.ID {
	good := s.admission.mayBeValid(ids)
	if len(good) < len(ids) {
		s.comparer.unlist(p, without(ids, good))
		s.penalties.ReportMinor(p, invalidListed)
	}
	return good
}

// wantListed has records fetched that a peer listed. What has become attached since the store was
// asked is left out: another peer that listed it may have delivered it.
func (s *Sync) wantListed(p peer.ID, ids []protocol.ID) {
	s.fetcher.Listed(p, ids, s.admission.isAttached)
}

// waitForRoom waits until there is room for what the next message of a peer may list. It returns
// false when that takes too long.
func (c *comparer) waitForRoom(ctx context.Context, p peer.ID, room int) bool {
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

// hasRoom reports whether so many of the records that a peer listed have not come, at most, and
// there is room among all that are wanted. Each peer has room of its own: one that lists what
// nobody has keeps no other from listing what there is.
func (c *comparer) hasRoom(p peer.ID, room int) bool {
	c.mu.Lock()
	open := c.ledger.open(p)
	c.mu.Unlock()
	return open <= room && c.sync.fetcher.HasRoom()
}
