package lfsync

import (
	"container/heap"
	"maps"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// scheduler decides which peer is asked for which wanted record, and when. It is a pure state machine: messages and
// the time go in, actions come out by take; it has no goroutine, no clock and does no I/O. It is not safe for
// concurrent use. Times are durations since some start.
//
// A wanted record is ready (any peer may be asked), asked (one peer is), or waiting (until a time). Ready records
// stand in one queue; each peer reads it with a cursor of its own, so a record that a peer is known to lack is passed
// over once and not looked at again.
type scheduler struct {
	limits schedulerLimits
	now    time.Duration
	out    []action

	wanted   map[protocol.ID]*want
	waiting  waitHeap
	queue    []*want // ready records in the order of seq; nil where one was taken
	base     uint64  // the seq of queue[0]
	ready    int     // how many of queue are not nil
	overflow bool    // something was dropped since the last refill
	dropped  uint64

	peers    []*peerState // in the order of their coming
	byPeer   map[peer.ID]*peerState
	turn     int // where the next assignment begins, so that no peer is always first
	requests map[requestID]*request
	lastReq  requestID
	grudges  map[peer.ID]time.Duration // until when guilty peers that left are left alone

	refillAt, tipsAt time.Duration
}

// schedulerLimits are the numbers of limits.go, here so that tests can make them small.
type schedulerLimits struct {
	wanted, requests, perPeer, batch, minBatch, ancestors, rounds int
	requestTime, retryMin, retryMax, pauseMin, pauseMax           time.Duration
	faultPause, tipsEvery, tipsAgain, refillEvery                 time.Duration
}

func defaultSchedulerLimits() schedulerLimits {
	return schedulerLimits{
		wanted: maxWanted, requests: maxRequests, perPeer: maxPerPeer, batch: maxAsked, minBatch: minBatch,
		ancestors: maxAncestors, rounds: maxRounds,
		requestTime: requestTime, retryMin: retryMin, retryMax: retryMax, pauseMin: pauseMin, pauseMax: pauseMax,
		faultPause: faultPause, tipsEvery: tipsEvery, tipsAgain: tipsAgain, refillEvery: refillEvery,
	}
}

type requestID uint64

// An action is what the driver has to do: ask, cancel or refill.
type action interface{ isAction() }

// ask sends a request to a peer: for records and so many of their ancestors, or for its tips where ids is empty. The
// driver answers with done, exactly once, unless the request was canceled.
type ask struct {
	request   requestID
	peer      peer.ID
	ids       []protocol.ID
	ancestors int
	depth     int // of what the answer reveals as missing
}

// cancel ends a request that took too long; its answer does not count any more.
type cancel struct{ request requestID }

// refill asks for up to limit of the store's missing records, by want.
type refill struct{ limit int }

func (ask) isAction()    {}
func (cancel) isAction() {}
func (refill) isAction() {}

// fault says how a request ended.
type fault int

const (
	faultNone   fault = iota // answered, perhaps in part
	faultFailed              // no answer, or it broke off before the first item: nobody's guilt
	faultGuilty              // an answer that no correct peer gives
)

// answer is what came of a request. What the request named and no list here does is asked again.
type answer struct {
	got     []protocol.ID // here now, or never to be wanted again
	lacking []protocol.ID // the peer does not have them
	later   []protocol.ID // they came, and could not be stored now
	fault   fault
}

type wantState uint8

const (
	stateReady wantState = iota + 1
	stateAsked
	stateWaiting
)

// want is one wanted record.
type want struct {
	id      protocol.ID
	state   wantState
	have    bool                // it came while it was asked for
	parked  bool                // it waits because every peer lacks it
	hint    *peerState          // who most likely has it
	depth   int                 // how many links back from what gossip brought: it tells how many ancestors to ask for
	rounds  int                 // how often no peer had it
	lacking map[*peerState]bool // the peers that said so
	seq     uint64              // place in the queue, when ready
	wakeAt  time.Duration       // when waiting
	index   int                 // in the heap, when waiting
}

// peerState is a connected peer that speaks the fetch protocol.
type peerState struct {
	id       peer.ID
	inFlight int
	cursor   uint64  // ready records before it were seen: the peer lacks them
	hinted   []*want // what this peer most likely has
	failures int
	pausedTo time.Duration
	guilty   bool // of the pause
	wantTips bool
	tipsAt   time.Duration // when it was last asked
	againAt  time.Duration // when to ask it a second time, 0 when that was done
}

type request struct {
	peer     *peerState
	wants    []*want
	tips     bool
	deadline time.Duration
}

func newScheduler(l schedulerLimits) *scheduler {
	return &scheduler{
		limits:   l,
		wanted:   make(map[protocol.ID]*want),
		byPeer:   make(map[peer.ID]*peerState),
		requests: make(map[requestID]*request),
		grudges:  make(map[peer.ID]time.Duration),
		tipsAt:   l.tipsEvery,
	}
}

// take returns the actions that came up since the last call.
func (s *scheduler) take() []action {
	s.assign()
	out := s.out
	s.out = nil
	return out
}

// tick tells the time.
func (s *scheduler) tick(now time.Duration) {
	s.now = max(s.now, now)
	for len(s.waiting) > 0 && s.waiting[0].wakeAt <= s.now {
		w := s.waiting[0]
		clear(w.lacking)
		s.makeReady(w)
	}
	s.expire()
	for _, p := range s.peers {
		if p.againAt > 0 && p.againAt <= s.now {
			p.wantTips, p.againAt = true, 0
		}
	}
	if s.now >= s.tipsAt {
		maps.DeleteFunc(s.grudges, func(_ peer.ID, to time.Duration) bool { return to <= s.now })
		s.tipsAt = s.now + s.limits.tipsEvery
		s.remindTips()
	}
	if s.now >= s.refillAt || s.overflow && len(s.wanted) <= s.limits.wanted/2 {
		s.refillAt, s.overflow = s.now+s.limits.refillEvery, false
		s.out = append(s.out, refill{limit: s.limits.wanted})
	}
}

// expire gives up the requests that took too long.
func (s *scheduler) expire() {
	for id := s.firstRequest(); id <= s.lastReq; id++ {
		if r, ok := s.requests[id]; ok && r.deadline <= s.now {
			s.out = append(s.out, cancel{request: id})
			s.finish(id, answer{fault: faultFailed})
		}
	}
}

// firstRequest is the oldest request under way. Requests are few and short, so their IDs are close together, and
// going through them in order makes the machine's output a function of its input.
func (s *scheduler) firstRequest() requestID {
	first := s.lastReq + 1
	for id := range s.requests {
		first = min(first, id)
	}
	return first
}

// remindTips has the peer that was not asked for the longest time asked for its tips.
func (s *scheduler) remindTips() {
	var oldest *peerState
	for _, p := range s.peers {
		if !p.wantTips && (oldest == nil || p.tipsAt < oldest.tipsAt) {
			oldest = p
		}
	}
	if oldest != nil {
		oldest.wantTips = true
	}
}

// peerUp tells of a connected peer that speaks the protocol.
func (s *scheduler) peerUp(id peer.ID) {
	if s.byPeer[id] != nil {
		return
	}
	p := &peerState{id: id, wantTips: true, tipsAt: s.now, againAt: s.now + s.limits.tipsAgain, pausedTo: s.grudges[id]}
	delete(s.grudges, id)
	s.peers, s.byPeer[id] = append(s.peers, p), p
	for _, w := range s.waiting.inOrder() {
		if w.parked { // this one may have it
			s.makeReady(w)
		}
	}
}

// peerDown tells that a peer is gone; so are its requests.
func (s *scheduler) peerDown(id peer.ID) {
	p := s.byPeer[id]
	if p == nil {
		return
	}
	delete(s.byPeer, id)
	if p.guilty && p.pausedTo > s.now && len(s.grudges) < s.limits.wanted {
		s.grudges[id] = p.pausedTo // coming again does not end it
	}
	for i := range s.peers {
		if s.peers[i] == p {
			s.peers = append(s.peers[:i], s.peers[i+1:]...)
			break
		}
	}
	for req := s.firstRequest(); req <= s.lastReq; req++ {
		if r, ok := s.requests[req]; ok && r.peer == p {
			s.out = append(s.out, cancel{request: req})
			s.finish(req, answer{fault: faultFailed})
		}
	}
	for _, w := range append([]*want(nil), s.queue...) {
		if w != nil {
			delete(w.lacking, p)
			s.parkIfHopeless(w)
		}
	}
	for _, w := range s.waiting {
		delete(w.lacking, p)
	}
}

// want asks for records that are missing. from, where not empty, is who most likely has them; depth tells how deep in
// the past they are; delay is how long to wait for them to come by themselves.
func (s *scheduler) want(ids []protocol.ID, from peer.ID, depth int, delay time.Duration) {
	for _, id := range ids {
		w := s.wanted[id]
		if w == nil {
			if w = s.newWant(id, depth, delay); w == nil {
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

func (s *scheduler) newWant(id protocol.ID, depth int, delay time.Duration) *want {
	if len(s.wanted) >= s.limits.wanted && !s.makeRoom() {
		s.dropped++
		s.overflow = true
		return nil
	}
	w := &want{id: id, depth: depth}
	s.wanted[id] = w
	if delay > 0 {
		s.wait(w, delay)
	} else {
		s.enqueue(w)
	}
	return w
}

// makeRoom forgets the record that every peer lacks and that would be asked for last: what nobody has must not keep out
// what somebody may have.
func (s *scheduler) makeRoom() bool {
	var last *want
	for _, w := range s.waiting {
		if w.parked && (last == nil || last.before(w)) {
			last = w
		}
	}
	if last != nil {
		s.forget(last)
		s.dropped++
	}
	return last != nil
}

// hint notes that a peer most likely has a record, which is news where it said otherwise.
func (s *scheduler) hint(w *want, p *peerState) {
	if w.lacking[p] {
		delete(w.lacking, p)
		if w.parked {
			s.makeReady(w)
		}
	}
	w.hint = p
	if w.state == stateReady {
		s.putHint(w)
	}
}

// putHint puts a ready record before the peer that most likely has it.
func (s *scheduler) putHint(w *want) {
	if p := w.hint; p != nil && s.byPeer[p.id] == p && len(p.hinted) < s.limits.wanted {
		p.hinted = append(p.hinted, w)
	}
}

// have tells that records are here, however they came.
func (s *scheduler) have(ids []protocol.ID) {
	for _, id := range ids {
		switch w := s.wanted[id]; {
		case w == nil:
		case w.state == stateAsked:
			w.have = true // who is asked stays known: nothing is asked for twice at a time
		default:
			s.forget(w)
		}
	}
}

// done tells what came of a request. A canceled request's answer is ignored; what it brought is told by have.
func (s *scheduler) done(id requestID, a answer) {
	if s.requests[id] != nil {
		s.finish(id, a)
	}
}

func (s *scheduler) finish(id requestID, a answer) {
	r := s.requests[id]
	delete(s.requests, id)
	r.peer.inFlight--
	s.judge(r, a)
	for _, w := range r.wants {
		s.release(w)
	}
	for _, id := range a.got {
		s.ifReady(id, s.forget)
	}
	for _, id := range a.later {
		s.ifReady(id, s.retryLater)
	}
	for _, id := range a.lacking {
		s.ifReady(id, func(w *want) {
			if w.lacking == nil {
				w.lacking = make(map[*peerState]bool)
			}
			if s.byPeer[r.peer.id] == r.peer {
				w.lacking[r.peer] = true
			}
			s.parkIfHopeless(w)
		})
	}
}

// release makes a record ready that was asked for, or forgets it if it came meanwhile.
func (s *scheduler) release(w *want) {
	if w.state != stateAsked {
		return
	}
	s.enqueue(w)
	if w.have {
		s.forget(w)
	}
}

func (s *scheduler) ifReady(id protocol.ID, do func(*want)) {
	if w := s.wanted[id]; w != nil && w.state == stateReady {
		do(w)
	}
}

// judge pauses a peer that failed, and trusts one again that answered.
func (s *scheduler) judge(r *request, a answer) {
	p := r.peer
	switch {
	case a.fault == faultGuilty:
		p.pausedTo, p.guilty = s.now+s.limits.faultPause, true
		p.hinted = nil
	case a.fault == faultFailed:
		p.pausedTo = max(p.pausedTo, s.now+backOff(s.limits.pauseMin, s.limits.pauseMax, p.failures))
		p.failures++
		p.wantTips = p.wantTips || r.tips
	default:
		p.failures = 0
	}
}

// parkIfHopeless lets a ready record wait that every peer lacks.
func (s *scheduler) parkIfHopeless(w *want) {
	for _, p := range s.peers {
		if !w.lacking[p] {
			return
		}
	}
	if len(s.peers) > 0 {
		s.retryLater(w)
		w.parked = true
	}
}

// retryLater lets a record wait, longer each time, and forgets it in the end.
func (s *scheduler) retryLater(w *want) {
	if w.rounds++; w.rounds > s.limits.rounds {
		s.forget(w)
		s.dropped++
		return
	}
	s.wait(w, backOff(s.limits.retryMin, s.limits.retryMax, w.rounds-1))
}

// backOff doubles from least up to most.
func backOff(least, most time.Duration, times int) time.Duration {
	for ; times > 0 && least < most; times-- {
		least *= 2
	}
	return min(least, most)
}

// forget takes a record that is not asked for out of the wanted ones.
func (s *scheduler) forget(w *want) {
	s.detach(w)
	delete(s.wanted, w.id)
	w.state = 0
}

func (s *scheduler) wait(w *want, delay time.Duration) {
	s.detach(w)
	w.state, w.wakeAt = stateWaiting, s.now+delay
	heap.Push(&s.waiting, w)
}

func (s *scheduler) makeReady(w *want) {
	s.detach(w)
	s.enqueue(w)
}

// detach takes a record out of the structure that its state puts it in.
func (s *scheduler) detach(w *want) {
	switch w.state {
	case stateReady:
		s.dequeue(w)
	case stateWaiting:
		heap.Remove(&s.waiting, w.index)
	}
}
