package p2p

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// redialer decides which peer to dial and when: the seeds and peers added by hand without limit,
// and peers that were lost for a while. It is pure: it has no clock, dials nobody and is not safe
// for concurrent use. The connector tells it what happens and asks what to do.
//
// A peer that does not answer is dialed again after a quarter of the time for which it has been
// away. A peer that was gone for a minute is found within seconds, and one that is gone for good
// costs little. A pause is shortened at random, so that nodes which lost a peer at the same moment
// do not return at the same moment. When the network changes, every peer is due again: what was
// learned about them is void. When one peer returns, the peers that were lost with it are due.
type redialer struct {
	peers map[peer.ID]*peerBackoff
	order []peer.ID // in which they came, so that the same input gives the same output
	// jitter returns a number in [0, 1).
	jitter func() float64
	// resetDone is when the last reset was, resetDue when the next one is (zero: none).
	resetDone, resetDue time.Time
}

// peerBackoff is one peer to stay connected to, and when to dial it again.
type peerBackoff struct {
	forever            bool // dialed without limit: a seed, or added by hand
	connected, dialing bool
	limited            bool // the connection is through a relay, which cuts it now and then
	// failures counts the failed dials since the peer was lost, brief the connections in a row
	// that ended soon.
	failures, brief int
	due             time.Time
	since, away     time.Time // since when it is connected, or not
	heard           time.Time // when the last connection ended; no reset forgets it
}

// newRedialer makes every seed due at once.
func newRedialer(seeds []peer.ID, now time.Time, jitter func() float64) *redialer {
	if jitter == nil {
		jitter = rand.Float64
	}
	r := &redialer{peers: make(map[peer.ID]*peerBackoff, len(seeds)), jitter: jitter}
	for _, p := range seeds {
		r.add(p, &peerBackoff{forever: true, due: now, away: now})
	}
	return r
}

func (r *redialer) add(p peer.ID, t *peerBackoff) {
	if r.peers[p] == nil {
		r.peers[p] = t
		r.order = append(r.order, p)
	}
}

func (r *redialer) remove(p peer.ID) {
	delete(r.peers, p)
	r.order = slices.DeleteFunc(r.order, func(q peer.ID) bool { return q == p })
}

// keep has a peer dialed without limit from now on, as seeds are. The caller says whether it is
// connected, and whether through a relay.
func (r *redialer) keep(p peer.ID, now time.Time, connected, limited bool) {
	r.add(p, &peerBackoff{due: now, away: now})
	r.peers[p].forever = true
	r.connectedness(p, now, connected, limited)
}

// has reports whether a peer is in the schedule.
func (r *redialer) has(p peer.ID) bool { return r.peers[p] != nil }

// failures counts the dials of a peer in vain since it was lost.
func (r *redialer) failures(p peer.ID) int {
	if t := r.peers[p]; t != nil {
		return t.failures
	}
	return 0
}

// lost takes in a peer that is no seed and was connected until now. Of more than maxLost, one is
// forgotten at random: where many were lost at once, each of those who lost them looks for others.
func (r *redialer) lost(p peer.ID, now time.Time, limited bool) {
	if r.has(p) {
		return
	}
	t := &peerBackoff{away: now, limited: limited}
	t.due = now.Add(r.pause(t, now))
	r.add(p, t)
	var others []peer.ID
	for _, p := range r.order {
		if t := r.peers[p]; !t.forever && !t.dialing {
			others = append(others, p)
		}
	}
	if len(r.peers)-r.kept() > maxLost && len(others) > 0 {
		r.remove(others[int(r.jitter()*float64(len(others)))])
	}
}

// kept counts the peers that are dialed without limit.
func (r *redialer) kept() (count int) {
	for _, t := range r.peers {
		if t.forever {
			count++
		}
	}
	return count
}

// dialFacts is how it stands with one peer to stay connected to.
type dialFacts struct {
	peer peer.ID
	DialHistory
}

// facts lists the seeds, then the peers that were lost.
func (r *redialer) facts() (list []dialFacts) {
	for _, p := range r.order {
		t := r.peers[p]
		f := dialFacts{p, DialHistory{Connected: t.connected, Dialing: t.dialing, Since: t.heard, Failures: t.failures}}
		switch {
		case t.connected:
			f.Since = t.since
		case !t.dialing:
			f.Due = t.due
		}
		list = append(list, f)
	}
	return list
}

