package proxy

import (
	"fmt"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// weightTolerance is how often as heavy one node may call a claim as another one, before that is a
// difference. Work comes at one node a moment before it comes at the others.
const weightTolerance = 2

// majority is the least number that is more than half of the nodes.
func majority(nodes int) int { return nodes/2 + 1 }

// agreeing returns the largest group of opinions that are the same, if that are most of them, and
// the rest. Without a majority it returns nil.
func agreeing[T any](opinions []T, difference func(a, b T) string) (group, rest []T) {
	for _, v := range opinions {
		var same, others []T
		for _, o := range opinions {
			if difference(o, v) == "" {
				same = append(same, o)
			} else {
				others = append(others, o)
			}
		}
		if len(same) > len(group) {
			group, rest = same, others
		}
	}
	if len(group) < majority(len(opinions)) {
		return nil, opinions
	}
	return group, rest
}

// difference says in one line what a node answers that others do not, "" if it is the same.
func difference(v, others *view) string {
	for i := range max(len(v.answers), len(others.answers)) {
		switch {
		case i >= len(v.answers):
			return lacks(&others.answers[i])
		case i >= len(others.answers):
			return adds(&v.answers[i])
		}
		a, b := &v.answers[i], &others.answers[i]
		switch order := a.place.compare(&b.place); {
		case order < 0:
			return adds(a)
		case order > 0:
			return lacks(b)
		}
		if text := a.difference(b); text != "" {
			return text
		}
	}
	if v.next != others.next {
		return "its list ends elsewhere"
	}
	return ""
}

func lacks(a *viewAnswer) string {
	return fmt.Sprintf("it does not answer with record %s", a.winner().ID())
}

func adds(a *viewAnswer) string {
	return fmt.Sprintf("it answers with record %s, where the others have nothing", a.winner().ID())
}

// difference compares what two nodes answer under one composite key.
func (a *viewAnswer) difference(b *viewAnswer) string {
	if a.winner().ID() != b.winner().ID() {
		return fmt.Sprintf("it answers with record %s in place of %s", a.winner().ID(), b.winner().ID())
	}
	if text := differentVersions("an older version", a.older, b.older); text != "" {
		return text
	}
	switch {
	case a.total != b.total:
		return fmt.Sprintf("it counts %d claims in place of %d", a.total, b.total)
	case weighs(a.winner().weight, b.winner().weight):
		return weightText(a.winner(), a.winner().weight, b.winner().weight)
	case a.standings == nil || b.standings == nil:
		return differentVersions("a claim", a.claims, b.claims)
	}
	for i, v := range b.claims {
		j := a.claimOf(v.Owner)
		if j < 0 {
			return fmt.Sprintf("it does not list the claim of %s", v.Owner)
		}
		if text := differentStanding(a.claims[j], v, &a.standings[j], &b.standings[i]); text != "" {
			return text
		}
	}
	if len(a.claims) != len(b.claims) {
		return fmt.Sprintf("it lists %d claims in place of %d", len(a.claims), len(b.claims))
	}
	return ""
}

// differentVersions compares lists that must be the same, in the same order.
func differentVersions(what string, a, b []version) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Sprintf("it lacks record %s, %s", b[i].ID(), what)
		case i >= len(b) || a[i].ID() != b[i].ID():
			return fmt.Sprintf("it lists record %s as %s", a[i].ID(), what)
		}
	}
	return ""
}

// differentStanding compares what two nodes say of one claim. Which claim a node saw first is its
// own affair.
func differentStanding(v, o version, a, b *protocol.Standing) string {
	switch {
	case v.ID() != o.ID():
		return fmt.Sprintf("of owner %s it lists record %s in place of %s", v.Owner, v.ID(), o.ID())
	case a.Certified != b.Certified:
		return fmt.Sprintf("it says that owner %s is %s", v.Owner, certifiedText(a.Certified))
	case a.Objections != b.Objections:
		return fmt.Sprintf("it counts %d oracles that object to record %s, in place of %d", a.Objections, v.ID(), b.Objections)
	case weighs(a.Weight, b.Weight):
		return weightText(v, a.Weight, b.Weight)
	}
	return ""
}

func certifiedText(certified bool) string {
	if certified {
		return "certified"
	}
	return "not certified"
}

func weightText(v version, a, b uint64) string {
	return fmt.Sprintf("it gives record %s a weight of %d, in place of %d", v.ID(), a, b)
}

// weighs reports whether two weights are too far apart to be of the same work. Where a node was not
// asked for one, nothing is.
func weighs(a, b uint64) bool {
	if a == 0 || b == 0 {
		return false
	}
	a, b = min(a, b), max(a, b)
	return b/weightTolerance > a
}

// medianOf is the value in the middle; of two in the middle the smaller. It sorts the list.
func medianOf[T int | uint64](list []T) T {
	slices.Sort(list)
	return list[(len(list)-1)/2]
}
