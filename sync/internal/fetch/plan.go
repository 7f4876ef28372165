package fetch

import (
	"slices"
	"time"

	"github.com/lf-store/lf/internal/heap"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/stream"
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
// (share.go).
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
	// comes.
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

type requestID uint64

// An action is what the driver has to do.
type action interface{ isAction() }

// sendRequest sends a request to a peer: for records and a number of their ancestors. The driver
// answers with done, exactly once, unless the request was canceled.
type sendRequest struct {
	request   requestID
	peer      peer.ID
	ids       []protocol.ID
	wide      bool // names them in full
	ancestors int
	depth     int // of what the answer reveals as missing
}

// cancelRequest ends a request that took too long; its answer does not count any more.
type cancelRequest struct{ request requestID }

// refill asks for up to limit of the store's missing records, by want.
type refill struct{ limit int }

// abandoned tells what was wanted and will not come by itself, or came another way: nothing need
// wait for it.
type abandoned struct{ ids []protocol.ID }

func (sendRequest) isAction()   {}
func (cancelRequest) isAction() {}
func (refill) isAction()        {}
func (abandoned) isAction()     {}

// answer is what came of a request, apart from what came. What the request named, did not come and
// no list here has is asked again.
type answer struct {
	lacking []protocol.ID // the peer does not have them
	pruned  []protocol.ID // it has them without their values
	unclear []protocol.ID // their short names are not enough
	damaged []protocol.ID // it has them and cannot send them now
	result  result
}

type wantedState uint8

const (
	stateReady wantedState = iota + 1
	stateAsked
	stateCame
	stateWaiting
)

// wanted is one wanted record.
type wanted struct {
	id     protocol.ID
	state  wantedState
	kind   wantedKind
	source *source // whose allowance it is on, when named
	have   bool    // it came another way while it was asked for
	wide   bool    // its short name is not enough
	// it was asked for and not answered; goes before the queue of its lane
	urgent   bool
	parked   bool         // it waits because every peer lacks it
	doubtful bool         // only a banned peer listed it: it is not asked for again
	hint     *peerState   // who most likely has it
	listers  []*peerState // who must have it
	// how many links back from what gossip brought: it tells how many ancestors to ask for
	depth   int
	rounds  int                 // how often no peer had it
	lacking map[*peerState]bool // the peers that said so
	request requestID           // when asked
	seq     uint64              // place in the queue, when ready
	wakeAt  time.Duration       // when waiting
	index   int                 // in the heap, when waiting
}

// peerState is a connected peer that speaks the fetch protocol.
type peerState struct {
	id       peer.ID
	failures int // in a row
	pausedTo time.Duration
	banned   bool // as of the last tick
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

func (w *wanted) promisedBy(p *peerState) {
	if len(w.listers) < maxListers && !w.listedBy(p) {
		w.listers = append(w.listers, p)
	}
	w.doubtful = false
}

// newWanted adds a record to those of a kind, if there is room.
func (s *planner) newWanted(id protocol.ID, kind wantedKind, depth int, delay time.Duration) *wanted {
	if !s.makeRoom(kind) {
		s.dropped++
		s.overflow = true
		return nil
	}
	w := &wanted{id: id, kind: kind, depth: depth}
	s.counts[kind]++
	s.wanted[id] = w
	switch {
	case kind == kindArrived:
		w.state = stateCame
	case delay > 0:
		s.wait(w, delay)
	default:
		s.enqueue(w)
	}
	return w
}

// hint notes that a peer most likely has a record, which is news where it said otherwise.
func (s *planner) hint(w *wanted, p *peerState) {
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
func (s *planner) putHint(w *wanted) {
	if p := w.hint; p != nil && s.byPeer[p.id] == p && len(p.hinted[w.kind]) < s.limits.wanted {
		p.hinted[w.kind] = append(p.hinted[w.kind], w)
	}
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

// missing counts the wanted records of a kind that have not come.
func (s *planner) missing(kind wantedKind) (n int) {
	for _, w := range s.wanted {
		if w.kind == kind && w.state != stateCame && !w.have {
			n++
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

// unpromise takes back a peer's word that it has a record. Where nobody else gave it, the record
// may not exist: it is not asked for elsewhere. If it does exist, others list it.
func (s *planner) unpromise(w *wanted, p *peerState) {
	if w.listedBy(p) {
		w.listers = slices.DeleteFunc(w.listers, func(o *peerState) bool { return o == p })
		w.doubtful = len(w.listers) == 0
	}
}

// release makes a record ready that was asked for, or forgets it if it came meanwhile. What was not
// answered goes first.
func (s *planner) release(w *wanted) {
	switch {
	case w.have, w.doubtful:
		if !w.have {
			s.gone = append(s.gone, w.id)
		}
		s.remove(w)
	case len(w.lacking) == 0:
		s.hurry(w)
	default:
		s.enqueue(w)
		s.parkIfUnavailable(w)
	}
}

// parkUnavailable does parkIfUnavailable to all ready records.
func (s *planner) parkUnavailable() {
	for i := range s.lanes {
		for _, w := range slices.Concat(s.lanes[i].urgent, s.lanes[i].queue) {
			if w != nil && w.state == stateReady && len(w.lacking) > 0 {
				s.parkIfUnavailable(w)
			}
		}
	}
}

// parkIfUnavailable lets a ready record wait that every peer lacks, but for those that do not
// answer. Otherwise a peer could name records that are not there, keep silent when it is asked, and
// so keep them wanted forever.
func (s *planner) parkIfUnavailable(w *wanted) {
	lacking := 0
	for _, p := range s.peers {
		switch {
		case w.lacking[p]:
			lacking++
		case !s.isResting(p):
			return
		}
	}
	if lacking > 0 && w.state == stateReady {
		s.retryLater(w)
		w.parked = w.state == stateWaiting
	}
}

// retryLater lets a record wait, longer each time, and gives it up in the end.
func (s *planner) retryLater(w *wanted) {
	if w.rounds++; w.rounds > s.limits.rounds {
		s.giveUp(w)
		return
	}
	s.wait(w, stream.BackOff(s.limits.retryMin, s.limits.retryMax, w.rounds-1))
}

// giveUp forgets a record that nobody has. For a time it is not wanted again, unless a peer says
// that it has it.
func (s *planner) giveUp(w *wanted) {
	s.forget(w)
	s.dropped++
	s.unavailable.Add(w.id, s.now+s.limits.unavailableTime)
}

// forget takes a record that is not asked for out of the wanted ones.
func (s *planner) forget(w *wanted) {
	if w.state == stateReady {
		s.gone = append(s.gone, w.id)
	}
	s.detach(w)
	s.remove(w)
}

func (s *planner) remove(w *wanted) {
	if s.wanted[w.id] == w {
		s.setSource(w, nil)
		s.counts[w.kind]--
		delete(s.wanted, w.id)
	}
	w.state = 0
}

func (s *planner) wait(w *wanted, delay time.Duration) {
	if w.state != 0 {
		s.gone = append(s.gone, w.id)
	}
	s.detach(w)
	w.state, w.wakeAt = stateWaiting, s.now+delay
	s.waiting.Push(w)
}

func newCache(size int) *lru.Cache[protocol.ID, time.Duration] {
	c, err := lru.New[protocol.ID, time.Duration](size)
	if err != nil {
		panic(err) // the sizes are above 0
	}
	return c
}
