package lfsync

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// ledger keeps which connected peer agreed when, and which records they listed that are not attached here yet. It is
// pure, like the agenda. It is not safe for concurrent use. Times are durations since some start.
//
// A peer agreed at t when a comparison begun at t was completed and what it listed in it has become attached: then this
// node has all that the peer had at t. What came to be since is gossip's, and the next comparison's.
type ledger struct {
	peers  map[peer.ID]*standing
	listed map[protocol.ID][]*standing // not attached here, with the peers that listed it
	left   time.Duration               // the newest agreement with a peer that has left since, or notYet
}

// standing is how a peer's set stood to ours.
type standing struct {
	agreed   time.Duration // when it agreed last, or notYet
	compared time.Duration // when the comparison began that was completed last, or notYet
	open     int           // how many records it listed that are not attached here
	count    uint64        // how many records it said it has
}

const notYet time.Duration = -1

func newLedger() *ledger {
	return &ledger{peers: make(map[peer.ID]*standing), listed: make(map[protocol.ID][]*standing), left: notYet}
}

// peerUp tells of a peer that can be compared with.
func (l *ledger) peerUp(p peer.ID) {
	if l.peers[p] == nil {
		l.peers[p] = &standing{agreed: notYet, compared: notYet}
	}
}

// leave forgets a peer that left, but not when it agreed last: that was so.
func (l *ledger) leave(p peer.ID) {
	if s := l.peers[p]; s != nil {
		l.left = max(l.left, s.agreed)
	}
	l.drop(p)
}

// drop forgets a peer that left or is not to be believed, and what only it listed.
func (l *ledger) drop(p peer.ID) {
	gone := l.peers[p]
	if gone == nil {
		return
	}
	delete(l.peers, p)
	if gone.open > 0 {
		for id := range l.listed {
			l.strike(id, gone)
		}
	}
}

// list notes records that a peer has and that are not attached here.
func (l *ledger) list(p peer.ID, ids []protocol.ID) {
	s := l.peers[p]
	if s == nil {
		return
	}
	for _, id := range ids {
		if by := l.listed[id]; !slices.Contains(by, s) {
			l.listed[id] = append(by, s)
			s.open++
		}
	}
}

// open is how many records a peer listed that are not attached here.
func (l *ledger) open(p peer.ID) int {
	if s := l.peers[p]; s != nil {
		return s.open
	}
	return 0
}

// unlist takes back what a peer listed: it is here, or the peer is not asked for it.
func (l *ledger) unlist(p peer.ID, ids []protocol.ID) {
	if s := l.peers[p]; s != nil {
		for _, id := range ids {
			l.strike(id, s)
		}
	}
}

// denied counts those of the records that a peer had listed.
func (l *ledger) denied(p peer.ID, ids []protocol.ID) (n int) {
	s := l.peers[p]
	if s == nil {
		return 0
	}
	for _, id := range ids {
		if slices.Contains(l.listed[id], s) {
			n++
		}
	}
	return n
}

// strike takes one peer out of those that listed a record.
func (l *ledger) strike(id protocol.ID, s *standing) {
	by := l.listed[id]
	i := slices.Index(by, s)
	if i < 0 {
		return
	}
	s.open--
	if len(by) == 1 {
		delete(l.listed, id)
	} else {
		l.listed[id] = slices.Delete(by, i, i+1)
	}
	s.settle()
}

// attached tells what has become attached here, and reports whether the last of what peers listed was among it.
func (l *ledger) attached(items []Item) (all bool) {
	if len(l.listed) == 0 {
		return false
	}
	for _, item := range items {
		by := l.listed[item.ID]
		if by == nil {
			continue
		}
		delete(l.listed, item.ID)
		for _, s := range by {
			s.open--
			s.settle()
		}
	}
	return len(l.listed) == 0
}

// completed tells that the comparison with a peer which began at some time has come to its end.
func (l *ledger) completed(p peer.ID, began time.Duration) {
	if s := l.peers[p]; s != nil {
		s.compared = max(s.compared, began)
		s.settle()
	}
}

// counted notes how many records a peer says that it has.
func (l *ledger) counted(p peer.ID, n uint64) {
	if s := l.peers[p]; s != nil {
		s.count = n
	}
}

// settle turns a completed comparison into an agreement when nothing that the peer listed is missing.
func (s *standing) settle() {
	if s.open == 0 {
		s.agreed = max(s.agreed, s.compared)
	}
}

// agrees reports whether a peer agreed when it was compared with last.
func (s *standing) agrees() bool { return s.agreed != notYet && s.open == 0 }

// agreeing counts the peers that agreed at or after a time, or at all.
func (l *ledger) agreeing(since time.Duration) (n int) {
	for _, s := range l.peers {
		if s.agrees() && s.agreed >= since {
			n++
		}
	}
	return n
}

// synced reports whether at least half of the peers, and at least one, agreed since a time, and nothing they listed is missing.
func (l *ledger) synced(since time.Duration) bool {
	n := l.agreeing(since)
	return n > 0 && 2*n >= len(l.peers) && len(l.listed) == 0
}

// newest is the time of the newest agreement, also with a peer that has left, or notYet.
func (l *ledger) newest() time.Duration {
	t := l.left
	for _, s := range l.peers {
		t = max(t, s.agreed)
	}
	return t
}

// largest is the greatest number of records that a peer has which lists some that are missing here.
func (l *ledger) largest() (n uint64) {
	for _, s := range l.peers {
		if s.open > 0 {
			n = max(n, s.count)
		}
	}
	return n
}
