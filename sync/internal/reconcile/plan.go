package reconcile

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/stream"
)

// planner decides with which peer this node's set is compared, and when. Like that of package fetch
// it is a pure state machine: messages and the time go in, actions come out by take; chance is
// injected. It is not safe for concurrent use. Times are durations since some start.
//
// A peer is compared with when it comes, and a second time when the gossip mesh has grown. It is
// also compared with when it is overdue (it failed, was busy, or a session was interrupted), soon
// after it found a difference, and on demand. Now and then a random peer is compared with. Of two
// peers that meet, the one with the smaller ID begins; the other waits to see whether it does.
//
// A session that turns out to be long asks for the lead; only one has it. Who does not get it
// waits, because the peers would most likely list the same records; all of them serve the fetches
// meanwhile. The lead goes round.
type planner struct {
	limits planLimits
	self   peer.ID
	chance *rand.Rand
	now    time.Duration
	out    []action
	ready  bool
	banned func(peer.ID) bool // asked at every tick, and of a peer that comes

	peers    []*peerState // in the order of their coming
	byPeer   map[peer.ID]*peerState
	absent   map[peer.ID]memory // what is remembered of peers that left
	sessions map[sessionID]*peerState
	last     sessionID
	leader   sessionID // 0: nobody leads
	ledSince time.Duration
	ledTo    time.Duration // when the last lead ended in good order
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
	retryMin, retryMax, leadTime, memoryTime, gap                      time.Duration
	newsGap, lateAfter                                                 time.Duration
}

func defaultLimits() planLimits {
	return planLimits{
		sessions: maxSessions, absent: maxAbsent,
		connectWait: connectWait, connectAgain: connectAgain, intervalMin: intervalMin, intervalMax: intervalMax, soon: againDelay, soonMax: soonMax,
		retryMin: pauseMin, retryMax: pauseMax, leadTime: leadTime, memoryTime: memoryTime, gap: demandGap, newsGap: newsGap, lateAfter: sessionTime,
	}
}

type sessionID uint64

// A action is what the driver has to do: compare or halt.
type action interface{ isAction() }

// compare begins a session of our own with a peer, above the bound to which the comparison begun at
// since has come. The driver answers with ended, exactly once.
type compare struct {
	session sessionID
	peer    peer.ID
	from    negentropy.Bound
	since   time.Duration
	partial bool // what the peer listed below that bound may not have come
}

// halt asks a session to end after the round it is in.
type halt struct{ session sessionID }

func (compare) isAction() {}
func (halt) isAction()    {}

// result says how a session ended.
type result int

const (
	resultEqual       result = iota // all was compared, and nothing differed
	resultDiffering                 // all was compared, and something differed
	resultInterrupted               // by us: no room, no lead, or enough rounds
	resultCut                       // the stream broke after at least one round
	resultBusy                      // the peer cannot compare now, and said so
	resultFailed                    // no answer, or too late
	resultViolation                 // the peer broke the protocol
)

var resultNames = [...]string{"equal", "differing", "interrupted", "cut", "busy", "failed", "guilty"}

func (e result) String() string { return resultNames[e] }

