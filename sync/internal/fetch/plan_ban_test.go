package fetch

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// What only a peer listed that was dropped is forgotten, also where somebody else is being asked
// for it; what others listed too stays.
func TestBannedListings(t *testing.T) {
	s := newPlanner(defaultLimits())
	s.peerUp("liar")
	s.peerUp("honest")
	made, true1 := protocol.ID{1}, protocol.ID{2}
	s.listed([]protocol.ID{made, true1}, "liar")
	s.listed([]protocol.ID{true1}, "honest")
	s.scheduleAll(t)
	s.banned = func(p peer.ID) bool { return p == "liar" }
	s.ban("liar")
	s.listed([]protocol.ID{{3}}, "liar") // too late
	for id, r := range s.requests {
		if r.peer.id == "honest" {
			s.done(id, answer{lacking: []protocol.ID{made}})
		} else {
			s.done(id, answer{result: resultFailed})
		}
	}
	if _, ok := s.wanted[true1]; !ok || len(s.wanted) != 1 {
		t.Errorf("wanted: %v", s.wanted)
	}
}

// Between the violation and ban nothing more is asked of a peer.
func TestNothingAskedBeforeBan(t *testing.T) {
	s := newPlanner(defaultLimits())
	s.peerUp("liar")
	s.want([]protocol.ID{{1}}, "liar", 0, 0)
	s.scheduleAll(t)
	s.banned = func(peer.ID) bool { return true }
	s.done(s.lastReq, answer{result: resultViolation})
	if s.take(); len(s.requests) > 0 || s.ready() != 1 {
		t.Errorf("%d requests, %d ready", len(s.requests), s.ready())
	}
}

// scheduleAll has all that is ready asked for.
func (s *planner) scheduleAll(t *testing.T) {
	t.Helper()
	if s.take(); s.ready() > 0 || len(s.requests) == 0 {
		t.Fatalf("%d ready, %d requests", s.ready(), len(s.requests))
	}
}
