package fetch

import (
	"slices"
	"time"

	"github.com/lf-store/lf/internal/heap"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// planner decides which peer is asked for which wanted record, and when. It is a pure state
// machine: messages and the time go in, actions come out by take. It has no goroutine and no clock,
// and does no I/O. It is not safe for concurrent use. Times are durations since some start.
//
// A wanted record has one of four states. It is ready (any peer may be asked), asked (one peer is),
// came (on its way into the store), or waiting (until a time). Ready records stand in a queue in
// the order in which they were wanted. Each peer reads it with a cursor of its own. So a record
// that a peer is known to lack is passed over once and not looked at again. Before the queue go
// those that were asked for and not answered: others wait for them.
//
// There are two such lanes, for what peers listed and for what only pending records name
// (plan_named.go).
type planner struct {
	limits planLimits
	now    time.Duration
	// what comes waits for room here: requests take long, and it is not the peers' fault
	congested bool
	out       []action

	wanted   map[protocol.ID]*wanted
	counts   [kinds]int          // of them by kind
	waiting  *heap.Heap[*wanted] // by their time
	lanes    [2]lane             // ready records: kindListed's and kindNamed's
	strays   source              // who named what no connected peer is known to have named
	overflow bool                // something was dropped since the last refill
	unnamed  bool                // a name was, since the last call of takeUnnamed
	dropped  uint64
	// what others may wait for and will not come soon
	gone        []protocol.ID
	unavailable *lru.Cache[protocol.ID, time.Duration] // what was given up, and until when

	peers    []*peerState // in the order of their coming
	byPeer   map[peer.ID]*peerState
	turn     int // where the next assignment begins, so that no peer is always first
	requests map[requestID]*request
	lastReq  requestID
	// banned tells whether a peer is banned now. It is asked at every tick, and of a peer that
	// comes or broke the protocol.
	banned func(peer.ID) bool

	refilled time.Duration
	refillAt time.Duration
}

// planLimits are the numbers of limits.go, here so that tests can make them small.
type planLimits struct {
	wanted, named, namedEach, refill, requests, perPeer, batch, firstBatch, minBatch, ancestors, rounds, unavailable int

	requestTime, slowTime, fastTime, retryMin, retryMax, unavailableTime, pauseMin, pauseMax time.Duration
	refillEvery, refillGap                                                                   time.Duration
}

func defaultLimits() planLimits {
	return planLimits{
		wanted: MaxWanted, named: maxNamed, namedEach: maxNamedEach, refill: maxRefill, requests: maxRequests, perPeer: MaxPerPeer, batch: MaxAsked,
		firstBatch: firstBatch, minBatch: minBatch, ancestors: MaxAncestors, rounds: maxTries,
		unavailable: maxUnavailable,
		requestTime: requestTime, slowTime: slowTime, fastTime: fastTime, retryMin: retryMin, retryMax: retryMax,
		unavailableTime: unavailableTime, pauseMin: pauseMin, pauseMax: pauseMax,
		refillEvery: refillEvery, refillGap: refillGap,
	}
}

// peerState is a connected peer that speaks the fetch protocol.
type peerState struct {
	id       peer.ID
	failures int // in a row
	pausedTo time.Duration
	banned   bool // as of the last tick or violation
	inFlight int
	batch    int // how many records to ask it for at a time
	// how many answers in a row were mostly that it lacks what it was asked for
	misses   int
	missesTo time.Duration // until when it is only asked for what it most likely has
	cursor   [2]uint64     // by lane: ready records before it were seen: the peer lacks them
	hinted   [2][]*wanted  // by lane: what this peer most likely has
	source   source        // as who named what
	names    allowance     // for what this peer is asked that was only named
}

type request struct {
	peer     *peerState
	wants    []*wanted
	began    time.Duration
	deadline time.Duration
}

func newPlanner(l planLimits) *planner {
	return &planner{
		limits:      l,
		waiting:     heap.New((*wanted).before, func(w *wanted, to int) { w.index = to }),
		wanted:      make(map[protocol.ID]*wanted),
		unavailable: newCache(l.unavailable),
		byPeer:      make(map[peer.ID]*peerState),
		banned:      func(peer.ID) bool { return false },
		requests:    make(map[requestID]*request),
	}
}

// take returns the actions that came up since the last call.
func (s *planner) take() []action {
	s.assign()
	out := s.out
	s.out = nil
	if len(s.gone) > 0 {
		out = append(out, abandoned{ids: s.gone})
		s.gone = nil
	}
	return out
}

// tick tells the time.
func (s *planner) tick(now time.Duration) {
	passed := max(0, now-s.now)
	s.now += passed
	s.strays.full = false
	for _, p := range s.peers {
		p.source.full = false
	}
	for s.waiting.Len() > 0 && s.waiting.First().wakeAt <= s.now {
		w := s.waiting.First()
		clear(w.lacking)
		s.makeReady(w)
	}
	for _, p := range s.peers {
		p.banned = s.banned(p.id)
	}
	s.expire(passed)
	s.refillIfDue()
}

// isResting reports whether nothing is asked of a peer now.
func (s *planner) isResting(p *peerState) bool { return p.banned || p.pausedTo > s.now }

// refillIfDue asks for the store's missing records now and then, and sooner after something was
// dropped for which there is room again.
func (s *planner) refillIfDue() {
	limit := min(s.limits.refill, s.limits.named)
	if s.now < s.refillAt {
		limit = min(limit, s.strays.names.left(s.now))
		if !s.overflow || limit == 0 || s.counts[kindNamed] > s.limits.named/2 || s.now < s.refilled+s.limits.refillGap {
			return
		}
	}
	s.refilled, s.refillAt, s.overflow = s.now, s.now+s.limits.refillEvery, false
	s.out = append(s.out, refill{limit: limit})
}

// expire gives up the requests that took too long: sooner where another peer has nothing to do.
func (s *planner) expire(passed time.Duration) {
	for id := s.firstRequest(); id <= s.lastReq; id++ {
		r, ok := s.requests[id]
		switch {
		case !ok:
		case s.congested:
			r.began += passed
			r.deadline += passed
		case r.deadline <= s.now, s.now-r.began >= s.limits.slowTime && s.otherIsFree(r.peer):
			s.out = append(s.out, cancelRequest{request: id})
			s.finish(id, answer{result: resultFailed})
		}
	}
}

func (s *planner) otherIsFree(than *peerState) bool {
	return slices.ContainsFunc(s.peers, func(p *peerState) bool {
		return p != than && !s.isResting(p) && p.inFlight < s.limits.perPeer
	})
}

// firstRequest is the oldest request under way. Requests are few and short, so their IDs are close
// together. Going through them in order makes the machine's output a function of its input.
func (s *planner) firstRequest() requestID {
	first := s.lastReq + 1
	for id := range s.requests {
		first = min(first, id)
	}
	return first
}

// peerUp tells of a connected peer that speaks the protocol.
func (s *planner) peerUp(id peer.ID) {
	if s.byPeer[id] != nil {
		return
	}
	p := &peerState{id: id, batch: min(s.limits.batch, s.limits.firstBatch), banned: s.banned(id)}
	s.peers, s.byPeer[id] = append(s.peers, p), p
	for _, w := range s.waitingInOrder() {
		if w.parked { // this one may have it
			s.makeReady(w)
		}
	}
}

// peerDown tells that a peer is gone; so are its requests.
func (s *planner) peerDown(id peer.ID) {
	p := s.byPeer[id]
	if p == nil {
		return
	}
	delete(s.byPeer, id)
	s.peers = slices.DeleteFunc(s.peers, func(o *peerState) bool { return o == p })
	for req := s.firstRequest(); req <= s.lastReq; req++ {
		if r, ok := s.requests[req]; ok && r.peer == p {
			s.out = append(s.out, cancelRequest{request: req})
			s.finish(req, answer{result: resultFailed})
		}
	}
	for _, w := range s.wanted {
		delete(w.lacking, p)
		w.listers = slices.DeleteFunc(w.listers, func(o *peerState) bool { return o == p })
	}
	s.demote()
	s.parkUnavailable()
}

// done tells what came of a request. A canceled request's answer is ignored; what it brought is
// told by came.
func (s *planner) done(id requestID, a answer) {
	if s.requests[id] != nil {
		s.finish(id, a)
	}
}

func (s *planner) finish(id requestID, a answer) {
	r := s.requests[id]
	delete(s.requests, id)
	r.peer.inFlight--
	s.note(id, r, a)
	s.penalize(r, a)
	for _, w := range r.wants {
		if w.state == stateAsked && w.request == id {
			s.release(w)
		}
	}
	if s.isResting(r.peer) {
		s.parkUnavailable()
	}
}

// note notes what a peer said of the records that it was asked for.
func (s *planner) note(id requestID, r *request, a answer) {
	asked := func(ids []protocol.ID, do func(*wanted)) {
		for _, i := range ids {
			if w := s.wanted[i]; w != nil && w.state == stateAsked && w.request == id {
				do(w)
			}
		}
	}
	lacks := func(w *wanted) {
		if s.byPeer[r.peer.id] != r.peer {
			return
		}
		if w.lacking == nil {
			w.lacking = make(map[*peerState]bool)
		}
		w.lacking[r.peer] = true
	}
	asked(a.unclear, func(w *wanted) { w.wide = true })
	asked(a.pruned, lacks)
	asked(a.damaged, func(w *wanted) {
		lacks(w)
		s.unpromise(w, r.peer)
	})
	asked(a.lacking, lacks)
}

func newCache(size int) *lru.Cache[protocol.ID, time.Duration] {
	c, err := lru.New[protocol.ID, time.Duration](size)
	if err != nil {
		panic(err) // the sizes are above 0
	}
	return c
}
