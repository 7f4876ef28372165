package fetch

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// Where a name is dropped for want of room, a comparison finds the record if it exists.
func TestDroppedNamesHaveSetsCompared(t *testing.T) {
	s := newPlanner(defaultLimits())
	s.peerUp("A")
	names := func(from, n int) (ids []protocol.ID) {
		for i := range n {
			ids = append(ids, testID(strconv.Itoa(from+i)))
		}
		return ids
	}
	if s.want(names(0, maxNamesAtOnce), "A", 0, 0); s.takeUnnamed() || s.counts[kindNamed] != maxNamesAtOnce {
		t.Fatalf("%d wanted", s.counts[kindNamed])
	}
	if s.want(names(maxNamesAtOnce, 1), "A", 0, 0); !s.takeUnnamed() || s.takeUnnamed() {
		t.Error("not said, or twice")
	}
	// What comes is given back, and so is a little with time.
	s.have(names(0, 10))
	s.tick(time.Second)
	s.want(names(10_000, 10+namesRate+1), "A", 0, 0)
	if got := s.counts[kindNamed]; got != maxNamesAtOnce+namesRate || !s.takeUnnamed() {
		t.Errorf("%d wanted", got)
	}
	// Another peer's names have an allowance of their own, and what peers list has a share of its
	// own.
	s.peerUp("B")
	s.want(names(20_000, 5), "B", 0, 0)
	s.listed(names(30_000, 8192), "A")
	if s.takeUnnamed() || s.counts[kindListed] != 8192 || s.counts[kindNamed] != maxNamesAtOnce+namesRate+5 {
		t.Errorf("%v wanted", s.counts)
	}
	s.listed(names(20_000, 5), "A") // they exist: they take nothing of B's allowance any more
	if s.counts[kindListed] != 8192+5 || s.byPeer["B"].source.named != 0 || s.byPeer["B"].source.names.spent != 0 {
		t.Errorf("%v wanted, %+v", s.counts, s.byPeer["B"].source)
	}
}

// However many invented names there are, a peer is asked for no more than its allowance, and what
// peers listed goes first.
func TestAskedForNamesSeldom(t *testing.T) {
	s := newPlanner(defaultLimits())
	for i := range 8 {
		s.peerUp(peer.ID("liar" + strconv.Itoa(i)))
	}
	s.peerUp("honest")
	asked, listed := 0, 0
	for second := range 60 {
		for i := range 8 {
			var ids []protocol.ID
			for n := range 1000 {
				ids = append(ids, testID(fmt.Sprint(second, i, n)))
			}
			s.want(ids, peer.ID("liar"+strconv.Itoa(i)), 0, 0)
		}
		true1 := testID(fmt.Sprint("true", second))
		s.listed([]protocol.ID{true1}, "honest")
		for range 5 {
			s.tick(s.now + 200*time.Millisecond)
			for _, act := range s.take() {
				a, ok := act.(sendRequest)
				if !ok {
					continue
				}
				if a.peer == "honest" {
					asked += len(a.ids)
				}
				listed += btoi(slices.Contains(a.ids, true1))
				s.done(a.request, answer{lacking: slices.DeleteFunc(a.ids, func(id protocol.ID) bool { return id == true1 })})
				s.have([]protocol.ID{true1})
			}
		}
	}
	if most := maxNamesAtOnce + 60*namesRate + 60; asked > most {
		t.Errorf("asked for %d names in a minute, want at most %d", asked, most)
	}
	if listed < 60 || s.counts[kindNamed] > maxNamed {
		t.Errorf("of 60 listed records %d were asked for; %v wanted", listed, s.counts)
	}
}