// tick returns the peers to dial now, at most room of them; each must be answered by dialed.
func (r *redialer) tick(now time.Time, room int) []peer.ID {
	if !r.resetDue.IsZero() && !now.Before(r.resetDue) {
		r.reset(now)
	}
	r.forget(now)
	var dial []peer.ID
	for _, p := range r.order {
		if t := r.peers[p]; len(dial) < room && !t.connected && !t.dialing && !now.Before(t.due) {
			t.dialing = true
			dial = append(dial, p)
		}
	}
	return dial
}

// forget drops lost peers that have been away, or back, for long.
func (r *redialer) forget(now time.Time) {
	for _, p := range slices.Clone(r.order) {
		t := r.peers[p]
		if !t.forever && !t.dialing && ((t.connected && now.Sub(t.since) >= lasting) || (!t.connected && now.Sub(t.away) >= keepLost)) {
			r.remove(p)
		}
	}
}

// next returns when tick has something to do again, the zero time when only an event can bring that
// about.
func (r *redialer) next() time.Time {
	next := r.resetDue
	for _, t := range r.peers {
		if !t.connected && !t.dialing && (next.IsZero() || t.due.Before(next)) {
			next = t.due
		}
	}
	return next
}

// dialed tells how a dial ended.
func (r *redialer) dialed(p peer.ID, now time.Time, ok, limited bool) {
	t := r.peers[p]
	if t == nil {
		return
	}
	t.dialing = false
	if ok {
		r.connectedness(p, now, true, limited)
		return
	}
	t.failures++
	t.due = now.Add(r.pause(t, now))
}

// connectedness tells that a connection to a peer began or that the last one ended. A peer that was
// connected for a while is dialed again after the shortest pause: it may be restarting. A peer that
// hung up soon has no room for this node, unless a relay cut the connection. The pause then doubles
// each time.
func (r *redialer) connectedness(p peer.ID, now time.Time, connected, limited bool) {
	t := r.peers[p]
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
		r.returned(t, now)
		return
	}
	switch {
	case now.Sub(t.since) >= lasting:
		t.brief = 0
	case !t.limited:
		t.brief++
	}
	t.away, t.heard = now, now
	t.due = now.Add(r.pause(t, now))
}

// returned makes those due that were lost at about the same time as a peer that is back now,
// whatever parted them.
func (r *redialer) returned(back *peerBackoff, now time.Time) {
	if now.Sub(back.away) < minBackoff {
		return
	}
	for _, p := range r.order {
		t := r.peers[p]
		if t == back || t.connected || t.away.Sub(back.away).Abs() > lostTogether {
			continue
		}
		if soon := now.Add(time.Duration(r.jitter() * float64(minBackoff))); t.due.After(soon) {
			t.due = soon
		}
	}
}

// networkChanged forgets all failures, now or, when it did so a moment ago, once a while has
// passed.
func (r *redialer) networkChanged(now time.Time) {
	if due := r.resetDone.Add(minReset); !r.resetDone.IsZero() && now.Before(due) {
		r.resetDue = due
		return
	}
	r.reset(now)
}

func (r *redialer) reset(now time.Time) {
	r.resetDone, r.resetDue = now, time.Time{}
	for _, t := range r.peers {
		t.failures, t.brief = 0, 0
		if !t.connected {
			t.away = now
		}
		if t.due.After(now) {
			t.due = now
		}
	}
}

// pause is a quarter of the time for which a peer has been away. It is at least minBackoff, doubled
// for each connection in a row that ended soon, and at most maxBackoff. Up to half of it is taken
// off at random.
func (r *redialer) pause(t *peerBackoff, now time.Time) time.Duration {
	least := maxBackoff
	if t.brief < 16 { // no overflow
		least = minBackoff << max(t.brief-1, 0)
	}
	pause := min(max(now.Sub(t.away)/4, least), maxBackoff)
	return pause - time.Duration(r.jitter()*float64(pause)/2)
}
