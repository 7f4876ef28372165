package watch

import (
	"maps"
	"slices"

	"github.com/lf-store/lf/internal/heap"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Plan knows what is watched, and decides which keys the store is asked about. It is pure, and not
// safe for concurrent use.
type Plan struct {
	groups map[string]*group
	keys   map[protocol.CompositeID]*entry
	// ranges are by the key of their first selector.
	ranges map[protocol.SelectorKey][]*ranged
	// urgent and slow are what is to be asked about; listings are ranges to be listed again.
	urgent, slow []*entry
	listings     []*ranged
	// byWork has the contested entries that weights may decide, byOwner those that an owner claims.
	byWork  *heap.Heap[*entry]
	byOwner map[protocol.Owner]map[*entry]bool
	crowded map[*entry]bool
	// seq counts changes; index and work are those of the last one. certified was the last one by
	// which owners were certified.
	seq, index, work uint64
	certified        uint64
	places           int // entries of all ranges and subscriptions
	full             []*ranged
	came             int // versions that entries keep
}

// takeFull returns the streams of ranges that have become too large, once.
func (p *Plan) takeFull() (streams []*Stream) {
	for _, r := range p.full {
		for _, sub := range r.subs {
			streams = append(streams, sub.stream)
		}
	}
	p.full = nil
	return streams
}

// NewPlan returns the plan of a node that nobody watches.
func NewPlan() *Plan {
	return &Plan{
		groups: map[string]*group{}, keys: map[protocol.CompositeID]*entry{}, ranges: map[protocol.SelectorKey][]*ranged{},
		byWork:  heap.New(func(a, b *entry) bool { return a.due < b.due }, func(e *entry, at int) { e.at = at }),
		byOwner: map[protocol.Owner]map[*entry]bool{}, crowded: map[*entry]bool{},
	}
}

// subscribe begins to watch a stream's keys.
func (p *Plan) subscribe(s *Stream, o Options, keys []Key, r *api.WatchRequest) {
	id := o.id()
	g := p.groups[id]
	if g == nil {
		g = &group{options: o, id: id, entries: map[protocol.CompositeID]*entry{}, ranges: map[string]*ranged{}}
		p.groups[id] = g
	}
	s.group, s.ranged, s.exact = g, map[*ranged]bool{}, map[*entry]bool{}
	for i := range keys {
		sub := subscription{stream: s, key: i, contested: r.Contested, alive: r.Alive > 0}
		p.places++
		if points := keys[i].exact(); points != nil {
			sub.ordinals = keys[i].ordinals()
			e := p.entry(g, protocol.CompositeOf(points), points)
			e.subs, e.fresh = append(e.subs, sub), true
			s.exact[e] = true
			continue
		}
		r := p.rangedOf(g, &keys[i])
		r.subs = append(r.subs, sub)
		s.ranged[r] = true
	}
}

func (p *Plan) rangedOf(g *group, k *Key) *ranged {
	id := k.id()
	r := g.ranges[id]
	if r == nil {
		r = &ranged{Key: *k, id: id, group: g, entries: map[*entry][]uint64{}}
		g.ranges[id] = r
		p.ranges[k.Where[0].Key] = append(p.ranges[k.Where[0].Key], r)
	}
	return r
}

// entry returns the entry of a composite key, a new one if need be.
func (p *Plan) entry(g *group, id protocol.CompositeID, points []protocol.SelectorPoint) *entry {
	e := g.entries[id]
	if e == nil {
		e = &entry{group: g, id: id, points: points, at: -1, next: p.keys[id]}
		g.entries[id], p.keys[id] = e, e
	}
	return e
}

// found adds a composite key to a range that has it.
func (p *Plan) found(r *ranged, id protocol.CompositeID, points []protocol.SelectorPoint) (*entry, bool) {
	if e := r.group.entries[id]; e != nil && r.entries[e] != nil {
		return e, true
	}
	ordinals, ok := store.Matches(r.Where, r.Open, points)
	if !ok {
		return nil, false
	}
	if len(r.entries) >= api.MaxWatchAnswers || p.places >= maxPlaces {
		if !r.full {
			r.full, p.full = true, append(p.full, r)
		}
		return nil, false
	}
	e := p.entry(r.group, id, points)
	r.entries[e] = ordinals
	e.ranges = append(e.ranges, r)
	p.places++
	return e, true
}

// unsubscribe ends what a stream watches.
func (p *Plan) unsubscribe(s *Stream) {
	for e := range s.exact {
		p.places -= len(e.subs)
		e.subs = without(e.subs, s)
		p.places += len(e.subs)
		p.drop(e)
	}
	for r := range s.ranged {
		p.places -= len(r.subs)
		r.subs = without(r.subs, s)
		if p.places += len(r.subs); len(r.subs) == 0 {
			p.dropRange(r)
		}
	}
	if g := s.group; len(g.entries) == 0 && len(g.ranges) == 0 {
		delete(p.groups, g.id)
	}
}

func (p *Plan) dropRange(r *ranged) {
	delete(r.group.ranges, r.id)
	first := r.Where[0].Key
	if p.ranges[first] = slices.DeleteFunc(p.ranges[first], func(o *ranged) bool { return o == r }); len(p.ranges[first]) == 0 {
		delete(p.ranges, first)
	}
	for e := range maps.Clone(r.entries) {
		p.leave(r, e)
	}
}

// leave takes an entry out of a range.
func (p *Plan) leave(r *ranged, e *entry) {
	delete(r.entries, e)
	r.full = false
	e.ranges = slices.DeleteFunc(e.ranges, func(o *ranged) bool { return o == r })
	p.places--
	p.drop(e)
}

// drop forgets an entry that nobody watches.
func (p *Plan) drop(e *entry) {
	if !e.isIdle() {
		return
	}
	p.unrank(e)
	p.forgetVersions(e)
	delete(e.group.entries, e.id)
	e.queued, e.changed = unqueued, unqueued // the queues step over it
	if first := p.keys[e.id]; first != e {
		for first.next != e {
			first = first.next
		}
		first.next = e.next
	} else if p.keys[e.id] = e.next; e.next == nil {
		delete(p.keys, e.id)
	}
}

// unrank forgets what is known of an entry's claims.
func (p *Plan) unrank(e *entry) {
	if e.at >= 0 {
		p.byWork.Remove(e.at)
	}
	for _, o := range e.claimants {
		if delete(p.byOwner[o], e); len(p.byOwner[o]) == 0 {
			delete(p.byOwner, o)
		}
	}
	delete(p.crowded, e)
	e.claimants, e.crowded, e.contested, e.at = nil, false, false, -1
}
