package store

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// graph is the attached records with what follows from them by brute force.
type modelGraph struct {
	w       *world
	records map[protocol.ID]*protocol.Record
	past    map[protocol.ID]map[protocol.ID]bool
	weight  map[protocol.ID]uint64
	// seen says when a store saw each record first, in microseconds; it is the store's own.
	seen map[protocol.ID]int64
}

// graphOf adds records as long as one has all its links here and breaks no rule that its past
// decides.
func (m *model) graph(w *world) *modelGraph {
	g := &modelGraph{w: w, records: map[protocol.ID]*protocol.Record{}, past: map[protocol.ID]map[protocol.ID]bool{}, weight: map[protocol.ID]uint64{}}
	for _, r := range w.Genesis() {
		g.add(r)
	}
	for grew := true; grew; {
		grew = false
		for _, r := range m.records {
			if g.records[r.ID()] == nil && g.ready(r) && g.valid(r) {
				g.add(r)
				grew = true
			}
		}
	}
	return g
}

func (g *modelGraph) ready(r *protocol.Record) bool {
	return !slices.ContainsFunc(r.Links, func(l protocol.ID) bool { return g.records[l] == nil })
}

// valid applies the rules of the past to a record whose links are here.
func (g *modelGraph) valid(r *protocol.Record) bool {
	if slices.ContainsFunc(r.Links, func(l protocol.ID) bool { return g.records[l].Timestamp > r.Timestamp }) {
		return false
	}
	return !g.w.NeedsCertificate(r) || len(g.restsOn(r)) > 0
}

func (g *modelGraph) add(r *protocol.Record) {
	past := g.pastOf(r)
	g.records[r.ID()], g.past[r.ID()] = r, past
	for id := range past {
		g.weight[id] += workOf(r)
	}
	g.weight[r.ID()] += workOf(r)
}

func (g *modelGraph) pastOf(r *protocol.Record) map[protocol.ID]bool {
	past := map[protocol.ID]bool{}
	for _, l := range r.Links {
		past[l] = true
		for id := range g.past[l] {
			past[id] = true
		}
	}
	return past
}

// good is a chain with an authority that it is good for.
type good struct {
	*protocol.Chain
	authority *protocol.Authority
}

func goodFor(r *protocol.Record, owner protocol.Owner, timestamp uint64, authorities []*protocol.Authority) (list []good) {
	if r.Type != protocol.TypeCertificate {
		return nil
	}
	c, err := protocol.ParseChain(r.ValueBytes())
	if err != nil || c.Owner() != owner {
		return nil
	}
	for _, a := range authorities {
		if c.Authority([]*protocol.Authority{a}) != nil && c.ValidAt(timestamp, a) {
			list = append(list, good{c, a})
		}
	}
	return list
}

// revokes returns what a record says against a chain, and whether its owner issued that.
func (c good) revokes(r *protocol.Record) (list []protocol.Revoked, own bool) {
	if r.Type != protocol.TypeRevocation {
		return nil, false
	}
	l, err := protocol.ParseRevocations(r.ValueBytes())
	if err != nil {
		return nil, false
	}
	for _, i := range c.Issues(c.authority) {
		for _, e := range l.Entries() {
			if e.Serial == i.Serial && l.Issuer() == i.Issuer && l.SignedBy(i.Key) {
				list = append(list, e)
				own = i.Key == r.Owner
			}
		}
	}
	return list, own
}

// restsOn returns the chains that a record, which need not be attached, rests on.
func (g *modelGraph) restsOn(r *protocol.Record) (list []good) {
	past := g.pastOf(r)
	for _, l := range r.Links {
		for _, c := range goodFor(g.records[l], r.Owner, r.Timestamp, g.w.Authorities()) {
			revoked := false
			for id := range past {
				says, _ := c.revokes(g.records[id])
				revoked = revoked || len(says) > 0
			}
			if !revoked {
				list = append(list, c)
			}
		}
	}
	return list
}

func (g *modelGraph) reached(c good, r *protocol.Record) bool {
	for id, revocation := range g.records {
		says, own := c.revokes(revocation)
		for _, e := range says {
			if e.Since == 0 || r.Timestamp >= e.Since || own && !g.past[id][r.ID()] {
				return true
			}
		}
	}
	return false
}

