package lfsync

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// assign turns ready records into requests to the peers that have a slot free.
func (s *scheduler) assign() {
	for s.ready > 0 {
		free := s.freePeers()
		if len(free) == 0 {
			return
		}
		share := max(s.limits.minBatch, (s.ready+len(free)-1)/len(free))
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

// freePeers returns the peers that can be asked now: those with hints first, then each in its turn.
func (s *scheduler) freePeers() []*peerState {
	var free []*peerState
	for i := range s.peers {
		if p := s.peers[(s.turn+i)%len(s.peers)]; s.free(p) {
			free = append(free, p)
		}
	}
	slices.SortStableFunc(free, func(a, b *peerState) int {
		return cmp.Compare(btoi(len(b.hinted) > 0), btoi(len(a.hinted) > 0))
	})
	s.turn++
	return free
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *scheduler) free(p *peerState) bool {
	return p.inFlight < s.limits.perPeer && p.pausedTo <= s.now && len(s.requests) < s.limits.requests
}

// collect takes up to share ready records that a peer may have: first those that others wait for, then those it most likely
// has.
func (s *scheduler) collect(p *peerState, share int) []*want {
	var batch []*want
	for len(s.urgent) > 0 && len(batch) < share {
		w := s.urgent[0]
		s.urgent = s.urgent[1:]
		if w.urgent && w.state == stateReady {
			batch = append(batch, s.mark(w))
		}
	}
	for len(p.hinted) > 0 && len(batch) < share {
		w := p.hinted[0]
		p.hinted = p.hinted[1:]
		if w.state == stateReady && !w.lacking[p] {
			batch = append(batch, s.mark(w))
		}
	}
	if p.barrenTo > s.now {
		return s.collectLeft(p, share, batch)
	}
	p.cursor = max(p.cursor, s.base)
	for ; p.cursor < s.base+uint64(len(s.queue)) && len(batch) < share; p.cursor++ {
		if w := s.queue[p.cursor-s.base]; w != nil && !w.lacking[p] {
			batch = append(batch, s.mark(w))
		}
	}
	s.trim()
	return batch
}

// collectLeft is collect for a peer that lacks most of what it is asked for: it is left what the others lack.
func (s *scheduler) collectLeft(p *peerState, share int, batch []*want) []*want {
	for _, w := range s.queue[:min(len(s.queue), barrenLook)] {
		if len(batch) == share {
			break
		}
		if w != nil && !w.lacking[p] && s.othersLack(w, p) {
			batch = append(batch, s.mark(w))
		}
	}
	s.trim()
	return batch
}

// othersLack reports whether all peers that can be asked, but one and those like it, lack a record.
func (s *scheduler) othersLack(w *want, but *peerState) bool {
	return !slices.ContainsFunc(s.peers, func(p *peerState) bool {
		return p != but && p.barrenTo <= s.now && p.pausedTo <= s.now && !w.lacking[p]
	})
}

// mark takes a record out of the queue because a peer is about to be asked for it. The queue's front stays in place.
func (s *scheduler) mark(w *want) *want {
	s.unqueue(w)
	w.state = stateAsked
	return w
}

// askFor asks a peer for a batch. How many ancestors it should add doubles with each step that a gap turned out to be
// deep: a single lost record costs nothing extra, and a gap of n records takes about log n + n/255 round trips.
func (s *scheduler) askFor(p *peerState, batch []*want) {
	s.lastReq++
	a := ask{request: s.lastReq, peer: p.id, ids: make([]protocol.ID, len(batch))}
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
func (s *scheduler) enqueue(w *want) {
	s.compact()
	w.state, w.parked, w.urgent, w.seq = stateReady, false, false, s.base+uint64(len(s.queue))
	s.queue = append(s.queue, w)
	s.ready++
	s.putHint(w)
}

// hurry makes a record ready before all those of the queue.
func (s *scheduler) hurry(w *want) {
	w.state, w.parked, w.urgent = stateReady, false, true
	s.urgent = append(s.urgent, w)
	s.ready++
}

func (s *scheduler) makeReady(w *want) {
	s.detach(w)
	s.enqueue(w)
}

// detach takes a record out of the structure that its state puts it in.
func (s *scheduler) detach(w *want) {
	switch w.state {
	case stateReady:
		s.unqueue(w)
		s.trim()
	case stateWaiting:
		heap.Remove(&s.waiting, w.index)
	}
}

// unqueue takes a ready record out. What stays of an urgent one in its list is stale.
func (s *scheduler) unqueue(w *want) {
	if w.urgent {
		w.urgent = false
	} else {
		s.queue[w.seq-s.base] = nil
	}
	s.ready--
}

// trim drops the taken front of the queue.
func (s *scheduler) trim() {
	for len(s.queue) > 0 && s.queue[0] == nil {
		s.queue = s.queue[1:]
		s.base++
	}
	for len(s.urgent) > 0 && !s.urgent[0].urgent {
		s.urgent = s.urgent[1:]
	}
}

// compact closes the gaps of a queue whose front does not move while records behind it come and go. The cursors
// begin anew: their positions mean nothing any more.
func (s *scheduler) compact() {
	if len(s.queue) < 2*s.limits.wanted {
		return
	}
	s.base += uint64(len(s.queue))
	s.queue = slices.DeleteFunc(slices.Clone(s.queue), func(w *want) bool { return w == nil })
	for i, w := range s.queue {
		w.seq = s.base + uint64(i)
	}
}

// waitHeap orders waiting records by their time.
type waitHeap []*want

func (h waitHeap) Len() int           { return len(h) }
func (h waitHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h waitHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is heap.Interface's.
func (h *waitHeap) Push(x any) {
	w := x.(*want)
	w.index = len(*h)
	*h = append(*h, w)
}

// Pop is heap.Interface's.
func (h *waitHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return w
}

func (h waitHeap) inOrder() []*want {
	sorted := slices.Clone(h)
	slices.SortFunc(sorted, func(a, b *want) int {
		return cmp.Or(cmp.Compare(a.wakeAt, b.wakeAt), a.id.Compare(b.id))
	})
	return sorted
}

// before orders by time, and by ID so that the order is total.
func (w *want) before(o *want) bool {
	return cmp.Or(cmp.Compare(w.wakeAt, o.wakeAt), w.id.Compare(o.id)) < 0
}
