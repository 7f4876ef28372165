package fetch

import (
	"slices"
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/stream"
)

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
