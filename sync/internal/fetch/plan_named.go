package fetch

import (
	"math"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// wantedKind says why a record is wanted. Each kind has a share of its own among the wanted
// records, so that one cannot crowd out the other.
//
// A record that a peer listed must exist. A record that only a pending record names may be
// invented, for one payment names up to 16 of them. So what is named has a small share, and each
// peer that sends pending records a part of that. Asking honest peers for such names is limited,
// too. If a named record exists, the next comparison lists it.
type wantedKind uint8

const (
	// a peer said that it has it attached, or a record which links to it
	kindListed wantedKind = iota
	kindNamed             // only pending records name it
	// nobody wanted it: it came with others, and is on its way into the store
	kindArrived
	kinds
)

// source is who sent pending records that name others.
type source struct {
	named int       // how many records wanted now it has named
	names allowance // for new ones; what comes is given back
	full  bool      // none of them could be evicted since the last tick
}

// allowance limits how often something is done: maxNamesAtOnce times at once, and namesRate times
// in a second.
type allowance struct {
	spent float64
	at    time.Duration
}

// left is how often it may be done now.
func (a *allowance) left(now time.Duration) int {
	if now > a.at {
		a.spent = max(0, a.spent-namesRate*(now-a.at).Seconds())
		a.at = now
	}
	return int(math.Floor(maxNamesAtOnce - a.spent))
}

func (a *allowance) take(now time.Duration, n int) {
	a.left(now)
	a.spent += float64(n)
}

func (a *allowance) giveBack(n int) { a.spent = max(0, a.spent-float64(n)) }

// newNamed wants a record that a pending record of this peer's names.
func (s *planner) newNamed(id protocol.ID, from peer.ID, depth int, delay time.Duration) *wanted {
	by := &s.strays
	if p := s.byPeer[from]; p != nil {
		by = &p.source
	}
	if by.names.left(s.now) == 0 || by.named >= s.limits.namedEach && !s.evictOf(by) {
		s.dropped++
		s.overflow, s.unnamed = true, true
		return nil
	}
	w := s.newWanted(id, kindNamed, depth, delay)
	if w == nil {
		s.unnamed = true
		return nil
	}
	s.setSource(w, by)
	by.names.take(s.now, 1)
	return w
}

// takeUnnamed reports whether names were dropped since the last call. If one of these records
// exists, a comparison finds it.
func (s *planner) takeUnnamed() bool {
	was := s.unnamed
	s.unnamed = false
	return was
}

// evictOf forgets a record that this source named and every peer lacks.
func (s *planner) evictOf(by *source) bool {
	by.full = by.full || !s.evict(func(w *wanted) bool { return w.source == by })
	return !by.full
}

// refund gives the source back what a record took that has come: only names that lead nowhere cost
// it something.
func (w *wanted) refund() {
	if w.source != nil && !w.have {
		w.source.names.giveBack(1)
	}
}

// setSource notes on whose account a record is wanted.
func (s *planner) setSource(w *wanted, by *source) {
	if w.source != nil {
		w.source.named--
	}
	if w.source = by; by != nil {
		by.named++
	}
}

// setKind moves a record to another share. It may exceed that share: records move where it is
// certain that they exist, or where the caller has made room.
func (s *planner) setKind(w *wanted, kind wantedKind) {
	if w.kind == kind {
		return
	}
	ready, urgent := w.state == stateReady, w.urgent
	if ready {
		s.detach(w)
	}
	s.counts[w.kind]--
	s.counts[kind]++
	w.kind = kind
	if kind != kindNamed {
		w.refund()
		s.setSource(w, nil)
	}
	switch {
	case ready && urgent:
		s.hurry(w)
	case ready:
		s.enqueue(w)
	}
}

// makeRoom reports whether another record of a kind may be wanted. What nobody has must not keep
// out what somebody may have.
func (s *planner) makeRoom(kind wantedKind) bool {
	limit := s.limits.wanted
	if kind == kindNamed {
		limit = s.limits.named
	}
	return s.counts[kind] < limit || s.evict(func(w *wanted) bool { return w.kind == kind })
}

// evict forgets a record that every peer lacks, one of those that would be asked for late.
func (s *planner) evict(which func(*wanted) bool) bool {
	waiting := s.waiting.All()
	for i := len(waiting) - 1; i >= 0; i-- {
		if w := waiting[i]; w.parked && which(w) {
			s.giveUp(w)
			return true
		}
	}
	return false
}

// demote counts what nobody lists any more, because its listers went, among what is only named.
// What there is no room for is forgotten: if it exists, it will be listed again.
func (s *planner) demote() {
	orphan := func(w *wanted) bool { return w.kind == kindListed && len(w.listers) == 0 }
	for _, w := range s.inOrder() {
		switch {
		case !orphan(w):
		case s.makeRoom(kindNamed):
			s.setKind(w, kindNamed)
		default:
			s.forget(w)
		}
	}
	for _, w := range s.wanted { // what is left is asked of somebody, or has come
		if orphan(w) {
			w.doubtful = w.doubtful || s.counts[kindNamed] >= s.limits.named && w.state == stateAsked
			s.setKind(w, kindNamed)
		}
	}
}

// withheld tells that a peer cannot send records which it listed. What nobody else listed counts as
// only named.
func (s *planner) withheld(ids []protocol.ID, by peer.ID) {
	p := s.byPeer[by]
	for _, id := range ids {
		if w := s.wanted[id]; w != nil && p != nil {
			w.listers = slices.DeleteFunc(w.listers, func(o *peerState) bool { return o == p })
		}
	}
	s.demote()
}

// listedBy reports whether a peer listed the record.
func (w *wanted) listedBy(p *peerState) bool { return slices.Contains(w.listers, p) }
