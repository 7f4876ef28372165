package proxy

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// maxLookups bounds the records that are asked for by ID because of one question.
	// lookupsAtOnce bounds how many of these requests are under way at a time.
	maxLookups    = 256
	lookupsAtOnce = 16
	// maxAlone bounds the versions that come marked with their nodes.
	maxAlone = 64
)

// vote unites views of which no majority says the same, record by record. A version counts when
// most nodes call it attached and visible.
func (s *Service) vote(ctx context.Context, u *question, views []*view, told []api.Difference) (*api.QueryResult, error) {
	asked := len(views) + len(told)
	b := &ballot{question: u, views: views, need: majority(asked), held: map[lookup]bool{}}
	places, next := b.places()
	for i := range places {
		b.nominate(&places[i])
	}
	s.lookUp(ctx, b)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	united := &view{next: next}
	for i := range places {
		if a, ok := b.elect(&places[i]); ok {
			united.answers = append(united.answers, a)
		}
	}
	e, err := s.prove(ctx, u, united, views, len(told))
	if err != nil {
		return nil, err
	}
	c := judged(s, views, told, e, func(v *view) string { return difference(v, united) })
	c.Alone = b.alone
	if u.exact() && len(united.answers) == 0 && len(b.alone) > 0 && !b.mostSayNothing() {
		return nil, nothingInCommon(c)
	}
	u.findPulses(united, views)
	return u.answer(united, c), nil
}

// nothingInCommon is the answer where each node says something else about one key.
func nothingInCommon(c *api.Comparison) error {
	var said []string
	for i := range c.Alone {
		said = append(said, fmt.Sprintf("%s answers with record %s of %s", strings.Join(c.Alone[i].Nodes, ", "), c.Alone[i].Record, c.Alone[i].Owner))
	}
	e := api.Conflict("the nodes have nothing in common about this key: %s", strings.Join(said, "; "))
	e.Comparison = c
	return e
}

// ballot is a vote about what several nodes answered.
type ballot struct {
	*question
	views   []*view
	need    int // how many votes a version needs
	lookups []lookup
	held    map[lookup]bool // the node calls the record attached and visible
	alone   []api.AloneVersion
}

// lookup is a record that a node is asked for by ID.
type lookup struct {
	node *node
	id   protocol.ID
}

// places are where any node answers something, in order. A list ends where the shortest page ends.
func (b *ballot) places() (list []place, next string) {
	var end *place
	for _, v := range b.views {
		if v.next == "" {
			continue
		}
		if last := &v.answers[len(v.answers)-1].place; end == nil || last.compare(end) < 0 {
			end = last
		}
	}
	for _, v := range b.views {
		for i := range v.answers {
			p := v.answers[i].place
			if end != nil && p.compare(end) > 0 {
				break
			}
			at, found := slices.BinarySearchFunc(list, &p, func(a place, p *place) int { return a.compare(p) })
			if !found {
				list = slices.Insert(list, at, p)
			}
		}
	}
	if limit := cmp.Or(b.Limit, api.DefaultLimit); b.Keys == nil && len(list) > limit {
		list = list[:limit]
		end = &list[limit-1]
	}
	if end != nil {
		next = b.cursor(end)
	}
	return list, next
}

func (b *ballot) cursor(p *place) string {
	at := api.Position{Ordinals: p.ordinals}
	copy(at.Prefix[:], p.composite[:])
	return b.Cursor(at)
}

// candidate is a version that some node lists.
type candidate struct {
	version
	listed  []*node  // by whom
	weights []uint64 // as they say
	answer  bool     // somebody lists it as what answers for its claim
}

// candidates are the versions that nodes list at a place, by owner.
func (b *ballot) candidates(p *place) map[protocol.Owner][]candidate {
	found := map[protocol.Owner][]candidate{}
	add := func(n *node, v version, answer bool) {
		list := found[v.Owner]
		i := slices.IndexFunc(list, func(c candidate) bool { return c.ID() == v.ID() })
		if i < 0 {
			i, list = len(list), append(list, candidate{version: v})
		}
		list[i].listed, list[i].answer = append(list[i].listed, n), list[i].answer || answer
		list[i].weights = append(list[i].weights, v.weight)
		found[v.Owner] = list
	}
	for _, view := range b.views {
		a := view.at(p)
		if a == nil {
			continue
		}
		for _, v := range a.claims {
			add(view.node, v, true)
		}
		for _, v := range a.older {
			add(view.node, v, false)
		}
	}
	return found
}

