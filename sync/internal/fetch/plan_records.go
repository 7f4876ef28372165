package fetch

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// want asks for records that are missing. The peer from, where not empty, most likely has them.
// depth tells how deep in the past they are, and delay how long to wait for them to come by
// themselves. What was given up lately is not asked for again.
func (s *planner) want(ids []protocol.ID, from peer.ID, depth int, delay time.Duration) {
	for _, id := range ids {
		w := s.wanted[id]
		if w == nil {
			if until, given := s.unavailable.Peek(id); given && s.now < until {
				continue
			}
			if w = s.newNamed(id, from, depth, delay); w == nil {
				continue
			}
		}
		w.have = false
		w.depth = max(w.depth, depth)
		if p := s.byPeer[from]; p != nil {
			s.hint(w, p)
		}
	}
}

// listed asks for records that a peer said it has attached, in the order of the set. Attached
// records are never dropped: it must have them, and their ancestors.
func (s *planner) listed(ids []protocol.ID, by peer.ID) {
	p := s.byPeer[by]
	if p == nil || p.banned {
		return // gone, or not believed
	}
	for _, id := range ids {
		if w := s.promise(id, []*peerState{p}, 0); w != nil {
			s.hint(w, p)
		}
	}
}

// promise asks for a record that these peers must have.
func (s *planner) promise(id protocol.ID, by []*peerState, depth int) *wanted {
	w := s.wanted[id]
	if w == nil {
		if w = s.newWanted(id, kindListed, depth, 0); w == nil {
			return nil
		}
	}
	w.have = false
	w.depth = max(w.depth, depth)
	s.setKind(w, kindListed)
	if w.parked {
		s.makeReady(w)
	}
	for _, p := range by {
		w.promisedBy(p)
	}
	return w
}

// came tells that records came and are on their way into the store. Until have, later or again is
// told of them, they are not asked for.
func (s *planner) came(ids []protocol.ID) {
	for _, id := range ids {
		w := s.wanted[id]
		if w == nil {
			s.newWanted(id, kindArrived, 0, 0)
			continue
		}
		s.detach(w)
		w.state = stateCame
	}
}

// coming reports whether a record is asked for, or about to be.
func (s *planner) coming(id protocol.ID) bool {
	w := s.wanted[id]
	return w != nil && (w.state == stateReady || w.state == stateAsked)
}

// missing counts the wanted records that have not come, by their kinds.
func (s *planner) missing() (n [kinds]int) {
	for _, w := range s.wanted {
		if w.state != stateCame && !w.have {
			n[w.kind]++
		}
	}
	return n
}

// have tells that records are here, however they came, or never to be wanted again.
func (s *planner) have(ids []protocol.ID) {
	for _, id := range ids {
		switch w := s.wanted[id]; {
		case w == nil:
		case w.state == stateAsked:
			w.refund()
			w.have = true // a peer that is asked stays known: nothing is asked for twice at a time
			s.gone = append(s.gone, id)
		default:
			w.refund()
			s.forget(w)
		}
	}
}

// early tells that the clock refuses these records. They are not missing, and not asked for again
// unless a peer lists them later.
func (s *planner) early(ids []protocol.ID) {
	for _, id := range ids {
		if w := s.wanted[id]; w != nil && w.kind == kindNamed {
			w.source = nil // no refund
		}
		s.unavailable.Add(id, s.now+s.limits.retryMax)
	}
	s.have(ids)
}

// stored tells that a record that came is in the store and waits for these ancestors. Who must have
// it must have them.
func (s *planner) stored(id protocol.ID, missing []protocol.ID, from peer.ID, depth int) {
	var listers []*peerState
	if w := s.wanted[id]; w != nil {
		listers = w.listers
	}
	s.have([]protocol.ID{id})
	if len(listers) == 0 {
		s.want(missing, from, depth, 0)
		return
	}
	for _, id := range missing {
		if w := s.promise(id, listers, depth); w != nil && s.byPeer[from] != nil {
			s.hint(w, s.byPeer[from])
		}
	}
}

// later tells that records came and could not be stored now.
func (s *planner) later(ids []protocol.ID) { s.ifCame(ids, s.retryLater) }

// again tells that what came were not those records.
func (s *planner) again(ids []protocol.ID) { s.ifCame(ids, s.makeReady) }

func (s *planner) ifCame(ids []protocol.ID, do func(*wanted)) {
	for _, id := range ids {
		w := s.wanted[id]
		switch {
		case w == nil || w.state != stateCame:
		case w.kind == kindArrived && !s.makeRoom(kindNamed):
			s.forget(w)
			s.overflow = true
		default:
			if w.kind == kindArrived {
				s.setKind(w, kindNamed)
			}
			do(w)
		}
	}
}
