package clone

import (
	"maps"
	"time"
)

// Source is where an offer comes from. Each has a share of its own, so that one that offers much
// crowds out no other.
type Source int

// The sources.
const (
	Seeds Source = iota
	DHT
	Exchange
	LocalNetwork
	sources
)

// Sighting is what is known of a clone.
type Sighting struct {
	// where it was seen last; one that asked us is seen at the address that it dialed from
	Address     string
	Since, Seen time.Time // when it was noticed, and heard of last
}

// verdict is what came of asking at an address.
type verdict int

const (
	silent  verdict = iota // nobody there with this identity, or no answer
	oneself                // this process
	another                // a clone
)

// plan decides which addresses are asked and when. It is pure: it has no clock, dials nobody and is
// not safe for concurrent use.
type plan struct {
	offers [sources][]string
	turn   Source               // whose offer is taken next
	leave  map[string]time.Time // addresses that are left alone, and until when
	next   time.Time            // when the next round may be
	known  Sighting
	// again is where the clone can be asked again; "": nowhere. againDue is when.
	again    string
	againDue time.Time
}

func newPlan() *plan { return &plan{leave: map[string]time.Time{}} }

// offer takes in addresses, most of which are known already.
func (p *plan) offer(from Source, addresses []string, now time.Time) {
	for _, a := range addresses[:min(len(addresses), offersAtOnce)] {
		if len(p.offers[from]) < maxOffers && !p.waits(a) && !now.Before(p.leave[a]) && a != p.again {
			p.offers[from] = append(p.offers[from], a)
		}
	}
}

func (p *plan) waits(address string) bool {
	for _, list := range p.offers {
		for _, a := range list {
			if a == address {
				return true
			}
		}
	}
	return false
}

// due is when there is something to ask; the zero time: when somebody offers something.
func (p *plan) due() time.Time {
	var due time.Time
	for _, list := range p.offers {
		if len(list) > 0 {
			due = p.next
			if due.IsZero() {
				due = time.Unix(0, 0) // at once
			}
		}
	}
	if p.again != "" && (due.IsZero() || p.againDue.Before(due)) {
		due = later(p.againDue, p.next)
	}
	return due
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// round returns the addresses to ask now. Each must be answered by answered.
func (p *plan) round(now time.Time) (ask []string) {
	if now.Before(p.next) {
		return nil
	}
	if p.again != "" && !now.Before(p.againDue) {
		ask = append(ask, p.again)
		p.againDue = now.Add(recheckEvery)
	}
	for empty := 0; len(ask) < perRound && empty < int(sources); p.turn = (p.turn + 1) % sources {
		list := p.offers[p.turn]
		if len(list) == 0 {
			empty++
			continue
		}
		empty = 0
		ask, p.offers[p.turn] = append(ask, list[0]), list[1:]
	}
	if len(ask) > 0 {
		p.next = now.Add(roundEvery)
	}
	return ask
}

// answered tells what came of asking at an address. It reports whether that is news: a clone that
// was not known.
func (p *plan) answered(address string, v verdict, now time.Time) (news bool) {
	switch v {
	case another:
		news = p.see(address, now)
		p.again, p.againDue = address, now.Add(recheckEvery)
		return news
	case oneself:
		p.leaveAlone(address, now.Add(leaveSelf), now)
	case silent:
		p.leaveAlone(address, now.Add(leaveSilent), now)
	}
	return false
}

// asked tells that a clone asked this node, from an address. It reports whether that is news.
func (p *plan) asked(from string, now time.Time) (news bool) { return p.see(from, now) }

func (p *plan) see(address string, now time.Time) (news bool) {
	p.expire(now)
	news = p.known.Seen.IsZero()
	if news {
		p.known = Sighting{Since: now}
	}
	p.known.Address, p.known.Seen = address, now
	return news
}

// expire forgets a clone that was not heard of for long.
func (p *plan) expire(now time.Time) {
	if !p.known.Seen.IsZero() && now.Sub(p.known.Seen) > cloneLasts {
		p.known, p.again = Sighting{}, ""
	}
}

// sighting is what is known of a clone now.
func (p *plan) sighting(now time.Time) (Sighting, bool) {
	p.expire(now)
	return p.known, !p.known.Seen.IsZero()
}

func (p *plan) leaveAlone(address string, until, now time.Time) {
	if len(p.leave) >= maxAsked {
		p.makeRoom(now)
	}
	p.leave[address] = until
}

// makeRoom forgets the addresses that may be asked again, or else the one that may be first.
func (p *plan) makeRoom(now time.Time) {
	maps.DeleteFunc(p.leave, func(_ string, until time.Time) bool { return !now.Before(until) })
	first := ""
	for a, until := range p.leave {
		if first == "" || until.Before(p.leave[first]) {
			first = a
		}
	}
	if len(p.leave) >= maxAsked {
		delete(p.leave, first)
	}
}