// nominate has nodes asked by ID for what they might call attached and visible without listing it.
func (b *ballot) nominate(p *place) {
	for owner, list := range b.candidates(p) {
		for _, c := range list {
			if len(c.listed) >= b.need {
				continue
			}
			for _, v := range b.views {
				if !slices.Contains(c.listed, v.node) && v.at(p).mayHold(owner, c.version) && len(b.lookups) < maxLookups {
					b.lookups = append(b.lookups, lookup{v.node, c.ID()})
				}
			}
		}
	}
}

// mayHold reports whether a node that answers this may call a version attached and visible that it
// does not list. Where it lists all claims and none of the owner's, it says that nothing of that
// owner's stands. The older versions of the winner are listed, too.
func (a *viewAnswer) mayHold(owner protocol.Owner, v version) bool {
	if a == nil {
		return false
	}
	switch i := a.claimOf(owner); {
	case i < 0:
		return a.total > len(a.claims)
	case i == 0 && newer(a.winner(), v) < 0:
		return len(a.older) >= listedClaims
	}
	return true
}

// lookUp asks nodes for records by ID. A node that does not answer has no vote.
func (s *Service) lookUp(ctx context.Context, b *ballot) {
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, lookupsAtOnce)
	for _, l := range b.lookups {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			info, err := s.recordOf(ctx, l.node, l.id)
			if err != nil || info.State != api.StateAttached || info.Hidden {
				return
			}
			if _, err := s.records.check(l.id, info.Frame); err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			b.held[l] = true
		})
	}
	all.Wait()
}

// votes is how many nodes call a version attached and visible.
func (b *ballot) votes(c *candidate) int {
	votes := len(c.listed)
	for _, v := range b.views {
		if !slices.Contains(c.listed, v.node) && b.held[lookup{v.node, c.ID()}] {
			votes++
		}
	}
	return votes
}

// elect returns the answer at a place, made of the versions that count, unless there is none.
func (b *ballot) elect(p *place) (a viewAnswer, ok bool) {
	a.place = *p
	older := map[protocol.Owner][]version{}
	found := b.candidates(p)
	for _, owner := range slices.SortedFunc(maps.Keys(found), func(a, b protocol.Owner) int { return bytes.Compare(a[:], b[:]) }) {
		list := found[owner]
		slices.SortFunc(list, func(x, y candidate) int { return newer(x.version, y.version) })
		var counted []version
		for i := range list {
			if c := &list[i]; b.votes(c) >= b.need {
				counted = append(counted, version{c.Record, medianOf(c.weights)})
			} else if c.answer {
				b.leaveOut(p, c)
			}
		}
		if len(counted) == 0 {
			continue
		}
		standing, info := b.standing(p, owner, counted[0])
		a.claims, older[owner] = append(a.claims, counted[0]), counted[1:]
		a.standings, a.infos = append(a.standings, standing), append(a.infos, info)
	}
	if len(a.claims) == 0 {
		return a, false
	}
	a.rank(b.Policy)
	a.older = older[a.winner().Owner]
	a.total = len(a.claims)
	if total := b.total(p); total > listedClaims { // there are some that nobody lists
		a.total = max(a.total, total)
	}
	if len(a.claims) > listedClaims {
		a.claims, a.standings, a.infos = a.claims[:listedClaims], a.standings[:listedClaims], a.infos[:listedClaims]
	}
	return a, true
}

// total is how many claims there are, as the nodes count them.
func (b *ballot) total(p *place) int {
	var totals []int
	for _, v := range b.views {
		if a := v.at(p); a != nil {
			totals = append(totals, a.total)
		}
	}
	return medianOf(totals)
}

// standing is how a claim stands, by the nodes that list it.
func (b *ballot) standing(p *place, owner protocol.Owner, answer version) (protocol.Standing, api.ClaimInfo) {
	var said []protocol.Standing
	var info api.ClaimInfo
	for _, v := range b.views {
		a := v.at(p)
		if a == nil {
			continue
		}
		if i := a.claimOf(owner); i >= 0 {
			said = append(said, a.standings[i])
			info = a.infos[i]
		}
	}
	return uniteStandings(said, answer.Record), info
}

// leaveOut notes a version that does not count.
func (b *ballot) leaveOut(p *place, c *candidate) {
	if len(b.alone) >= maxAlone {
		return
	}
	alone := api.AloneVersion{Ordinals: p.ordinals, Version: b.showVersion(c.version)}
	for _, n := range c.listed {
		alone.Nodes = append(alone.Nodes, n.address)
	}
	if b.Keys != nil {
		asked := p.asked
		alone.Asked = &asked
	}
	b.alone = append(b.alone, alone)
}

// mostSayNothing reports whether most nodes have no answer at all.
func (b *ballot) mostSayNothing() bool {
	none := 0
	for _, v := range b.views {
		if len(v.answers) == 0 {
			none++
		}
	}
	return none >= b.need
}
