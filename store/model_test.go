package store

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// model is the store as a definition rather than a program: everything by brute force, from the
// records alone.
type model struct {
	records []*protocol.Record
	made    *modelGraph
}

// attached are the records whose ancestors are all here and that their past allows.
func (m *model) attached(w *world) map[protocol.ID]*protocol.Record { return m.graphIn(w).records }

func (m *model) graphIn(w *world) *modelGraph {
	if m.made == nil {
		m.made = m.graph(w)
	}
	return m.made
}

// waiting are the records that are neither attached nor can never be: invalid themselves, or with
// such an ancestor.
func (m *model) waiting(w *world) map[protocol.ID]bool {
	in := m.attached(w)
	out := map[protocol.ID]bool{}
	bad := map[protocol.ID]bool{}
	for grew := true; grew; {
		grew = false
		for _, r := range m.records {
			here := !slices.ContainsFunc(r.Links, func(l protocol.ID) bool { return in[l] == nil })
			hopeless := slices.ContainsFunc(r.Links, func(l protocol.ID) bool { return bad[l] })
			if in[r.ID()] == nil && !bad[r.ID()] && (here || hopeless) {
				bad[r.ID()], grew = true, true
			}
		}
	}
	for _, r := range m.records {
		if in[r.ID()] == nil && !bad[r.ID()] {
			out[r.ID()] = true
		}
	}
	return out
}

// modelAnswer is an answer as IDs: for each claim its versions, newest first. What explains it is
// there where it was asked for.
type modelAnswer struct {
	composite protocol.CompositeID
	ordinals  []uint64
	total     int
	claims    [][]protocol.ID
	explained []explained
}

type explained struct {
	protocol.Standing
	seen   uint64
	lostBy protocol.Criterion
}

func (m *model) query(w *world, q Query) (answers []modelAnswer, more bool) {
	g := m.graphIn(w)
	byKey := map[protocol.CompositeID][]*protocol.Record{}
	for _, r := range g.records {
		switch {
		case r.Type != protocol.TypeDatum && r.Type != protocol.TypeRelease,
			len(q.Owners) > 0 && !slices.Contains(q.Owners, r.Owner),
			r.Timestamp < q.Since, q.Until > 0 && r.Timestamp > q.Until:
			continue
		}
		byKey[r.CompositeID()] = append(byKey[r.CompositeID()], r)
	}
	for id, records := range byKey {
		ordinals := bruteAssign(q, records[0].Selectors)
		if ordinals == nil {
			continue
		}
		if claims := g.claimsOn(records, q); len(claims) > 0 {
			answers = append(answers, answerOf(id, ordinals, claims, q))
		}
	}
	slices.SortFunc(answers, func(a, b modelAnswer) int {
		return cmp.Or(slices.Compare(a.ordinals, b.ordinals), slices.Compare(a.composite[:], b.composite[:]))
	})
	limit := cmp.Or(q.Limit, defaultLimit)
	if len(answers) > limit {
		return answers[:limit], true
	}
	return answers, false
}

func answerOf(id protocol.CompositeID, ordinals []uint64, claims []*modelClaim, q Query) modelAnswer {
	a := modelAnswer{composite: id, ordinals: ordinals, total: len(claims)}
	for _, c := range claims {
		ids := c.listed()
		if !q.History {
			ids = ids[:1]
		}
		if len(a.claims) == 0 || q.History || q.Explain {
			a.claims = append(a.claims, ids)
		}
		if q.Explain {
			policy := q.Policy
			if policy == nil {
				policy = protocol.DefaultPolicy()
			}
			_, lostBy := policy.Compare(&claims[0].standing, &c.standing)
			a.explained = append(a.explained, explained{c.standing, uint64(c.firstSeen.seen / 1000), lostBy})
		}
	}
	return a
}

// bruteAssign tries every way to give each range a selector of its own, and returns the smallest
// ordinals.
func bruteAssign(q Query, selectors []protocol.Selector) (best []uint64) {
	if len(selectors) < len(q.Where) || !q.Open && len(selectors) > len(q.Where) {
		return nil
	}
	var try func(ordinals []uint64, used []bool)
	try = func(ordinals []uint64, used []bool) {
		if len(ordinals) == len(q.Where) {
			if best == nil || slices.Compare(ordinals, best) < 0 {
				best = slices.Clone(ordinals)
			}
			return
		}
		want := q.Where[len(ordinals)]
		for i, s := range selectors {
			if !used[i] && s.Key == want.Key && want.From <= s.Ordinal && s.Ordinal <= want.To {
				used[i] = true
				try(append(ordinals, s.Ordinal), used)
				used[i] = false
			}
		}
	}
	try(nil, make([]bool, len(selectors)))
	return best
}

// idsOfAnswers turns the store's answers into the model's form.
func idsOfAnswers(q Query, a Answers) (answers []modelAnswer) {
	for _, k := range a.Keys {
		m := modelAnswer{composite: k.Composite, ordinals: k.Ordinals, total: k.Total}
		for _, c := range k.Claims {
			if q.Explain {
				m.explained = append(m.explained, explained{c.Standing, c.Seen, c.LostBy})
			}
			ids := []protocol.ID{c.Record.ID()}
			for _, v := range c.Older {
				ids = append(ids, v.Record.ID())
			}
			m.claims = append(m.claims, ids)
		}
		answers = append(answers, m)
	}
	return answers
}

func equalAnswers(a, b []modelAnswer) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
}
