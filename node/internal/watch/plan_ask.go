package watch

import (
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Ask is what the store is to be asked: keys of one group, or a range that is to be listed.
type Ask struct {
	Options *Options
	Keys    [][]protocol.SelectorPoint
	Range   *Key
	// Known are records that came under the keys, by their local indexes.
	Known map[uint64]*protocol.Record
	// Slow says that it can wait.
	Slow bool

	entries   []*entry
	ranged    *ranged
	seq, work uint64
}

// Next returns what to ask next, nil where there is nothing. It must be given to [Plan.Answered],
// [Plan.Listed] or [Plan.Failed].
func (p *Plan) Next(alsoSlow bool) *Ask {
	if a := p.take(&p.urgent, urgent, askedAtOnce); a != nil || !alsoSlow {
		return a
	}
	if a := p.take(&p.slow, slow, slowlyAtOnce); a != nil {
		a.Slow = true
		return a
	}
	for len(p.listings) > 0 {
		r := p.listings[0]
		p.listings = p.listings[1:]
		if r.listing = false; len(r.subs) > 0 {
			return &Ask{Options: &r.group.options, Range: &r.Key, Slow: true, ranged: r, seq: p.seq, work: p.work}
		}
	}
	p.listings = nil
	return nil
}

// take takes the first keys of one group from a queue, at most a number of them.
func (p *Plan) take(from *[]*entry, of queue, most int) *Ask {
	var a *Ask
	n := 0
	for ; n < len(*from); n++ {
		e := (*from)[n]
		if e.queued != of { // dropped meanwhile, or in the other queue
			continue
		}
		switch {
		case a == nil:
			a = &Ask{Options: &e.group.options, seq: p.seq, work: p.work}
		case a.Options != &e.group.options || len(a.entries) == most:
			*from = (*from)[n:]
			return a
		}
		e.queued, e.asking = unqueued, true
		a.entries, a.Keys = append(a.entries, e), append(a.Keys, slices.Clone(e.points))
		p.tell(a, e)
	}
	*from = nil
	return a
}

// tell adds to what is known for an ask the versions that came under an entry's key.
func (p *Plan) tell(a *Ask, e *entry) {
	if a.Known == nil && len(e.came) > 0 {
		a.Known = map[uint64]*protocol.Record{}
	}
	for _, v := range e.came {
		a.Known[v.index] = v.record
	}
	p.forgetVersions(e)
}

// Delivery is an answer for some streams.
type Delivery struct {
	To       []subscription
	Ordinals []uint64 // nil: each knows its own
	Update   *Update
	Failed   error // in place of Update: why there is no answer
}

// Update is what a stream is told: the answer under a composite key.
type Update struct {
	Composite protocol.CompositeID
	Answer    *store.Answer // nil: there is none
	Policy    protocol.Policy
}

// Answers are answers to keys, by the places of the keys. Those of contested keys explain.
type Answers struct {
	ByKey map[int]*store.Answer
	// Failed are keys that cannot be answered.
	Failed map[int]error
	// Policy is the one in effect.
	Policy protocol.Policy
}

// Answered takes the answers to what [Plan.Next] asked. It returns what the streams are to be told.
func (p *Plan) Answered(a *Ask, found *Answers) (list []Delivery) {
	for i, e := range a.entries {
		e.asking = false
		if e.isIdle() {
			continue
		}
		answer, failed := found.ByKey[i], found.Failed[i]
		if failed == nil {
			p.learn(e, answer, found.Policy, a.work)
		}
		// Only the answer tells who claims the key. One of them may have been certified meanwhile.
		if e.contested && a.seq < p.certified {
			p.mark(e, urgent)
		}
		if how := e.changed; how != unqueued {
			e.changed = unqueued
			p.mark(e, how)
		}
		if failed != nil {
			list = append(list, Delivery{To: e.watchers(), Failed: failed})
			continue
		}
		list = append(list, p.deliver(e, answer, found.Policy)...)
		if answer == nil {
			for _, r := range slices.Clone(e.ranges) {
				p.leave(r, e)
			}
		}
	}
	return list
}

// Failed takes back what could not be asked.
func (p *Plan) Failed(a *Ask) {
	if a.ranged != nil && len(a.ranged.subs) > 0 && !a.ranged.listing {
		a.ranged.listing = true
		p.listings = append(p.listings, a.ranged)
	}
	for _, e := range a.entries {
		if e.asking, e.changed = false, unqueued; !e.isIdle() {
			p.mark(e, slow)
		}
	}
}

// deliver returns what the watchers of an entry are told.
func (p *Plan) deliver(e *entry, a *store.Answer, policy protocol.Policy) (list []Delivery) {
	is := answerOf(a)
	if !e.fresh && is == e.told && !e.wantsContests() {
		return nil
	}
	e.told, e.fresh = is, false
	update := &Update{e.id, a, policy}
	if len(e.subs) > 0 {
		list = append(list, Delivery{To: slices.Clone(e.subs), Update: update})
	}
	for _, r := range e.ranges {
		list = append(list, Delivery{To: slices.Clone(r.subs), Ordinals: r.entries[e], Update: update})
	}
	return list
}

// Listed takes the composite keys that a range has now. Those that were not known are asked about.
func (p *Plan) Listed(a *Ask, keys [][]protocol.SelectorPoint) {
	if len(a.ranged.subs) == 0 {
		return
	}
	for _, points := range keys {
		if e, ok := p.found(a.ranged, protocol.CompositeOf(points), points); ok {
			p.mark(e, slow)
		}
	}
}

// learn notes how the claims of a key stand, and when they are to be ranked again. work is that of
// all records before the ranking began.
func (p *Plan) learn(e *entry, a *store.Answer, policy protocol.Policy, work uint64) {
	p.unrank(e)
	if a == nil || a.Damaged != nil || a.Total < 2 {
		return
	}
	e.contested = true
	if e.crowded = a.Total > maxClaimants || len(a.Claims) < a.Total; e.crowded {
		p.crowded[e] = true
	}
	if !e.crowded {
		for i := range a.Claims {
			o := a.Claims[i].Owner
			e.claimants = append(e.claimants, o)
			if p.byOwner[o] == nil {
				p.byOwner[o] = map[*entry]bool{}
			}
			p.byOwner[o][e] = true
		}
	}
	lead, decides := leadOf(a, policy)
	if e.due = work + lead; !decides || e.due < work { // no work is ever that much
		return
	}
	if work < p.work && e.due <= p.work { // what came meanwhile
		p.mark(e, slow)
		return
	}
	p.byWork.Push(e)
}

// Missed has the plan ask about keys of a range that a stream did not find there. They may have
// been away for a moment, if anything has changed since the plan had a sequence number.
func (p *Plan) Missed(r *ranged, listed map[protocol.CompositeID]bool, seq uint64) {
	if seq == p.seq {
		return
	}
	for e := range r.entries {
		if !listed[e.id] {
			e.fresh = true
			p.mark(e, slow)
		}
	}
}

// Read takes an answer that a stream has read itself, beginning when the plan had a sequence number
// and the work of all records. Should anything have changed since, the key is asked about again.
func (p *Plan) Read(e *entry, a *store.Answer, policy protocol.Policy, seq, work uint64) {
	e.fresh = true
	if seq != p.seq {
		p.mark(e, slow)
	}
	if !e.asking {
		p.learn(e, a, policy, work)
	}
}

// leadOf returns how much work must be added before another claim can overtake the first. decides
// is false where weights do not decide.
func leadOf(a *store.Answer, policy protocol.Policy) (lead uint64, decides bool) {
	byWeight := slices.Index(policy, protocol.CriterionWeight)
	if byWeight < 0 || len(a.Claims) < 2 {
		return 0, byWeight >= 0
	}
	if by := slices.Index(policy, a.Claims[1].LostBy); by >= 0 && by < byWeight {
		return 0, false
	}
	first, second := a.Claims[0].Standing.Weight, a.Claims[1].Standing.Weight
	return first - min(first, second), true
}
