package fetch

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/stream"
)

// result says how a request ended.
type result int

const (
	resultAnswered  result = iota // answered, perhaps in part
	resultFailed                  // no answer, or it broke off before the first item: no violation
	resultBusy                    // the peer serves as many streams as it can
	resultViolation               // an answer that no correct peer gives
)

// ban tells that a peer was banned: nothing is asked of it until that is over, and nothing that it
// listed is believed.
func (s *planner) ban(id peer.ID) {
	if p := s.byPeer[id]; p != nil {
		p.banned = true
		p.hinted = [2][]*wanted{}
		s.dropListings(p)
		s.parkUnavailable()
	}
}

// pause asks nothing of a peer for some time.
func (s *planner) pause(id peer.ID, d time.Duration) {
	if p := s.byPeer[id]; p != nil {
		p.pausedTo = max(p.pausedTo, s.now+d)
	}
}

// dropListings forgets the records that nobody but a banned peer listed: they may not exist. If
// they do, the others list them.
func (s *planner) dropListings(p *peerState) {
	for _, w := range s.inOrder() {
		if w.listedBy(p) && len(w.listers) == 1 {
			s.forget(w)
		}
	}
	for _, w := range s.wanted { // what is left: asked of somebody, or listed by others too
		s.unpromise(w, p)
	}
}

// inOrder are the ready and the waiting records, in an order that depends on the planner's input
// alone.
func (s *planner) inOrder() []*wanted {
	var all []*wanted
	for i := range s.lanes {
		for _, w := range s.lanes[i].urgent {
			if w.urgent && w.state == stateReady {
				all = append(all, w)
			}
		}
		for _, w := range s.lanes[i].queue {
			if w != nil {
				all = append(all, w)
			}
		}
	}
	return append(all, s.waitingInOrder()...)
}

// penalize pauses a peer that failed, and trusts one again that answered. One that broke the
// protocol is banned.
func (s *planner) penalize(r *request, a answer) {
	p := r.peer
	switch a.result {
	case resultViolation:
		p.banned = p.banned || s.banned(p.id) // ban comes a moment later
	case resultFailed:
		p.batch = max(s.limits.minBatch, p.batch/2)
		p.pausedTo = max(p.pausedTo, s.now+stream.BackOff(s.limits.pauseMin, s.limits.pauseMax, p.failures))
		p.failures++
	case resultBusy: // it answers others of our requests meanwhile, and has a place again soon
		p.pausedTo = max(p.pausedTo, s.now+s.limits.pauseMin)
	default:
		p.failures = 0
		s.adapt(r, a)
	}
}

// adapt finds out how many records a peer can be asked for at a time. It is what the peer sends in
// about fastTime, and what its answers have room for. So no part of a backfill waits long for one
// peer. One that lacks most of what it is asked for is for some time only asked for what it most
// likely has.
func (s *planner) adapt(r *request, a answer) {
	p, asked := r.peer, len(r.wants)
	lacking := len(a.lacking) + len(a.pruned) + len(a.damaged)
	if answered := r.answered(a); answered < asked {
		p.batch = max(s.limits.minBatch, answered)
	} else if took := s.now - r.began; took > 2*s.limits.fastTime {
		p.batch = max(s.limits.minBatch, p.batch/2)
	} else if took <= s.limits.fastTime && 2*asked > p.batch {
		p.batch = min(s.limits.batch, 2*p.batch)
	}
	switch {
	case 2*lacking > asked:
		p.missesTo = s.now + stream.BackOff(s.limits.pauseMin, s.limits.retryMax, p.misses)
		p.misses++
	case lacking < asked:
		p.misses, p.missesTo = 0, 0
	}
}

// answered counts the records of a request that came, or of which the peer said something.
func (r *request) answered(a answer) int {
	n := len(a.lacking) + len(a.pruned) + len(a.damaged) + len(a.unclear)
	for _, w := range r.wants {
		if w.state != stateAsked || w.have {
			n++
		}
	}
	return min(n, len(r.wants))
}
