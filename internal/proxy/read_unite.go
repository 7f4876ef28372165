package proxy

import (
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// uniteAgreeing unites views that say the same but for weights, and for what each node saw first.
func (u *question) uniteAgreeing(group []*view) *view {
	first := group[0]
	if len(group) == 1 {
		return &view{next: first.next, answers: first.answers}
	}
	out := &view{next: first.next, answers: slices.Clone(first.answers)}
	for i := range out.answers {
		out.answers[i] = u.uniteAnswers(group, i)
	}
	return out
}

// uniteAnswers unites the i-th answers of views that say the same.
func (u *question) uniteAnswers(group []*view, i int) viewAnswer {
	first := &group[0].answers[i]
	a := *first
	a.claims, a.older = slices.Clone(first.claims), slices.Clone(first.older)
	weights := func(of func(*viewAnswer) uint64) uint64 {
		list := make([]uint64, len(group))
		for j, v := range group {
			list[j] = of(&v.answers[i])
		}
		return medianOf(list)
	}
	for j := range a.older {
		a.older[j].weight = weights(func(b *viewAnswer) uint64 { return b.older[j].weight })
	}
	for j, v := range a.claims {
		a.claims[j].weight = weights(func(b *viewAnswer) uint64 { return b.claims[b.claimOf(v.Owner)].weight })
	}
	if first.standings == nil {
		return a
	}
	a.standings, a.infos = make([]protocol.Standing, len(a.claims)), slices.Clone(first.infos)
	for j, v := range a.claims {
		said := make([]protocol.Standing, len(group))
		for k, g := range group {
			b := &g.answers[i]
			said[k] = b.standings[b.claimOf(v.Owner)]
		}
		a.standings[j] = uniteStandings(said, v.Record)
	}
	a.rank(u.Policy)
	if a.winner().ID() != first.winner().ID() {
		return *first // work came between the answers, and all agree about the winner
	}
	return a
}

// uniteStandings is how a claim stands, by what several nodes say of it. Of two that differ the
// worse counts.
func uniteStandings(said []protocol.Standing, answer *protocol.Record) protocol.Standing {
	s := protocol.Standing{Timestamp: answer.Timestamp, SignedHash: answer.SignedHash(), Elected: said[0].Elected}
	weights, supports := make([]uint64, len(said)), make([]int, len(said))
	certified, first := 0, 0
	for i := range said {
		weights[i], supports[i] = said[i].Weight, said[i].Elected-said[i].Objections
		if said[i].Certified {
			certified++
		}
		if said[i].First {
			first++
		}
	}
	s.Weight = max(medianOf(weights), 1, uint64(answer.Effort()))
	s.Objections = s.Elected - medianOf(supports)
	s.Certified, s.First = certified >= majority(len(said)), first >= majority(len(said))
	return s
}

// rank puts claims in the order that a policy gives them.
func (a *viewAnswer) rank(p protocol.Policy) {
	order := make([]int, len(a.claims))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		better, _ := p.Compare(&a.standings[i], &a.standings[j])
		return -better
	})
	claims, standings, infos := make([]version, 0, len(order)), make([]protocol.Standing, 0, len(order)), make([]api.ClaimInfo, 0, len(order))
	for _, i := range order {
		claims, standings, infos = append(claims, a.claims[i]), append(standings, a.standings[i]), append(infos, a.infos[i])
	}
	a.claims, a.standings, a.infos = claims, standings, infos
}
