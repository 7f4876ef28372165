package node

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// schedule decides which peer to dial and when: the seeds for ever, and peers that were lost for a
// while. It is pure: it has no clock, dials nobody and is not safe for concurrent use; the keeper
// tells it what happens and asks what to do.
//
// A peer that does not answer is dialed again after a quarter of the time for which it has been
// away: who was gone for a minute is found within seconds, and who is gone for good costs little. A
// pause is shortened at random, so that nodes which lost a peer at the same moment do not return at
// the same moment. When the network changes, what was learned about who can be reached is void:
// every peer is due again. And when one returns, those are due that were lost with it.
type schedule struct {
	targets map[peer.ID]*target
	order   []peer.ID // in which they came, so that the same input gives the same output
	// jitter returns a number in [0, 1).
	jitter func() float64
	// resetDone is when the last reset was, resetDue when the next one is (zero: none).
	resetDone, resetDue time.Time
}

// target is one peer to stay connected to.
type target struct {
	seed               bool
	connected, dialing bool
	limited            bool // the connection is through a relay, which cuts it now and then
	// failures counts the dials in vain since the peer was lost, brief the connections in a row
	// that ended soon.
	failures, brief int
	due             time.Time
	since, away     time.Time // since when it is connected, or not
	heard           time.Time // when the last connection ended; no reset forgets it
}

// newSchedule makes every seed due at once.
func newSchedule(seeds []peer.ID, now time.Time, jitter func() float64) *schedule {
	if jitter == nil {
		jitter = rand.Float64
	}
	s := &schedule{targets: make(map[peer.ID]*target, len(seeds)), jitter: jitter}
	for _, p := range seeds {
		s.add(p, &target{seed: true, due: now, away: now})
	}
	return s
}

func (s *schedule) add(p peer.ID, t *target) {
	if s.targets[p] == nil {
		s.targets[p] = t
		s.order = append(s.order, p)
	}
}

func (s *schedule) remove(p peer.ID) {
	delete(s.targets, p)
	s.order = slices.DeleteFunc(s.order, func(q peer.ID) bool { return q == p })
}

// has reports whether a peer is in the schedule.
func (s *schedule) has(p peer.ID) bool { return s.targets[p] != nil }

// failures counts the dials of a peer in vain since it was lost.
func (s *schedule) failures(p peer.ID) int {
	if t := s.targets[p]; t != nil {
		return t.failures
	}
	return 0
}

// lost takes in a peer that is no seed and was connected until now. Of more than maxLost, one is
// forgotten at random: where many were lost at once, each of those who lost them looks for others.
func (s *schedule) lost(p peer.ID, now time.Time, limited bool) {
	if s.has(p) {
		return
	}
	t := &target{away: now, limited: limited}
	t.due = now.Add(s.pause(t, now))
	s.add(p, t)
	var others []peer.ID
	for _, p := range s.order {
		if t := s.targets[p]; !t.seed && !t.dialing {
			others = append(others, p)
		}
	}
	if len(s.targets)-s.seeds() > maxLost && len(others) > 0 {
		s.remove(others[int(s.jitter()*float64(len(others)))])
	}
}

func (s *schedule) seeds() (count int) {
	for _, t := range s.targets {
		if t.seed {
			count++
		}
	}
	return count
}

// dialFacts is how it stands with one peer to stay connected to.
type dialFacts struct {
	peer peer.ID
	seed bool
	contact
}

// facts lists the seeds, then the peers that were lost.
func (s *schedule) facts() (list []dialFacts) {
	for _, p := range s.order {
		t := s.targets[p]
		f := dialFacts{p, t.seed, contact{connected: t.connected, dialing: t.dialing, since: t.heard, failures: t.failures}}
		switch {
		case t.connected:
			f.since = t.since
		case !t.dialing:
			f.due = t.due
		}
		list = append(list, f)
	}
	return list
}

