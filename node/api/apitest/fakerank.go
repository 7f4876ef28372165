package apitest

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// ranking ranks the claims of one query, by looking at every record for each. It takes what was
// seen first for first, however it came.
type ranking struct {
	policy       protocol.Policy
	oracles      []protocol.Owner
	children     map[protocol.ID][]*entry
	certificates *certificates
	words        map[word]wordSaid
}

// word is what one oracle has to say something about.
type word struct {
	oracle, owner protocol.Owner
	composite     protocol.CompositeID
}

type wordSaid struct {
	by      *entry
	objects bool
}

// claim is one owner's claim: its live versions, newest first, and how it stands.
type claim struct {
	versions  []*entry
	standing  protocol.Standing
	authority string
	// said, by and revoked are the records that prove the standing.
	said    []api.SaidWord
	by      protocol.ID
	revoked []api.RevokedCertificate
	seen    uint64
	lostBy  protocol.Criterion
}

func (f *Fake) ranking(q *api.Query) (*ranking, error) {
	authorities, err := q.ParseAuthorities()
	if err != nil {
		return nil, err
	}
	r := &ranking{policy: q.Policy, oracles: distinct(q.Oracles), children: f.children(), certificates: f.certificates(authorities), words: map[word]wordSaid{}}
	if len(r.policy) == 0 {
		r.policy = protocol.DefaultPolicy()
	}
	r.policy = r.policy.Total()
	for _, e := range f.records {
		if e.state == api.StateAttached && e.Type == protocol.TypeCommentary && slices.Contains(r.oracles, e.Owner) {
			r.listen(e)
		}
	}
	return r, nil
}

func distinct(oracles []protocol.Owner) []protocol.Owner {
	var list []protocol.Owner
	for _, o := range oracles {
		if !slices.Contains(list, o) {
			list = append(list, o)
		}
	}
	return list
}

// children lists, for each record, the attached ones that link it.
func (f *Fake) children() map[protocol.ID][]*entry {
	children := map[protocol.ID][]*entry{}
	for _, e := range f.records {
		for _, link := range e.Links {
			if e.state == api.StateAttached {
				children[link] = append(children[link], e)
			}
		}
	}
	return children
}

// listen takes in a commentary: of an oracle's words about the same claim the latest counts.
func (r *ranking) listen(e *entry) {
	words, err := protocol.ParseCommentary(e.ValueBytes())
	if err != nil {
		return // it says nothing
	}
	for _, w := range words {
		about := word{e.Owner, w.Owner, w.Composite}
		if before, ok := r.words[about]; !ok || newest(e, before.by) < 0 {
			r.words[about] = wordSaid{e, w.Objects}
		}
	}
}

// rank orders claims on one composite key, best first.
func (r *ranking) rank(composite protocol.CompositeID, claims []*claim) {
	for _, c := range claims {
		c.standing = r.standing(composite, c)
		r.certificates.certify(c)
		c.standing.First = !slices.ContainsFunc(claims, func(o *claim) bool { return firstSeen(o.versions) < firstSeen(c.versions) })
	}
	slices.SortFunc(claims, func(a, b *claim) int {
		better, _ := r.policy.Compare(&a.standing, &b.standing)
		return -better
	})
	for _, c := range claims[1:] {
		_, c.lostBy = r.policy.Compare(&claims[0].standing, &c.standing)
	}
}

func (r *ranking) standing(composite protocol.CompositeID, c *claim) protocol.Standing {
	answer := c.versions[0]
	s := protocol.Standing{Elected: len(r.oracles), Timestamp: answer.Timestamp, SignedHash: answer.SignedHash()}
	for _, o := range r.oracles {
		said, ok := r.words[word{o, answer.Owner, composite}]
		if !ok {
			continue
		}
		c.said = append(c.said, api.SaidWord{Oracle: o, Record: said.by.ID(), Objects: said.objects})
		if said.objects {
			s.Objections++
		}
	}
	for _, v := range c.versions {
		s.Weight = max(s.Weight, weight(r.children, v))
	}
	c.seen = firstSeen(c.versions)
	return s
}

func firstSeen(versions []*entry) uint64 {
	return slices.MinFunc(versions, func(a, b *entry) int { return cmp.Compare(a.seen, b.seen) }).seen
}

// weight is the work of a record and of all that descends from it.
func weight(children map[protocol.ID][]*entry, e *entry) uint64 {
	if e.state != api.StateAttached {
		return 0
	}
	sum := uint64(0)
	reached := map[protocol.ID]bool{e.ID(): true}
	for queue := []*entry{e}; len(queue) > 0; queue = queue[1:] {
		sum += max(1, uint64(queue[0].Effort()))
		for _, child := range children[queue[0].ID()] {
			if !reached[child.ID()] {
				reached[child.ID()] = true
				queue = append(queue, child)
			}
		}
	}
	return sum
}

// newest orders versions by timestamp and signed hash, and twins by ID, the newest first.
func newest(a, b *entry) int {
	x, y, idx, idy := a.SignedHash(), b.SignedHash(), a.ID(), b.ID()
	return -cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare(x[:], y[:]), bytes.Compare(idx[:], idy[:]))
}

func (r *ranking) explain(claims []*claim) *api.Explanation {
	e := &api.Explanation{Policy: r.policy}
	if len(claims) > 1 {
		e.Decided = claims[1].lostBy
	}
	for _, c := range claims[:min(len(claims), 100)] {
		answer := c.versions[0]
		e.Claims = append(e.Claims, api.ClaimInfo{
			Owner: answer.Owner, Record: answer.ID(), Deleted: answer.Tombstone(), Standing: c.standing,
			Authority: c.authority, Seen: c.seen / 1000, LostBy: c.lostBy,
			Words: c.said, Certificate: c.by, Revoked: c.revoked,
		})
	}
	e.Reason = e.Why(protocol.Owner.String)
	return e
}
