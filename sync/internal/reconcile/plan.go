package reconcile

import (
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// planner decides with which peer this node's set is compared, and when. Like that of package fetch
// it is a pure state machine: messages and the time go in, actions come out by take; chance is
// injected. It is not safe for concurrent use. Times are durations since some start.
//
// A peer is compared with when it comes, and a second time when the gossip mesh has grown. It is
// also compared with soon after it found a difference, on demand, and when it is overdue: it
// failed, was busy, or a session was interrupted. Now and then a random peer is compared with. Of
// two peers that meet, the one with the smaller ID begins; the other waits to see whether it does.
//
// A session that turns out to be long asks for the lead; only one has it. A session without the
// lead waits, because its peer would most likely list the same records. All peers serve the fetches
// meanwhile. The lead goes round.
type planner struct {
	limits planLimits
	self   peer.ID
	chance *rand.Rand
	now    time.Duration
	out    []action
	ready  bool
	banned func(peer.ID) bool // asked at every tick, and of a peer that comes or broke the protocol

	peers    []*peerState // in the order of their coming
	byPeer   map[peer.ID]*peerState
	absent   map[peer.ID]memory // what is remembered of peers that left
	sessions map[sessionID]*peerState
	last     sessionID
	leader   sessionID // 0: nobody leads
	halted   sessionID // the last leader that was asked to end, or 0
	ledSince time.Duration
	ledTo    time.Duration // when the last lead ended in good order
	goesOn   *peerState    // who goes on where it was interrupted
	bore     time.Duration // when what was listed came last, or the last lead began
	backlog  bool          // much of what was listed is still on its way

	interval time.Duration // between comparisons with random peers
	randomAt time.Duration // when the next is
	demanded time.Duration // every peer is to be compared with once after this
	news     bool          // what peers listed has come, and the others are to be told
	newsAt   time.Duration // when they may be
}

// planLimits are the numbers of limits.go, here so that tests can make them small.
type planLimits struct {
	sessions, absent                                                   int
	connectWait, connectAgain, intervalMin, intervalMax, soon, soonMax time.Duration
	retryMin, retryMax, leadTime, barrenTime, memoryTime, gap          time.Duration
	newsGap, lateAfter                                                 time.Duration
}

func defaultLimits() planLimits {
	return planLimits{
		sessions: maxSessions, absent: maxAbsent,
		connectWait: connectWait, connectAgain: connectAgain, intervalMin: intervalMin, intervalMax: intervalMax, soon: againDelay, soonMax: soonMax,
		retryMin: pauseMin, retryMax: pauseMax, leadTime: leadTime, barrenTime: barrenTime, memoryTime: memoryTime, gap: demandGap, newsGap: newsGap, lateAfter: sessionTime,
	}
}

const never = time.Duration(1<<63 - 1)

func newPlanner(l planLimits, self peer.ID, chance *rand.Rand) *planner {
	return &planner{
		limits: l, self: self, banned: func(peer.ID) bool { return false }, chance: chance, interval: l.intervalMin, randomAt: l.intervalMin, demanded: -1,
		byPeer: make(map[peer.ID]*peerState), absent: make(map[peer.ID]memory), sessions: make(map[sessionID]*peerState),
	}
}

// take returns the actions that came up since the last call.
func (a *planner) take() []action {
	if a.ready {
		a.begin()
	}
	out := a.out
	a.out = nil
	return out
}

// tick tells the time.
func (a *planner) tick(now time.Duration) {
	a.now = max(a.now, now)
	for _, p := range a.peers {
		p.banned = a.banned(p.id)
		if p.again <= a.now {
			p.due, p.again = min(p.due, a.now), never
		}
	}
	if a.now >= a.randomAt {
		a.drawRandom()
		a.randomAt = a.now + a.jitter(a.interval)
		a.forgetAbsent()
	}
	if a.news && a.now >= a.newsAt {
		a.news, a.newsAt = false, a.now+a.limits.newsGap
		a.demand()
	}
	if a.leader != a.halted && (a.now >= a.ledSince+a.limits.leadTime || a.isBarren()) && a.leadIsWanted() {
		a.out = append(a.out, halt{a.leader})
		a.halted = a.leader
	}
}

// rebuilt tells that this node's set is complete. Before, no session begins.
func (a *planner) rebuilt() { a.ready = true }

// drawRandom makes one of the peers due that nothing else is planned with. It prefers those that
// chance has passed over for long, so that agreements do not end in a quiet network.
func (a *planner) drawRandom() {
	var free, old []*peerState
	for _, p := range a.peers {
		if p.session == 0 && p.due == never && p.pausedTo <= a.now {
			free = append(free, p)
			if a.now-p.fresh >= 2*time.Duration(len(a.peers))*a.limits.intervalMax {
				old = append(old, p)
			}
		}
	}
	if len(old) > 0 {
		free = old
	}
	if len(free) > 0 {
		p := free[a.chance.IntN(len(free))]
		p.due, p.random = a.now, true
	}
}

// isLate reports whether a comparison with a peer is due for longer than one takes.
func (a *planner) isLate(p *peerState) bool {
	return a.ready && !p.banned && p.session == 0 && p.due != never && a.now-max(p.due, p.pausedTo) >= a.limits.lateAfter
}

// suspect has a peer compared with soon which seems to have more than it had.
func (a *planner) suspect(p *peerState) {
	if p.session == 0 {
		p.due = min(p.due, max(a.now, p.began+a.limits.soonMax/2))
	}
}

// jitter spreads a time by a quarter to both sides, so that nodes do not march in step.
func (a *planner) jitter(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(a.chance.Int64N(int64(d)/2+1))
}

// demand has every peer compared with that was not since now.
func (a *planner) demand() { a.demanded = a.now }

// came tells when records have come that peers listed.
func (a *planner) came(now time.Duration) { a.bore = now }

// caughtUp tells that all has come that peers listed. Gossip passes on nothing of it, and some
// peers may not reach the node that had it. They are compared with soon, so after a heal what one
// node found goes on from node to node.
func (a *planner) caughtUp() { a.news = true }

// compareSoon has all peers compared with soon, as after catching up.
func (a *planner) compareSoon() { a.news = true }
