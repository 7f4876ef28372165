package pulse

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/protocol"
)

// plan has the order of the checks of a pulse, from the cheap ones to the costly ones. It is pure:
// its owner tells it the time, reads records and verifies signatures.
type plan struct {
	*book
	drift   uint64 // in ms
	facts   *lru.Cache[protocol.ID, *Facts]
	budgets *lru.Cache[peer.ID, *budget]
}

// budget is what a peer may cost.
type budget struct{ verify, lookup, relayed *rate.Limiter }

// source is where a pulse came from.
type source struct {
	peer    peer.ID // empty: this node's own users
	relayed bool    // it is reached through a relay only
	// answered tells that the pulse was asked for, so that it may be as old as what is kept.
	answered bool
}

func newPlan(n *protocol.Network, size int) *plan {
	return &plan{
		book: newBook(size), drift: n.Params().ClockDrift,
		facts: newCache[protocol.ID, *Facts](maxFacts), budgets: newCache[peer.ID, *budget](maxBudgets),
	}
}

func newCache[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // the sizes are constants above 0
	}
	return c
}

// inTime reports whether a pulse's second is near enough to the clock.
func (p *plan) inTime(second uint64, from source, now time.Time) bool {
	past := pastSeconds
	if from.answered {
		past = keepSeconds
	}
	ms := uint64(max(0, now.UnixMilli()))
	return 1000*(second+past) >= ms && 1000*second <= ms+p.drift // a second is below 2^43
}

// known returns what is known of a record, nil if it has to be read.
func (p *plan) known(id protocol.ID, now time.Time) *Facts {
	f, _ := p.facts.Get(id)
	if e := p.ofRecord(id); e != nil {
		f = e.Facts
	}
	if f == nil || f.isStale(now) {
		return nil
	}
	return f
}

// mayLookUp reports whether a record may be read for a peer's sake.
func (p *plan) mayLookUp(from source, now time.Time) bool {
	return from.peer == "" || p.budget(from).lookup.AllowN(now, 1)
}

// learn notes what was read of a record.
func (p *plan) learn(f *Facts) {
	if e := p.ofRecord(f.Record); e != nil && e.Claim == f.Claim && e.Index == f.Index {
		e.Facts.Stands, e.Facts.read = f.Stands, f.read
		return
	}
	p.facts.Add(f.Record, f)
}

// screen does the checks before the signature's. Accepted means that it is to be verified.
func (p *plan) screen(pulse *protocol.Pulse, f *Facts, from source, now time.Time) Verdict {
	switch {
	case !f.Stands:
		return Withdrawn
	case pulse.Second <= p.newest(f.Claim):
		return p.again(pulse, f, from)
	case from.peer != "" && !p.budget(from).allow(from, now):
		return OverBudget
	}
	return Accepted
}

// again decides about a pulse that is not newer than what is known.
func (p *plan) again(pulse *protocol.Pulse, f *Facts, from source) Verdict {
	e := p.claims[f.Claim]
	if e == nil || e.Pulse != *pulse || !e.unforwarded || from.answered {
		return Known
	}
	e.unforwarded = false
	return Forwarded
}

// accept does the checks after the signature's, and enters the pulse. Meanwhile another pulse of
// the claim may have come.
func (p *plan) accept(pulse *protocol.Pulse, f *Facts, from source) Verdict {
	switch known := p.newest(f.Claim); {
	case pulse.Second <= known:
		return p.again(pulse, f, from)
	case known > 0 && pulse.Second < known+interval:
		return TooSoon
	case pulse.Second > f.Last:
		return Ended
	case !p.put(*pulse, f):
		return NoRoom
	}
	p.facts.Remove(f.Record)
	p.claims[f.Claim].unforwarded = from.answered
	return Accepted
}

func (p *plan) budget(from source) *budget {
	b, ok := p.budgets.Get(from.peer)
	if !ok {
		b = &budget{verify: rate.NewLimiter(peerRate, peerBurst), lookup: rate.NewLimiter(lookupRate, lookupBurst),
			relayed: rate.NewLimiter(rate.Limit(relayRate)/60, relayBurst)}
		p.budgets.Add(from.peer, b)
	}
	return b
}

// allow reports whether one more pulse of the peer may be verified, and counts it.
func (b *budget) allow(from source, now time.Time) bool {
	if from.relayed && !from.answered && !b.relayed.AllowN(now, 1) {
		return false
	}
	return b.verify.AllowN(now, 1)
}
