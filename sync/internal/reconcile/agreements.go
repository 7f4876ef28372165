package reconcile

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// agreements keeps which connected peer agreed when, and which records they listed that are not
// attached here yet. It is pure, like the planner. It is not safe for concurrent use. Times are
// durations since some start.
//
// A peer agreed at t when a comparison begun at t was completed and what it listed in it has become
// attached. Then this node has all that the peer had at t and that the clock lets in. What came to
// be since is gossip's, and the next comparison's.
//
// An agreement ends in one of three cases, for else a node that is kept from comparing would call
// itself in sync forever:
//
//   - a comparison with the peer was due and did not finish;
//   - the peer's surplus over this node's records grew since the last finished comparison, and this
//     node did not catch up. A surplus that stays is what lies above the bound of the comparison;
//   - no comparison finished for so long that several were due even in a quiet network.
type agreements struct {
	peers  map[peer.ID]*peerAgreement
	listed map[protocol.ID][]listing // not attached here, with the peers that listed it
	// the newest agreement with a peer that has left since, or notYet
	left time.Duration

	now     time.Duration
	own     uint64        // how many records are attached here
	slowest time.Duration // between comparisons with random peers
}

// peerAgreement is how a peer's set stood to ours.
type peerAgreement struct {
	peer     peer.ID
	agreed   time.Duration // when it agreed last, or notYet
	compared time.Duration // when the comparison began that was completed last, or notYet
	finished time.Duration // when that was
	open     int           // how many records it listed that are not attached here
	withheld map[protocol.ID]bool
	count    uint64 // how many records it said it has

	unfinished bool // a comparison was due since, and did not finish
	// how many of its records were above the bound when it was compared last
	ahead  uint64
	behind time.Duration // since when its surplus has grown beyond that, or notYet
}

// listing is a peer's word that it has a record attached.
type listing struct {
	by     *peerAgreement
	within negentropy.Interval // the timestamps that the record can have where the peer listed it
}

const notYet time.Duration = -1

func newAgreements() *agreements {
	return &agreements{
		peers: make(map[peer.ID]*peerAgreement), listed: make(map[protocol.ID][]listing), left: notYet, slowest: intervalMax,
	}
}

// tell tells the time, and how many records are attached here.
func (l *agreements) tell(now time.Duration, own uint64) { l.now, l.own = max(l.now, now), own }

// peerUp tells of a peer that can be compared with.
func (l *agreements) peerUp(p peer.ID) {
	if l.peers[p] == nil {
		l.peers[p] = &peerAgreement{peer: p, agreed: notYet, compared: notYet, behind: notYet}
	}
}

// leave forgets a peer that left, but not when it agreed last: that was so.
func (l *agreements) leave(p peer.ID) {
	if s := l.peers[p]; s != nil {
		l.left = max(l.left, s.agreed)
	}
	l.drop(p)
}

