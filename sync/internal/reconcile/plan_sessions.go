package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/stream"
)

// served tells of a session of the peer's that ended here: whether it found a difference, or the
// sets equal.
func (a *planner) served(id peer.ID, differed, equal bool) {
	p := a.byPeer[id]
	if p == nil {
		return
	}
	switch {
	case differed:
		// it has what we lack, or we have what it lacks; it is known to the peer, and not to us
		a.interval = a.limits.intervalMin
		a.randomAt = min(a.randomAt, a.now+a.jitter(a.interval))
		if p.session == 0 {
			p.due = min(p.due, a.now+stream.BackOff(a.limits.soon, a.limits.soonMax, p.fruitless))
		}
	case equal:
		fresh := max(p.fresh, sentAt(a.now))
		a.agreed(p, a.now)
		p.fresh = fresh
		if !p.waits && p.from == (negentropy.Bound{}) && p.session == 0 {
			p.due = never
		}
	}
}

// sentAt is when a message was written at the earliest that came now: older ones were given up by
// who sent them.
func sentAt(now time.Duration) time.Duration { return max(0, now-stream.ItemTime) }

// agreed notes a comparison with a peer that found nothing and began at some time.
func (a *planner) agreed(p *peerState, began time.Duration) {
	p.fruitless = 0
	a.completed(p, began)
}

func (a *planner) completed(p *peerState, began time.Duration) {
	p.fresh, p.compared, p.failures = began, true, 0
	if began >= p.came+a.limits.connectAgain {
		p.again = never
	}
}

// deepen tells that a session is a long one, and reports whether it may go on: whether it leads.
func (a *planner) deepen(id sessionID) bool {
	p := a.sessions[id]
	if p == nil || a.leader != id && a.leadIsTaken(p) {
		return false
	}
	if a.leader == 0 {
		a.leader, a.ledSince, a.bore, a.halted = id, a.now, a.now, 0
	}
	return true
}

// leadIsTaken reports whether a peer's session may not begin to lead: another one does, or much of
// what the last leader listed is still coming. The peer would list it once more, unless it is that
// leader and goes on where it was interrupted.
func (a *planner) leadIsTaken(p *peerState) bool {
	return a.leader != 0 || a.backlog && a.goesOn != p && a.now < a.ledTo+a.limits.leadTime && !a.isBarren()
}

// isBarren reports whether nothing has come for some time that peers listed. It may not exist.
func (a *planner) isBarren() bool { return a.now >= a.bore+a.limits.barrenTime }

// leadIsWanted reports whether somebody waits for the lead.
func (a *planner) leadIsWanted() bool {
	return slices.ContainsFunc(a.peers, func(p *peerState) bool { return p.waits && !p.banned && p.pausedTo <= a.now })
}

// begin begins the sessions that are due, as many as may be.
func (a *planner) begin() {
	for len(a.sessions) < a.limits.sessions {
		p := a.next()
		if p == nil {
			return
		}
		a.last++
		a.sessions[a.last] = p
		if p.from == (negentropy.Bound{}) {
			p.since, p.lost = a.now, false
		}
		p.session, p.began, p.due = a.last, a.now, never
		a.out = append(a.out, compare{session: a.last, peer: p.id, from: p.from, since: p.since, partial: p.lost})
		if p.waits { // it is long; that nobody else leads was seen to
			p.waits = false
			a.deepen(a.last)
		}
	}
}

// next returns the peer whose session is due the longest, or, where several are demanded, the
// longest ago. Who had the lead and lost it is due from then on, so the lead goes round.
func (a *planner) next() *peerState {
	var first *peerState
	for _, p := range a.peers {
		if a.isDue(p) && (first == nil || cmp.Or(cmp.Compare(p.due, first.due), cmp.Compare(p.began, first.began)) < 0) {
			first = p
		}
	}
	return first
}

func (a *planner) isDue(p *peerState) bool {
	switch {
	case p.session != 0 || p.banned || p.pausedTo > a.now:
		return false
	case a.isOpen(p.id): // from before it went and came again: how far it has come is known soon
		return false
	case p.waits && a.leadIsTaken(p):
		return false
	case p.due <= a.now:
		return true
	}
	return a.demanded >= 0 && (!p.compared || p.fresh < a.demanded) && a.now >= p.began+a.limits.gap
}

func (a *planner) isOpen(id peer.ID) bool {
	for _, p := range a.sessions {
		if p.id == id {
			return true
		}
	}
	return false
}

// ended tells what came of a session of our own.
func (a *planner) ended(id sessionID, o outcome) {
	p := a.sessions[id]
	if p == nil {
		return
	}
	delete(a.sessions, id)
	led := a.leader == id
	if led {
		a.leader = 0
		if o.result <= resultInterrupted { // one that failed is replaced at once
			a.ledTo, a.goesOn = a.now, nil
			if o.result == resultInterrupted && !a.leadIsWanted() {
				a.goesOn = p
			}
		}
	}
	p.session = 0
	random := p.random
	p.random = false
	a.setInterval(o, random)
	a.planNext(p, o, led)
	switch now := a.byPeer[p.id]; {
	case now == nil: // it went; what is known of it may have changed
		a.remember(p)
	case now == p:
	case o.result == resultViolation: // and came again
		a.distrust(now)
	case p.from.Compare(now.from) > 0:
		now.from, now.since = p.from, p.since
	}
}

// setInterval slows random comparisons down while they find nothing.
func (a *planner) setInterval(o outcome, random bool) {
	switch {
	case o.result == resultEqual && random:
		a.interval = min(2*a.interval, a.limits.intervalMax)
		a.randomAt = max(a.randomAt, a.now+a.jitter(a.interval))
	case o.result == resultDiffering || o.listed > 0:
		a.interval = a.limits.intervalMin
		a.randomAt = min(a.randomAt, a.now+a.jitter(a.interval))
	}
}

// planNext plans the next session with a peer by what came of this one.
func (a *planner) planNext(p *peerState, o outcome, led bool) {
	if o.listed > 0 {
		p.fruitless = 0
	}
	progress := o.listed > 0 || o.done.Compare(p.from) > 0
	if o.done.Compare(p.from) > 0 {
		p.from = o.done
	}
	switch o.result {
	case resultEqual, resultDiffering:
		since := p.since
		p.from, p.since = negentropy.Bound{}, 0
		if p.lost { // it says nothing of what was listed before the peer went
			p.due = a.now
			return
		}
		if o.result == resultEqual {
			a.agreed(p, since)
			return
		}
		if o.listed == 0 {
			p.fruitless++
		}
		a.completed(p, since)
	case resultInterrupted:
		p.failures = 0
		p.waits = led && a.leadIsWanted() || !led && a.leadIsTaken(p)
		p.due = a.now + a.limits.soon
		if p.waits {
			p.due = a.now
		}
	case resultCut, resultBusy, resultFailed: // relays cut; what was compared stays
		if progress {
			p.failures = 0
		}
		a.retry(p, p.failures)
		p.failures++
	case resultViolation:
		a.distrust(p)
	}
}

func (a *planner) retry(p *peerState, times int) {
	p.pausedTo = max(p.pausedTo, a.now+stream.BackOff(a.limits.retryMin, a.limits.retryMax, times))
	p.due = p.pausedTo
}
