package watch

import (
	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// Changed takes what a commit did, and notes which answers it may have changed.
func (p *Plan) Changed(c *store.Changes) {
	p.seq++
	p.index, p.work = c.Index, c.Work
	for i, r := range c.Versions {
		p.attached(attachedVersion{c.Indexes[i], r})
	}
	for _, r := range c.Commentaries {
		for _, w := range r.Words() {
			p.markAll(w.Composite, urgent)
		}
	}
	for _, o := range c.Certified {
		for e := range p.byOwner[o] {
			p.mark(e, urgent)
		}
	}
	if len(c.Certified) > 0 {
		p.certified = p.seq
		for e := range p.crowded {
			p.mark(e, slow)
		}
	}
	if c.Revoked || c.Repaired {
		p.everything(func(*group) bool { return true })
	}
	if c.Undone {
		for _, e := range p.byWork.All() {
			e.due = 0
		}
	}
	p.weighed(c.Undone)
}

// attached notes a version. It finds ranges by each of its selectors.
func (p *Plan) attached(v attachedVersion) {
	r := v.record
	id := r.CompositeID()
	for e := p.keys[id]; e != nil; e = e.next {
		p.keepVersion(e, v)
		p.mark(e, urgent)
	}
	if len(p.ranges) == 0 {
		return
	}
	var points []protocol.SelectorPoint
	for i, s := range r.Selectors {
		if i > 0 && s.Key == r.Selectors[i-1].Key { // they are sorted, or else it is found twice
			continue
		}
		for _, one := range p.ranges[s.Key] {
			if points == nil {
				points = pointsOf(r)
			}
			if e, ok := p.found(one, id, points); ok {
				p.keepVersion(e, v)
				p.mark(e, urgent)
			}
		}
	}
}

// keepVersion keeps a version until the key is asked about, where there is room.
func (p *Plan) keepVersion(e *entry, v attachedVersion) {
	last := len(e.came) - 1
	if p.came < maxCame && len(e.came) < maxCameEach && (last < 0 || e.came[last].index != v.index) {
		e.came = append(e.came, v)
		p.came++
	}
}

// forgetVersions drops the versions that an entry keeps.
func (p *Plan) forgetVersions(e *entry) {
	p.came -= len(e.came)
	e.came = nil
}

func (p *Plan) markAll(id protocol.CompositeID, how queue) {
	for e := p.keys[id]; e != nil; e = e.next {
		p.mark(e, how)
	}
}

// mark has a key asked about.
func (p *Plan) mark(e *entry, how queue) {
	if e.asking {
		e.changed = max(e.changed, how)
		return
	}
	if e.queued >= how {
		return
	}
	e.queued = how
	if how == urgent {
		p.urgent = append(p.urgent, e)
	} else {
		p.slow = append(p.slow, e)
	}
}

// weighed has the contested keys ranked again of which a claim may have overtaken the first.
func (p *Plan) weighed(all bool) {
	for p.byWork.Len() > 0 && (all || p.byWork.First().due <= p.work) {
		p.mark(p.byWork.Pop(), slow)
	}
}

// Beat is a stream's place at which a claim has a new pulse.
type Beat struct {
	*Stream
	at watchstate.Place
}

// Pulsed returns the places of the streams that want to know what is alive.
func (p *Plan) Pulsed(of protocol.CompositeID) (beats []Beat) {
	for e := p.keys[of]; e != nil; e = e.next {
		add := func(subs []subscription, ordinals []uint64) {
			for _, sub := range subs {
				if !sub.alive {
					continue
				}
				at := watchstate.Place{Key: sub.key, Composite: of, Ordinals: ordinals}
				if ordinals == nil {
					at.Ordinals = sub.ordinals
				}
				beats = append(beats, Beat{sub.stream, at})
			}
		}
		add(e.subs, nil)
		for _, r := range e.ranges {
			add(r.subs, r.entries[e])
		}
	}
	return beats
}

// Settings says that the node's policy or oracles are others now.
func (p *Plan) Settings() {
	p.seq++
	p.everything(func(g *group) bool { return g.options.ownSettings() })
}

// everything has all keys of some groups asked about, and ranges listed again: keys may have
// answers now that had none.
func (p *Plan) everything(of func(*group) bool) {
	for _, g := range p.groups {
		if !of(g) {
			continue
		}
		for _, e := range g.entries {
			p.mark(e, slow)
		}
		for _, r := range g.ranges {
			if !r.listing {
				r.listing = true
				p.listings = append(p.listings, r)
			}
		}
	}
}
