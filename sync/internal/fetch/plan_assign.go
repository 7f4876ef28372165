package fetch

import (
	"cmp"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// assign turns ready records into requests to the peers that have a slot free.
func (s *planner) assign() {
	for s.ready() > 0 {
		free := s.freePeers()
		if len(free) == 0 {
			return
		}
		ready := s.lanes[kindListed].ready
		if ready == 0 {
			ready = s.lanes[kindNamed].ready
		}
		share := max(s.limits.minBatch, (ready+len(free)-1)/len(free))
		asked := false
		for _, p := range free {
			if !s.free(p) {
				continue
			}
			if batch := s.collect(p, min(share, p.batch, s.limits.batch)); len(batch) > 0 {
				s.askFor(p, batch)
				asked = true
			}
		}
		if !asked {
			return
		}
	}
}

// ready counts the ready records.
func (s *planner) ready() int { return s.lanes[kindListed].ready + s.lanes[kindNamed].ready }

// freePeers returns the peers that can be asked now: those with hints first, then each in its turn.
func (s *planner) freePeers() []*peerState {
	var free []*peerState
	for i := range s.peers {
		if p := s.peers[(s.turn+i)%len(s.peers)]; s.free(p) {
			free = append(free, p)
		}
	}
	slices.SortStableFunc(free, func(a, b *peerState) int {
		return cmp.Compare(btoi(b.hasHints()), btoi(a.hasHints()))
	})
	s.turn++
	return free
}

func (p *peerState) hasHints() bool { return len(p.hinted[kindListed])+len(p.hinted[kindNamed]) > 0 }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *planner) free(p *peerState) bool {
	return p.inFlight < s.limits.perPeer && !s.isResting(p) && len(s.requests) < s.limits.requests
}

// collect takes up to share ready records that a peer may have. It takes what peers listed, or else
// what was only named, as far as the peer's allowance goes.
func (s *planner) collect(p *peerState, share int) []*wanted {
	if batch := s.collectFrom(kindListed, p, share); len(batch) > 0 {
		return batch
	}
	left := p.names.left(s.now)
	if left < max(1, min(namesTogether, s.lanes[kindNamed].ready)) {
		return nil // one request for many costs less than many for a few
	}
	batch := s.collectFrom(kindNamed, p, min(share, left))
	p.names.take(s.now, len(batch))
	return batch
}

// collectFrom does it for one lane: first those that others wait for, then those that the peer most
// likely has.
func (s *planner) collectFrom(kind wantedKind, p *peerState, share int) []*wanted {
	var batch []*wanted
	l := &s.lanes[kind]
	for len(l.urgent) > 0 && len(batch) < share {
		w := l.urgent[0]
		l.urgent = l.urgent[1:]
		if w.urgent && w.state == stateReady && w.kind == kind {
			batch = append(batch, s.mark(w))
		}
	}
	for len(p.hinted[kind]) > 0 && len(batch) < share {
		w := p.hinted[kind][0]
		p.hinted[kind] = p.hinted[kind][1:]
		if w.state == stateReady && w.kind == kind && !w.lacking[p] {
			batch = append(batch, s.mark(w))
		}
	}
	if p.missesTo > s.now {
		return s.collectLeft(l, p, share, batch)
	}
	cursor := &p.cursor[kind]
	*cursor = max(*cursor, l.base)
	for ; *cursor < l.base+uint64(len(l.queue)) && len(batch) < share; *cursor++ {
		if w := l.queue[*cursor-l.base]; w != nil && !w.lacking[p] {
			batch = append(batch, s.mark(w))
		}
	}
	l.trim()
	return batch
}

// collectLeft is collect for a peer that lacks most of what it is asked for: it is left what the
// others lack.
func (s *planner) collectLeft(l *lane, p *peerState, share int, batch []*wanted) []*wanted {
	for _, w := range l.queue[:min(len(l.queue), missesLook)] {
		if len(batch) == share {
			break
		}
		if w != nil && !w.lacking[p] && s.othersLack(w, p) {
			batch = append(batch, s.mark(w))
		}
	}
	l.trim()
	return batch
}

// othersLack reports whether all peers that can be asked, but one and those like it, lack a record.
func (s *planner) othersLack(w *wanted, but *peerState) bool {
	return !slices.ContainsFunc(s.peers, func(p *peerState) bool {
		return p != but && p.missesTo <= s.now && !s.isResting(p) && !w.lacking[p]
	})
}

