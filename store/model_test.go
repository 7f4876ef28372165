package store

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// model is the store as a definition rather than a program: everything by brute force, from the records alone.
type model struct{ records []*protocol.Record }

// attached are the records whose ancestors are all here and none of them older than a link, found by repetition.
func (m *model) attached(w *world) map[protocol.ID]*protocol.Record {
	in := map[protocol.ID]*protocol.Record{}
	for _, g := range w.Genesis() {
		in[g.ID()] = g
	}
	for grew := true; grew; {
		grew = false
		for _, r := range m.records {
			if in[r.ID()] == nil && !slices.ContainsFunc(r.Links, func(l protocol.ID) bool { return in[l] == nil || in[l].Timestamp > r.Timestamp }) {
				in[r.ID()], grew = r, true
			}
		}
	}
	return in
}

// waiting are the records that are neither attached nor can never be: invalid themselves, or with such an ancestor.
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

// modelAnswer is an answer as IDs: for each claim its versions, newest first.
type modelAnswer struct {
	composite protocol.CompositeID
	ordinals  []uint64
	claims    [][]protocol.ID
}

func (m *model) query(w *world, q Query) (answers []modelAnswer, more bool) {
	byKey := map[protocol.CompositeID][]*protocol.Record{}
	for _, r := range m.attached(w) {
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
		claims := modelClaims(records, q.History)
		if ordinals != nil && len(claims) > 0 {
			answers = append(answers, modelAnswer{id, ordinals, claims})
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

// bruteAssign tries every way to give each range a selector of its own, and returns the smallest ordinals.
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

// modelClaims are the claims among the records of one key, best first.
func modelClaims(records []*protocol.Record, history bool) (claims [][]protocol.ID) {
	newestFirst := func(a, b *protocol.Record) int {
		x, y := a.SignedHash(), b.SignedHash()
		return -cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare(x[:], y[:]), a.ID().Compare(b.ID()))
	}
	slices.SortFunc(records, newestFirst)
	withdrawn := map[protocol.Owner]uint64{} // up to which time
	for _, r := range records {
		if r.Type == protocol.TypeRelease {
			withdrawn[r.Owner] = max(withdrawn[r.Owner], r.Timestamp)
		}
	}
	said := map[[32]byte]bool{}
	place := map[protocol.Owner]int{}
	for _, r := range records {
		twin := said[r.SignedHash()]
		said[r.SignedHash()] = true
		switch at, has := place[r.Owner]; {
		case twin || r.Timestamp <= withdrawn[r.Owner]:
		case has:
			claims[at] = append(claims[at], r.ID())
		default:
			place[r.Owner] = len(claims)
			claims = append(claims, []protocol.ID{r.ID()})
		}
	}
	if !history && len(claims) > 0 {
		claims = [][]protocol.ID{claims[0][:1]}
	}
	return claims
}

// idsOfAnswers turns the store's answers into the model's form.
func idsOfAnswers(a Answers) (answers []modelAnswer) {
	for _, k := range a.Keys {
		m := modelAnswer{composite: k.Composite, ordinals: k.Ordinals}
		for _, c := range k.Claims {
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
