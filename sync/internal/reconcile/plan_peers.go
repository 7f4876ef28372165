package reconcile

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/negentropy"
)

// peerState is a connected peer that speaks the protocol.
type peerState struct {
	memory
	id        peer.ID
	came      time.Duration
	session   sessionID // of our own under way
	began     time.Duration
	random    bool
	due       time.Duration // when to begin the next, or never
	again     time.Duration // when to compare a second time after it came, or never
	waits     bool          // for the lead
	fresh     time.Duration // when the last comparison began that was completed
	compared  bool          // there was one
	banned    bool          // as of the last tick or violation
	fruitless int           // how many comparisons in a row differed and brought nothing
}

// memory is what outlasts a peer's connection.
type memory struct {
	from     negentropy.Bound // of an interrupted comparison
	since    time.Duration    // when that began
	lost     bool             // it went while records that it had listed were missing
	failures int
	pausedTo time.Duration
	left     time.Duration
}

// peerUp tells of a connected peer that speaks the protocol.
func (a *planner) peerUp(id peer.ID) {
	if a.byPeer[id] != nil {
		return
	}
	p := &peerState{id: id, came: a.now, banned: a.banned(id), memory: a.recall(id), due: a.now, again: a.now + a.limits.connectAgain}
	if a.self > id { // the peer begins, and we if it does not
		p.due += a.limits.connectWait
		p.again += a.limits.connectWait
	}
	a.peers, a.byPeer[id] = append(a.peers, p), p
}

// recall takes back what is remembered of a peer.
func (a *planner) recall(id peer.ID) memory {
	m := a.absent[id]
	delete(a.absent, id)
	if a.now-m.left > a.limits.memoryTime {
		m.from, m.since = negentropy.Bound{}, 0
	}
	return m
}

// lose tells that records which a peer listed are missing, and that it is about to go: its listings
// go with it.
func (a *planner) lose(id peer.ID) {
	if p := a.byPeer[id]; p != nil {
		p.lost = true
	}
}

// peerDown tells that a peer is gone. A session with it still ends by ended.
func (a *planner) peerDown(id peer.ID) {
	p := a.byPeer[id]
	if p == nil {
		return
	}
	delete(a.byPeer, id)
	a.peers = slices.DeleteFunc(a.peers, func(o *peerState) bool { return o == p })
	a.remember(p)
}

func (a *planner) remember(p *peerState) {
	p.left = a.now
	if _, ok := a.absent[p.id]; ok || len(a.absent) < a.limits.absent {
		a.absent[p.id] = p.memory
	}
}

func (a *planner) forgetAbsent() {
	for id, m := range a.absent {
		if a.now-m.left > a.limits.memoryTime && m.pausedTo <= a.now {
			delete(a.absent, id)
		}
	}
}

// ban tells that a peer was banned: it is not compared with until that is over.
func (a *planner) ban(id peer.ID) {
	p := a.byPeer[id]
	if p == nil { // it went
		delete(a.absent, id)
		return
	}
	p.banned = true
	a.forget(p)
	if p.session != 0 {
		a.out = append(a.out, halt{p.session})
	}
}

// forget forgets how far comparing with a peer has come.
func (a *planner) forget(p *peerState) {
	p.memory = memory{}
	p.due, p.waits = a.now, false
}

// distrust forgets how far comparing with a peer has come that broke the protocol. What bans it has
// decided, and calls ban a moment later.
func (a *planner) distrust(p *peerState) {
	a.forget(p)
	p.banned = p.banned || a.banned(p.id)
}

// postpone compares with a peer no sooner than after a pause. What is known of it stays.
func (a *planner) postpone(id peer.ID, pause time.Duration) {
	p := a.byPeer[id]
	if p == nil { // it went, and is remembered
		p = &peerState{id: id, memory: a.absent[id]}
		defer a.remember(p)
	}
	p.pausedTo = max(p.pausedTo, a.now+pause)
	p.due = p.pausedTo
	if p.session != 0 {
		a.out = append(a.out, halt{p.session})
	}
}
