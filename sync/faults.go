package lfsync

import (
	"maps"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// fault says how a request ended.
type fault int

const (
	faultNone   fault = iota // answered, perhaps in part
	faultFailed              // no answer, or it broke off before the first item: nobody's guilt
	faultBusy                // the peer serves as many streams as it can
	faultGuilty              // an answer that no correct peer gives
)

// blame leaves a peer alone that broke a protocol, also when it goes and comes again; conduct says
// for how much longer than at least. Failures are forgiven when it does: relays cut connections.
func (s *scheduler) blame(id peer.ID) { s.shun(id, s.limits.faultPause) }

// shun leaves a peer alone for some time, and believes nothing that it listed.
func (s *scheduler) shun(id peer.ID, pause time.Duration) {
	to := s.now + pause
	if p := s.byPeer[id]; p != nil {
		p.pausedTo, p.guilty = max(p.pausedTo, to), true
		p.hinted = [2][]*want{}
		s.disbelieve(p)
		s.parkHopeless()
	} else if len(s.grudges) < s.limits.wanted {
		s.grudges[id] = max(s.grudges[id], to)
	}
}

// forgive forgets the faults of peers that are away when their time is over.
func (s *scheduler) forgive() {
	maps.DeleteFunc(s.grudges, func(_ peer.ID, to time.Duration) bool { return to <= s.now })
}

// disbelieve forgets the records that nobody but a guilty peer listed: they may not exist. If they
// do, the others list them.
func (s *scheduler) disbelieve(p *peerState) {
	for _, w := range s.inOrder() {
		if w.listedBy(p) && len(w.listers) == 1 {
			s.forget(w)
		}
	}
	for _, w := range s.wanted { // what is left: asked of somebody, or listed by others too
		s.unpromise(w, p)
	}
}

// inOrder are the ready and the waiting records, in an order that depends on the scheduler's input
// alone.
func (s *scheduler) inOrder() []*want {
	var all []*want
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
	return append(all, s.waiting.inOrder()...)
}

// judge pauses a peer that failed, and trusts one again that answered.
func (s *scheduler) judge(r *request, a answer) {
	p := r.peer
	switch a.fault {
	case faultGuilty:
		s.blame(p.id)
	case faultFailed:
		p.batch = max(s.limits.minBatch, p.batch/2)
		p.pausedTo = max(p.pausedTo, s.now+backOff(s.limits.pauseMin, s.limits.pauseMax, p.failures))
		p.failures++
	case faultBusy: // it answers others of our requests meanwhile, and has a place again soon
		p.pausedTo = max(p.pausedTo, s.now+s.limits.pauseMin)
	default:
		p.failures = 0
		s.adapt(r, a)
	}
}

// adapt finds out how many records a peer can be asked for at a time: what it sends in about
// fastTime, so that no part of a backfill waits long for one peer, and what its answers have room
// for. One that lacks most of what it is asked for is for some time only asked for what it most
// likely has.
func (s *scheduler) adapt(r *request, a answer) {
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
		p.barrenTo = s.now + backOff(s.limits.pauseMin, s.limits.retryMax, p.barren)
		p.barren++
	case lacking < asked:
		p.barren, p.barrenTo = 0, 0
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
