package lfsync

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/lf-store/lf/protocol"
)

// examined is what checking a batch of fetched records found.
type examined struct {
	good    []*parcel     // to be stored
	spare   []*parcel     // known, or refused before, or invalid: nothing is to be done with them
	settled []protocol.ID // of those: not to be wanted any more
	again   []protocol.ID // of those: to be asked for elsewhere
	known   int           // how many came as ancestors and were known
	guilt   error         // what no correct peer sends, the first of it
}

// admitAll takes a batch of fetched records in: it enters the line at once, and on a core of its
// own it is checked and then waits for the store. It returns when there is room, and a core soon;
// found is called with what the check found.
func (s *Sync) admitAll(ctx context.Context, ps []*parcel, found func(*examined)) error {
	size := int64(0)
	for _, p := range ps {
		size += p.size
	}
	if err := s.line.reserve(ctx, size); err != nil {
		return fmt.Errorf("wait for room: %w", err)
	}
	ps = s.line.enter(ps)
	select {
	case s.checker.ahead <- struct{}{}:
	case <-ctx.Done():
		s.line.leave(ps)
		return fmt.Errorf("wait for a core: %w", ctx.Err())
	}
	ids := parcelIDs(ps)
	s.step(func(m *scheduler) { m.came(ids) })
	go func() {
		defer func() { <-s.checker.ahead }()
		found(s.examine(ps))
	}()
	return nil
}

func parcelIDs(ps []*parcel) []protocol.ID {
	ids := make([]protocol.ID, len(ps))
	for i, p := range ps {
		ids[i] = p.record.ID()
	}
	return ids
}