func (g *modelGraph) hidden(r *protocol.Record) bool {
	return g.w.NeedsCertificate(r) && !slices.ContainsFunc(g.restsOn(r), func(c good) bool { return !g.reached(c, r) })
}

func (g *modelGraph) certified(r *protocol.Record, extra []*protocol.Authority) bool {
	for _, certificate := range g.records {
		for _, c := range goodFor(certificate, r.Owner, r.Timestamp, append(slices.Clone(g.w.Authorities()), extra...)) {
			if !g.reached(c, r) {
				return true
			}
		}
	}
	return false
}

func (g *modelGraph) objects(oracle protocol.Owner, composite protocol.CompositeID, owner protocol.Owner) bool {
	var latest *protocol.Record
	objects := false
	for _, r := range g.records {
		if r.Owner != oracle || latest != nil && statedAfter(latest, r) {
			continue
		}
		for _, w := range r.Words() {
			if w.Composite == composite && w.Owner == owner {
				latest, objects = r, w.Objects
			}
		}
	}
	return objects
}

// statedAfter orders by timestamp, then by signed hash.
func statedAfter(a, b *protocol.Record) bool {
	x, y := a.SignedHash(), b.SignedHash()
	return cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare(x[:], y[:])) > 0
}

// modelClaim is one owner's claim.
type modelClaim struct {
	versions  []*protocol.Record // those that stand, newest first, twins too
	standing  protocol.Standing
	firstSeen firstSeen
}

// claimsOn finds and ranks the claims among the records of one key.
func (g *modelGraph) claimsOn(records []*protocol.Record, q Query) (claims []*modelClaim) {
	byOwner := map[protocol.Owner][]*protocol.Record{}
	released := map[protocol.Owner]uint64{}
	for _, r := range records {
		if g.hidden(r) {
			continue
		}
		if r.Type == protocol.TypeRelease {
			released[r.Owner] = max(released[r.Owner], r.Timestamp)
		} else {
			byOwner[r.Owner] = append(byOwner[r.Owner], r)
		}
	}
	for owner, versions := range byOwner {
		versions = slices.DeleteFunc(versions, func(r *protocol.Record) bool { return r.Timestamp <= released[owner] })
		slices.SortFunc(versions, func(a, b *protocol.Record) int {
			x, y := a.SignedHash(), b.SignedHash()
			return -cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare(x[:], y[:]), a.ID().Compare(b.ID()))
		})
		if len(versions) > 0 {
			claims = append(claims, &modelClaim{versions: versions})
		}
	}
	for _, c := range claims {
		g.stand(c, q)
	}
	for _, c := range claims {
		c.standing.First = !slices.ContainsFunc(claims, func(d *modelClaim) bool {
			saysNothing := c.firstSeen.late && d.firstSeen.late && c.firstSeen.timestamp*1000 <= d.firstSeen.seen
			return d.firstSeen.seen < c.firstSeen.seen && !saysNothing
		})
	}
	policy := q.Policy
	if policy == nil {
		policy = protocol.DefaultPolicy()
	}
	slices.SortFunc(claims, func(a, b *modelClaim) int {
		d, _ := policy.Compare(&b.standing, &a.standing)
		return d
	})
	return claims
}

func (g *modelGraph) stand(c *modelClaim, q Query) {
	best := c.versions[0]
	c.standing = protocol.Standing{Certified: g.certified(best, q.Authorities), Timestamp: best.Timestamp, SignedHash: best.SignedHash()}
	elected := map[protocol.Owner]bool{}
	for _, o := range q.Oracles {
		if !elected[o] {
			elected[o] = true
			c.standing.Elected++
			if g.objects(o, best.CompositeID(), best.Owner) {
				c.standing.Objections++
			}
		}
	}
	for i, v := range c.versions {
		c.standing.Weight = max(c.standing.Weight, g.weight[v.ID()])
		if s := newFirstSeen(g.seen[v.ID()], int64(v.Timestamp), g.w.Network); i == 0 || s.seen < c.firstSeen.seen {
			c.firstSeen = s
		}
	}
}

// listed are a claim's versions as answers list them: twins once.
func (c *modelClaim) listed() (ids []protocol.ID) {
	said := map[[32]byte]bool{}
	for _, v := range c.versions {
		if !said[v.SignedHash()] {
			said[v.SignedHash()] = true
			ids = append(ids, v.ID())
		}
	}
	return ids
}