// drop forgets a peer that left or is not to be believed, and what only it listed.
func (l *agreements) drop(p peer.ID) {
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

// list notes records that a peer has and that are not attached here. Within has for each of them
// the timestamps that it can have where the peer listed it; nil: any.
func (l *agreements) list(p peer.ID, ids []protocol.ID, within []negentropy.Interval) {
	s := l.peers[p]
	if s == nil {
		return
	}
	for i, id := range ids {
		by := l.listed[id]
		if indexOf(by, s) >= 0 || s.withheld[id] { // listing it again makes it no more available
			continue
		}
		claim := listing{by: s, within: negentropy.Anytime}
		if within != nil {
			claim.within = within[i]
		}
		l.listed[id] = append(by, claim)
		s.open++
	}
}

func indexOf(by []listing, s *peerAgreement) int {
	return slices.IndexFunc(by, func(claim listing) bool { return claim.by == s })
}

// open is how many records a peer listed that are not attached here.
func (l *agreements) open(p peer.ID) int {
	if s := l.peers[p]; s != nil {
		return s.open
	}
	return 0
}

// unlist takes back what a peer listed: it is here, or the peer is not asked for it.
func (l *agreements) unlist(p peer.ID, ids []protocol.ID) {
	if s := l.peers[p]; s != nil {
		for _, id := range ids {
			l.strike(id, s)
		}
	}
}

// withhold notes that a peer has records which it listed and cannot send them now. They do not
// count as missing any more, for else invented ones would keep this node out of sync. The agreement
// with that peer alone stays open until they are here. It returns how many records the peer
// withholds.
func (l *agreements) withhold(p peer.ID, ids []protocol.ID) int {
	s := l.peers[p]
	if s == nil {
		return 0
	}
	for _, id := range ids {
		if indexOf(l.listed[id], s) < 0 {
			continue
		}
		if s.withheld == nil {
			s.withheld = make(map[protocol.ID]bool)
		}
		s.withheld[id] = true
		l.strike(id, s)
	}
	return len(s.withheld)
}

// missingListed counts those of the records that a peer had listed.
func (l *agreements) missingListed(p peer.ID, ids []protocol.ID) (n int) {
	s := l.peers[p]
	if s == nil {
		return 0
	}
	for _, id := range ids {
		if indexOf(l.listed[id], s) >= 0 {
			n++
		}
	}
	return n
}

// strike takes one peer out of those that listed a record.
func (l *agreements) strike(id protocol.ID, s *peerAgreement) {
	by := l.listed[id]
	i := indexOf(by, s)
	if i < 0 {
		return
	}
	if len(by) == 1 {
		delete(l.listed, id)
	} else {
		l.listed[id] = slices.Delete(by, i, i+1)
	}
	s.open--
	s.settle()
}

// attached tells what has become attached here. It reports whether the last of what peers listed
// was among it, and which peers listed a record where it does not belong.
func (l *agreements) attached(items []intake.Item) (all bool, violators []peer.ID) {
	for _, s := range l.peers {
		if len(s.withheld) > 0 {
			for _, item := range items {
				delete(s.withheld, item.ID)
			}
			s.settle()
		}
	}
	if len(l.listed) == 0 {
		return false, nil
	}
	violators = l.dismiss(items)
	return len(l.listed) == 0, violators
}

// dismiss strikes records from all listings: they are attached, or must be refused, or the clock
// does not let them in yet. It returns the peers that listed a record where it does not belong.
func (l *agreements) dismiss(items []intake.Item) (violators []peer.ID) {
	for _, item := range items {
		by := l.listed[item.ID]
		delete(l.listed, item.ID)
		for _, claim := range by {
			claim.by.open--
			claim.by.settle()
			if !claim.within.Has(item.Timestamp) && !slices.Contains(violators, claim.by.peer) {
				violators = append(violators, claim.by.peer)
			}
		}
	}
	return violators
}

// completed tells that the comparison with a peer which began at some time has come to its end.
// Ahead is how many records the peer has above the bound.
func (l *agreements) completed(p peer.ID, began time.Duration, ahead uint64) {
	if s := l.peers[p]; s != nil {
		s.compared = max(s.compared, began)
		s.finished, s.unfinished = l.now, false
		s.ahead, s.behind = ahead, notYet
		s.settle()
	}
}

// unfinished tells that a comparison with a peer was due and did not finish.
func (l *agreements) unfinished(p peer.ID) {
	if s := l.peers[p]; s != nil {
		s.unfinished = true
	}
}

// counted notes how many records a peer says that it has, and returns its surplus.
func (l *agreements) counted(p peer.ID, n uint64) uint64 {
	s := l.peers[p]
	if s == nil {
		return 0
	}
	if caughtUp := s.surplus(l.own) == 0; caughtUp {
		s.behind = notYet
	}
	s.count = n
	if s.surplus(l.own) > 0 && s.behind == notYet {
		s.behind = l.now
	}
	return s.surplus(l.own)
}

// surplus is how many records a peer has more than this node, not counting those that were above
// the bound.
func (s *peerAgreement) surplus(own uint64) uint64 {
	if s.count <= s.ahead || s.count-s.ahead <= own {
		return 0
	}
	return s.count - s.ahead - own
}

// lags reports whether a peer's surplus has grown and this node did not catch up.
func (l *agreements) lags(s *peerAgreement) bool {
	return s.compared != notYet && s.behind != notYet && l.now-s.behind >= catchUpTime && s.surplus(l.own) > 0
}

// settle turns a completed comparison into an agreement when nothing that the peer listed is
// missing.
func (s *peerAgreement) settle() {
	if s.open == 0 && len(s.withheld) == 0 {
		s.agreed = max(s.agreed, s.compared)
	}
}

// agrees reports whether a peer agreed when it was compared with last, and that still counts.
func (l *agreements) agrees(s *peerAgreement) bool {
	return s.agreed != notYet && s.open == 0 && len(s.withheld) == 0 && !s.unfinished && !l.lags(s) && l.now-s.finished <= l.keep()
}

// keep is how long an agreement counts: in a quiet network random peers are compared with, at the
// slowest interval.
func (l *agreements) keep() time.Duration { return 3 * time.Duration(max(1, len(l.peers))) * l.slowest }

// agreeing counts the peers that agreed at or after a time, or at all.
func (l *agreements) agreeing(since time.Duration) (n int) {
	for _, s := range l.peers {
		if l.agrees(s) && s.agreed >= since {
			n++
		}
	}
	return n
}

// synced reports whether at least half of the peers, and at least one, agreed since a time, and
// nothing they listed is missing.
func (l *agreements) synced(since time.Duration) bool {
	n := l.agreeing(since)
	return n > 0 && 2*n >= len(l.peers) && len(l.listed) == 0
}

// newest is the time of the newest agreement, also with a peer that has left, or notYet.
func (l *agreements) newest() time.Duration {
	t := l.left
	for _, s := range l.peers {
		t = max(t, s.agreed)
	}
	return t
}

// largest is the greatest number of records that a peer has which lists some that are missing here.
func (l *agreements) largest() (n uint64) {
	for _, s := range l.peers {
		if s.open > 0 && s.count > s.ahead {
			n = max(n, s.count-s.ahead)
		}
	}
	return n
}

// ahead returns how many peers hold records above the bound of the last comparison, and how many
// these hold. That is the median, because one peer may say anything.
func (l *agreements) ahead() (peers int, records uint64) {
	var all []uint64
	for _, s := range l.peers {
		if s.ahead > 0 {
			all = append(all, s.ahead)
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return len(all), all[(len(all)-1)/2]
}