// examine checks a batch and sends it on its way.
func (s *Sync) examine(ps []*parcel) *examined {
	x := new(examined)
	unchecked := s.sift(ps, x)
	for i, err := range s.checker.checkAll(unchecked) {
		p := unchecked[i]
		if err == nil {
			x.good = append(x.good, p)
			continue
		}
		// Its value is the one that the header refers to, so all that is wrong is decided by the
		// ID.
		s.refuse(p.record, err)
		x.reject(p, err, true)
		s.metrics.ingested(ViaFetch, Ingested{}, err)
	}
	if len(x.spare) > 0 {
		s.line.leave(x.spare)
		s.step(func(m *scheduler) {
			m.have(x.settled)
			m.again(x.again)
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line.pass(x.good, s.scheduler.coming)
	return x
}

// reject notes that a record is invalid, for ever or in the shape in which it came.
func (x *examined) reject(p *parcel, err error, forever bool) {
	x.guilt = cmp.Or(x.guilt, err)
	x.spare = append(x.spare, p)
	if forever {
		x.settled = append(x.settled, p.record.ID())
	} else {
		x.again = append(x.again, p.record.ID())
	}
}

// sift picks out what need not be verified: that costs more than all else.
func (s *Sync) sift(ps []*parcel, x *examined) []*parcel {
	unasked := s.unaskedHere(ps)
	rest := make([]*parcel, 0, len(ps))
	for _, p := range ps {
		id := p.record.ID()
		// A false value under a true header has the ID of a known record: it must not pass as
		// known.
		if err := p.record.CheckCarried(); err != nil {
			x.reject(p, err, false)
			s.metrics.ingested(ViaFetch, Ingested{}, err)
			continue
		}
		a, ok := s.recent.Get(id)
		if refused, wasRefused := s.refused.Get(id); wasRefused {
			x.spare, x.settled = append(x.spare, p), append(x.settled, id)
			s.metrics.ingested(ViaFetch, Ingested{Stored: Stored{Outcome: Refused, Err: refused}}, nil)
		} else if ok && a.state == Attached || unasked[id] {
			x.spare, x.settled = append(x.spare, p), append(x.settled, id)
			x.known += btoi(!p.asked)
			s.metrics.ingested(ViaFetch, Ingested{Stored: Stored{Outcome: Known}}, nil)
		} else {
			rest = append(rest, p)
		}
	}
	return rest
}

// unaskedHere returns which of the ancestors among these records the store has. What was asked for
// it does not have.
func (s *Sync) unaskedHere(ps []*parcel) map[protocol.ID]bool {
	var ids []protocol.ID
	for _, p := range ps {
		if !p.asked {
			ids = append(ids, p.record.ID())
		}
	}
	if len(ids) == 0 {
		return nil
	}
	ctx, done := context.WithTimeout(s.ctx, storeTime)
	defer done()
	unknown, err := s.store.Unknown(ctx, ids)
	if err != nil {
		return nil // the store says so again, at the latest when they are put
	}
	here := make(map[protocol.ID]bool)
	for _, id := range ids {
		here[id] = true
	}
	for _, id := range unknown {
		delete(here, id)
	}
	return here
}

// write takes fetched records to the store, in order, many at a time. It is the one goroutine that
// does.
func (s *Sync) write() {
	tick := time.NewTicker(blockTime / 4)
	defer tick.Stop()
	for {
		for ps := s.line.take(); len(ps) > 0; ps = s.line.take() {
			if s.ctx.Err() != nil {
				return
			}
			s.putAll(ps)
		}
		select {
		case <-s.ctx.Done():
			return
		case <-s.line.wake:
		case <-tick.C:
			s.line.age(time.Now())
		}
	}
}

// putAll stores records and tells everybody what became of them.
func (s *Sync) putAll(ps []*parcel) {
	records, holds := make([]*protocol.Record, 0, len(ps)), make([]uint64, 0, len(ps))
	timely := make([]*parcel, 0, len(ps))
	var early []*protocol.Record
	size := int64(0)
	for _, p := range ps {
		size += p.size
		hold, err := s.network.HoldUntil(&p.record.Header, s.now())
		if err != nil {
			s.metrics.ingested(ViaFetch, Ingested{}, err)
			early = append(early, p.record)
			continue
		}
		records, holds, timely = append(records, p.record), append(holds, hold), append(timely, p)
	}
	ctx, done := context.WithTimeout(s.ctx, storeTime)
	defer done()
	stored, err := s.store.PutAll(ctx, records, holds)
	if err != nil {
		s.complain("could not store fetched records", err)
	}
	s.line.room.Release(size)
	s.refuseEarly(append(early, heldBack(timely, stored, holds)...))
	s.tellAll(timely, stored, err)
}

// heldBack returns the records that the clock does not let in, and that the store has no room to
// hold.
func heldBack(ps []*parcel, stored []Stored, holds []uint64) (early []*protocol.Record) {
	for i := range stored[:min(len(stored), len(ps))] {
		if stored[i].Outcome == Refused && holds[i] > 0 {
			early = append(early, ps[i].record)
		}
	}
	return early
}

// refuseEarly tells that the clock refuses records. Nobody is to blame, and they are not missing.
func (s *Sync) refuseEarly(early []*protocol.Record) {
	if len(early) == 0 {
		return
	}
	ids := make([]protocol.ID, len(early))
	for i, r := range early {
		ids[i] = r.ID()
	}
	s.comparer.early(early)
	s.step(func(m *scheduler) { m.early(ids) })
}

// tellAll tells what became of records that were put: of those without an outcome, err.
func (s *Sync) tellAll(ps []*parcel, stored []Stored, err error) {
	var later []protocol.ID
	for i, p := range ps {
		if i >= len(stored) || stored[i].Outcome == 0 {
			s.metrics.ingested(ViaFetch, Ingested{}, err)
			continue
		}
		in := Ingested{Record: p.record, Stored: stored[i]}
		s.metrics.ingested(ViaFetch, in, nil)
		s.settle(in, p.from)
		if in.Outcome == Attached {
			s.limiter.Earned(p.from.Peer, 1)
		}
	}
	s.comparer.promised(ps, stored)
	s.step(func(m *scheduler) {
		for i, p := range ps {
			id := p.record.ID()
			if i >= len(stored) || stored[i].Outcome == 0 || stored[i].Outcome == Refused && !s.refused.Contains(id) {
				later = append(later, id)
			} else {
				m.stored(id, s.worthwhile(stored[i].Missing), p.from.Peer, p.depth)
			}
		}
		m.later(later)
	})
}

// promised notes that whoever listed a record must have its ancestors too: an attached record has
// them all.
func (c *comparer) promised(ps []*parcel, stored []Stored) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range stored[:min(len(stored), len(ps))] {
		if missing := stored[i].Missing; len(missing) > 0 && c.ledger.denied(ps[i].from.Peer, []protocol.ID{ps[i].record.ID()}) > 0 {
			c.ledger.list(ps[i].from.Peer, missing, nil)
		}
	}
}