// mark takes a record out of the queue because a peer is about to be asked for it. The queue's
// front stays in place.
func (s *planner) mark(w *wanted) *wanted {
	s.unqueue(w)
	w.state = stateAsked
	return w
}

// askFor asks a peer for a batch. How many ancestors it should add doubles with each step that a
// gap turned out to be deep. So a single lost record costs nothing extra, and a gap of n records
// takes about log n + n/255 round trips.
func (s *planner) askFor(p *peerState, batch []*wanted) {
	s.lastReq++
	a := sendRequest{request: s.lastReq, peer: p.id, ids: make([]protocol.ID, len(batch))}
	for i, w := range batch {
		w.request = a.request
		a.ids[i] = w.id
		a.depth = max(a.depth, w.depth)
		a.wide = a.wide || w.wide
	}
	a.ancestors = min(s.limits.ancestors, 1<<min(a.depth, 8)-1)
	a.depth++
	s.requests[a.request] = &request{peer: p, wants: batch, began: s.now, deadline: s.now + s.limits.requestTime}
	p.inFlight++
	s.out = append(s.out, a)
}

// enqueue puts a record at the end of the queue, where no peer's cursor has been.
func (s *planner) enqueue(w *wanted) {
	l := &s.lanes[w.kind]
	l.compact(2 * (s.limits.wanted + s.limits.named)) // twice what there can be
	w.state, w.parked, w.urgent, w.seq = stateReady, false, false, l.base+uint64(len(l.queue))
	l.queue = append(l.queue, w)
	l.ready++
	s.putHint(w)
}

// hurry makes a record ready before all those of the queue.
func (s *planner) hurry(w *wanted) {
	w.state, w.parked, w.urgent = stateReady, false, true
	l := &s.lanes[w.kind]
	l.urgent = append(l.urgent, w)
	l.ready++
}

func (s *planner) makeReady(w *wanted) {
	s.detach(w)
	s.enqueue(w)
}

// detach takes a record out of the structure that its state puts it in.
func (s *planner) detach(w *wanted) {
	switch w.state {
	case stateReady:
		s.unqueue(w)
		s.lanes[w.kind].trim()
	case stateWaiting:
		s.waiting.Remove(w.index)
	}
}

// unqueue takes a ready record out. What stays of an urgent one in its list is stale.
func (s *planner) unqueue(w *wanted) {
	l := &s.lanes[w.kind]
	if w.urgent {
		w.urgent = false
	} else {
		l.queue[w.seq-l.base] = nil
	}
	l.ready--
}

// lane holds ready records.
type lane struct {
	urgent []*wanted // asked for before; stale where not wanted.urgent
	queue  []*wanted // the others in the order of seq; nil where one was taken
	base   uint64    // the seq of queue[0]
	ready  int       // how many there are
}

// trim drops the taken front of the queue.
func (l *lane) trim() {
	for len(l.queue) > 0 && l.queue[0] == nil {
		l.queue = l.queue[1:]
		l.base++
	}
	for len(l.urgent) > 0 && !l.urgent[0].urgent {
		l.urgent = l.urgent[1:]
	}
}

// compact closes the gaps of a queue that has grown to a length. Its front may stand still while
// records after it come and go. The cursors begin again: their positions mean nothing any more.
func (l *lane) compact(length int) {
	if len(l.queue) < length {
		return
	}
	l.base += uint64(len(l.queue))
	l.queue = slices.DeleteFunc(slices.Clone(l.queue), func(w *wanted) bool { return w == nil })
	for i, w := range l.queue {
		w.seq = l.base + uint64(i)
	}
}

// waitingInOrder are the waiting records in the order of their time.
func (s *planner) waitingInOrder() []*wanted {
	sorted := slices.Clone(s.waiting.All())
	slices.SortFunc(sorted, func(a, b *wanted) int {
		return cmp.Or(cmp.Compare(a.wakeAt, b.wakeAt), a.id.Compare(b.id))
	})
	return sorted
}

// before orders by time, and by ID so that the order is total.
func (w *wanted) before(o *wanted) bool {
	return cmp.Or(cmp.Compare(w.wakeAt, o.wakeAt), w.id.Compare(o.id)) < 0
}
