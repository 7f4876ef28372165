package node

import (
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// schedule decides which seed to dial and when. It is pure: it has no clock, dials nobody and is not safe for concurrent
// use; the keeper tells it what happens and asks what to do.
//
// A seed that does not answer is dialed again after a pause that doubles, with jitter, so that nodes which lost a seed
// at the same moment do not return at the same moment. When the network changes, what was learned about who can be
// reached is void: every seed is due again.
type schedule struct {
	seeds map[peer.ID]*seedState
	order []peer.ID // as given, so that the same input gives the same output
	// jitter returns a number in [0, 1).
	jitter func() float64
	// resetDone is when the last reset was, resetDue when the next one is (zero: none).
	resetDone, resetDue time.Time
}

type seedState struct {
	connected, dialing bool
	failures           int
	due, since         time.Time // since when it is connected
}

// newSchedule makes every seed due at once.
func newSchedule(seeds []peer.ID, now time.Time, jitter func() float64) *schedule {
	if jitter == nil {
		jitter = rand.Float64
	}
	s := &schedule{seeds: make(map[peer.ID]*seedState, len(seeds)), jitter: jitter}
	for _, p := range seeds {
		if s.seeds[p] == nil {
			s.seeds[p] = &seedState{due: now}
			s.order = append(s.order, p)
		}
	}
	return s
}

// tick returns the seeds to dial now, at most room of them; each must be answered by dialed.
func (s *schedule) tick(now time.Time, room int) []peer.ID {
	if !s.resetDue.IsZero() && !now.Before(s.resetDue) {
		s.reset(now)
	}
	var dial []peer.ID
	for _, p := range s.order {
		if st := s.seeds[p]; len(dial) < room && !st.connected && !st.dialing && !now.Before(st.due) {
			st.dialing = true
			dial = append(dial, p)
		}
	}
	return dial
}

// next returns when tick has something to do again, the zero time when only an event can bring that about.
func (s *schedule) next() time.Time {
	next := s.resetDue
	for _, st := range s.seeds {
		if !st.connected && !st.dialing && (next.IsZero() || st.due.Before(next)) {
			next = st.due
		}
	}
	return next
}

// dialed tells how a dial ended.
func (s *schedule) dialed(p peer.ID, now time.Time, ok bool) {
	st := s.seeds[p]
	if st == nil {
		return
	}
	st.dialing = false
	if ok {
		s.connectedness(p, now, true)
		return
	}
	st.due = now.Add(s.pause(st.failures))
	st.failures++
}

// connectedness tells that a connection to a peer began or that the last one ended. A seed that was connected for a
// while is dialed again after the first pause: it may be restarting. One that hung up soon has no room or no wish for
// this node, which is as good as a failure.
func (s *schedule) connectedness(p peer.ID, now time.Time, connected bool) {
	st := s.seeds[p]
	if st == nil || st.connected == connected {
		return
	}
	st.connected = connected
	if connected {
		st.since = now
		return
	}
	if now.Sub(st.since) >= lasting {
		st.failures = 0
	}
	st.due = now.Add(s.pause(st.failures))
	st.failures++
}

// networkChanged forgets all failures, now or, when it did so a moment ago, once a while has passed.
func (s *schedule) networkChanged(now time.Time) {
	if due := s.resetDone.Add(minReset); !s.resetDone.IsZero() && now.Before(due) {
		s.resetDue = due
		return
	}
	s.reset(now)
}

func (s *schedule) reset(now time.Time) {
	s.resetDone, s.resetDue = now, time.Time{}
	for _, st := range s.seeds {
		st.failures = 0
		if st.due.After(now) {
			st.due = now
		}
	}
}

// pause is minBackoff doubled with each failure, up to maxBackoff, and up to half of that taken off at random.
func (s *schedule) pause(failures int) time.Duration {
	pause := maxBackoff
	if failures < 16 { // no overflow
		pause = min(minBackoff<<failures, maxBackoff)
	}
	return pause - time.Duration(s.jitter()*float64(pause)/2)
}