// tick returns the peers to dial now, at most room of them; each must be answered by dialed.
func (s *schedule) tick(now time.Time, room int) []peer.ID {
	if !s.resetDue.IsZero() && !now.Before(s.resetDue) {
		s.reset(now)
	}
	s.forget(now)
	var dial []peer.ID
	for _, p := range s.order {
		if t := s.targets[p]; len(dial) < room && !t.connected && !t.dialing && !now.Before(t.due) {
			t.dialing = true
			dial = append(dial, p)
		}
	}
	return dial
}

// forget drops lost peers that have been away, or back, for long.
func (s *schedule) forget(now time.Time) {
	for _, p := range slices.Clone(s.order) {
		t := s.targets[p]
		if !t.seed && !t.dialing && ((t.connected && now.Sub(t.since) >= lasting) || (!t.connected && now.Sub(t.away) >= keepLost)) {
			s.remove(p)
		}
	}
}

// next returns when tick has something to do again, the zero time when only an event can bring that
// about.
func (s *schedule) next() time.Time {
	next := s.resetDue
	for _, t := range s.targets {
		if !t.connected && !t.dialing && (next.IsZero() || t.due.Before(next)) {
			next = t.due
		}
	}
	return next
}

// dialed tells how a dial ended.
func (s *schedule) dialed(p peer.ID, now time.Time, ok, limited bool) {
	t := s.targets[p]
	if t == nil {
		return
	}
	t.dialing = false
	if ok {
		s.connectedness(p, now, true, limited)
		return
	}
	t.failures++
	t.due = now.Add(s.pause(t, now))
}

// connectedness tells that a connection to a peer began or that the last one ended. A peer that was
// connected for a while is dialed again after the shortest pause: it may be restarting. One that
// hung up soon, and not because a relay cut the connection, has no room or no wish for this node:
// the pause doubles each time.
func (s *schedule) connectedness(p peer.ID, now time.Time, connected, limited bool) {
	t := s.targets[p]
	if t == nil {
		return
	}
	if connected {
		t.limited = limited
	}
	if t.connected == connected {
		return
	}
	t.connected, t.failures = connected, 0
	if connected {
		t.since = now
		s.returned(t, now)
		return
	}
	switch {
	case now.Sub(t.since) >= lasting:
		t.brief = 0
	case !t.limited:
		t.brief++
	}
	t.away, t.heard = now, now
	t.due = now.Add(s.pause(t, now))
}

// returned makes those due that were lost at about the same time as a peer that is back now,
// whatever parted them.
func (s *schedule) returned(back *target, now time.Time) {
	if now.Sub(back.away) < minBackoff {
		return
	}
	for _, p := range s.order {
		t := s.targets[p]
		if t == back || t.connected || t.away.Sub(back.away).Abs() > lostTogether {
			continue
		}
		if soon := now.Add(time.Duration(s.jitter() * float64(minBackoff))); t.due.After(soon) {
			t.due = soon
		}
	}
}

// networkChanged forgets all failures, now or, when it did so a moment ago, once a while has
// passed.
func (s *schedule) networkChanged(now time.Time) {
	if due := s.resetDone.Add(minReset); !s.resetDone.IsZero() && now.Before(due) {
		s.resetDue = due
		return
	}
	s.reset(now)
}

func (s *schedule) reset(now time.Time) {
	s.resetDone, s.resetDue = now, time.Time{}
	for _, t := range s.targets {
		t.failures, t.brief = 0, 0
		if !t.connected {
			t.away = now
		}
		if t.due.After(now) {
			t.due = now
		}
	}
}

// pause is a quarter of the time for which a peer has been away, at least minBackoff, doubled for
// each connection in a row that ended soon, at most maxBackoff, and up to half of it taken off at
// random.
func (s *schedule) pause(t *target, now time.Time) time.Duration {
	least := maxBackoff
	if t.brief < 16 { // no overflow
		least = minBackoff << max(t.brief-1, 0)
	}
	pause := min(max(now.Sub(t.away)/4, least), maxBackoff)
	return pause - time.Duration(s.jitter()*float64(pause)/2)
}