// outcome is what came of a session of our own.
type outcome struct {
	result result
	done   negentropy.Bound // all below it is compared
	listed int              // records that were unknown here
}

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
	banned    bool          // as of the last tick
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
	if a.leader != 0 && a.now >= a.ledSince+a.limits.leadTime && a.leadIsWanted() {
		a.out = append(a.out, halt{a.leader})
		a.ledSince = a.now // said once in that time
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

// demand has every peer compared with that was not since now.
func (a *planner) demand() { a.demanded = a.now }

// caughtUp tells that all has come that peers listed. Gossip passes on nothing of it, and some
// peers may not reach the node that had it. They are compared with soon, so after a heal what one
// node found goes on from node to node.
func (a *planner) caughtUp() { a.news = true }

// compareSoon has all peers compared with soon, as after catching up.
func (a *planner) compareSoon() { a.news = true }

// served tells of a session of the peer's that ended here: whether it found a difference, or the
// sets equal.
func (a *planner) served(id peer.ID, differed, equal bool) {
	p := a.byPeer[id]
	if p == nil {
		return
	}
	switch {
	case differed:
		// it has what we lack, or we have what it lacks; it is known to the peer, and not to us
		a.interval = a.limits.intervalMin
		a.randomAt = min(a.randomAt, a.now+a.jitter(a.interval))
		if p.session == 0 {
			p.due = min(p.due, a.now+stream.BackOff(a.limits.soon, a.limits.soonMax, p.fruitless))
		}
	case equal:
		fresh := max(p.fresh, sentAt(a.now))
		a.agreed(p, a.now)
		p.fresh = fresh
		if !p.waits && p.from == (negentropy.Bound{}) && p.session == 0 {
			p.due = never
		}
	}
}

// sentAt is when a message was written at the earliest that came now: older ones were given up by
// who sent them.
func sentAt(now time.Duration) time.Duration { return max(0, now-stream.ItemTime) }

// agreed notes a comparison with a peer that found nothing and began at some time.
func (a *planner) agreed(p *peerState, began time.Duration) {
	p.fruitless = 0
	a.completed(p, began)
}

func (a *planner) completed(p *peerState, began time.Duration) {
	p.fresh, p.compared, p.failures = began, true, 0
	if began >= p.came+a.limits.connectAgain {
		p.again = never
	}
}

// deepen tells that a session is a long one, and reports whether it may go on: whether it leads.
func (a *planner) deepen(id sessionID) bool {
	p := a.sessions[id]
	if p == nil || a.leader != 0 && a.leader != id {
		return false
	}
	if a.leader == 0 {
		a.leader, a.ledSince = id, a.now
	}
	return true
}

// leadIsWanted reports whether somebody waits for the lead.
func (a *planner) leadIsWanted() bool {
	return slices.ContainsFunc(a.peers, func(p *peerState) bool { return p.waits && !p.banned && p.pausedTo <= a.now })
}

// begin begins the sessions that are due, as many as may be.
func (a *planner) begin() {
	for len(a.sessions) < a.limits.sessions {
		p := a.next()
		if p == nil {
			return
		}
		a.last++
		a.sessions[a.last] = p
		if p.from == (negentropy.Bound{}) {
			p.since, p.lost = a.now, false
		}
		p.session, p.began, p.due = a.last, a.now, never
		a.out = append(a.out, compare{session: a.last, peer: p.id, from: p.from, since: p.since, partial: p.lost})
		if p.waits { // it is long; that nobody else leads was seen to
			p.waits = false
			a.deepen(a.last)
		}
	}
}

// next returns the peer whose session is due the longest, or, where several are demanded, the
// longest ago. Who had the lead and lost it is due from then on, so the lead goes round.
func (a *planner) next() *peerState {
	var first *peerState
	for _, p := range a.peers {
		if a.isDue(p) && (first == nil || cmp.Or(cmp.Compare(p.due, first.due), cmp.Compare(p.began, first.began)) < 0) {
			first = p
		}
	}
	return first
}

func (a *planner) isDue(p *peerState) bool {
	switch {
	case p.session != 0 || p.banned || p.pausedTo > a.now:
		return false
	case a.isOpen(p.id): // from before it went and came again: how far it has come is known soon
		return false
	case p.waits && (a.leader != 0 || a.backlog && a.now < a.ledTo+a.limits.leadTime):
		return false // it would list what is on its way once more
	case p.due <= a.now:
		return true
	}
	return a.demanded >= 0 && (!p.compared || p.fresh < a.demanded) && a.now >= p.began+a.limits.gap
}

func (a *planner) isOpen(id peer.ID) bool {
	for _, p := range a.sessions {
		if p.id == id {
			return true
		}
	}
	return false
}

// ended tells what came of a session of our own.
func (a *planner) ended(id sessionID, o outcome) {
	p := a.sessions[id]
	if p == nil {
		return
	}
	delete(a.sessions, id)
	led := a.leader == id
	if led {
		a.leader = 0
		if o.result <= resultInterrupted { // one that failed is replaced at once
			a.ledTo = a.now
		}
	}
	p.session = 0
	random := p.random
	p.random = false
	a.setInterval(o, random)
	a.planNext(p, o, led)
	switch now := a.byPeer[p.id]; {
	case now == nil: // it went; what is known of it may have changed
		a.remember(p)
	case now == p:
	case o.result == resultViolation: // and came again
		a.forget(now)
	case p.from.Compare(now.from) > 0:
		now.from, now.since = p.from, p.since
	}
}

// setInterval slows random comparisons down while they find nothing.
func (a *planner) setInterval(o outcome, random bool) {
	switch {
	case o.result == resultEqual && random:
		a.interval = min(2*a.interval, a.limits.intervalMax)
		a.randomAt = max(a.randomAt, a.now+a.jitter(a.interval))
	case o.result == resultDiffering || o.listed > 0:
		a.interval = a.limits.intervalMin
		a.randomAt = min(a.randomAt, a.now+a.jitter(a.interval))
	}
}

// planNext plans the next session with a peer by what came of this one.
func (a *planner) planNext(p *peerState, o outcome, led bool) {
	if o.listed > 0 {
		p.fruitless = 0
	}
	progress := o.listed > 0 || o.done.Compare(p.from) > 0
	if o.done.Compare(p.from) > 0 {
		p.from = o.done
	}
	switch o.result {
	case resultEqual, resultDiffering:
		since := p.since
		p.from, p.since = negentropy.Bound{}, 0
		if p.lost { // it says nothing of what was listed before the peer went
			p.due = a.now
			return
		}
		if o.result == resultEqual {
			a.agreed(p, since)
			return
		}
		if o.listed == 0 {
			p.fruitless++
		}
		a.completed(p, since)
	case resultInterrupted:
		p.failures = 0
		p.waits = led && a.leadIsWanted() || a.leader != 0
		p.due = a.now + a.limits.soon
		if p.waits {
			p.due = a.now
		}
	case resultCut, resultBusy, resultFailed: // relays cut; what was compared stays
		if progress {
			p.failures = 0
		}
		a.retry(p, p.failures)
		p.failures++
	case resultViolation:
		a.forget(p)
	}
}

func (a *planner) retry(p *peerState, times int) {
	p.pausedTo = max(p.pausedTo, a.now+stream.BackOff(a.limits.retryMin, a.limits.retryMax, times))
	p.due = p.pausedTo
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
