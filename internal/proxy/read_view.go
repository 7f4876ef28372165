package proxy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// listedClaims is how many claims a node lists at most under one key.
const listedClaims = 100

// maxRevoked is how many revoked certificates a node names at most of an owner.
const maxRevoked = 16

// place is where an answer stands: the order of answers is that of places.
type place struct {
	asked     int
	ordinals  []uint64
	composite protocol.CompositeID
}

func (p *place) compare(o *place) int {
	return cmp.Or(cmp.Compare(p.asked, o.asked), slices.Compare(p.ordinals, o.ordinals), bytes.Compare(p.composite[:], o.composite[:]))
}

// version is a checked record in a node's answer, with the weight that the node gives it. The
// weight is 0 where the node was not asked for it.
type version struct {
	*protocol.Record
	weight uint64
}

// newer orders versions of one claim, the newest first.
func newer(a, b version) int {
	x, y, idx, idy := a.SignedHash(), b.SignedHash(), a.ID(), b.ID()
	return -cmp.Or(cmp.Compare(a.Timestamp, b.Timestamp), bytes.Compare(x[:], y[:]), bytes.Compare(idx[:], idy[:]))
}

// viewAnswer is what one node answers under one composite key. claims has the newest version of
// each claim, the winner's first. The rest of them is there if the node was asked to list them.
type viewAnswer struct {
	place
	claims    []version
	older     []version           // of the winner, newest first
	standings []protocol.Standing // of the claims, if the node was asked to explain
	infos     []api.ClaimInfo     // the same as the node tells it
	total     int                 // how many claims there are, as the node says
	alive     *protocol.Pulse     // the newest of the winner's claim; nil: none
}

func (a *viewAnswer) winner() version { return a.claims[0] }

// claimOf returns the index of an owner's claim, -1 for none.
func (a *viewAnswer) claimOf(owner protocol.Owner) int {
	return slices.IndexFunc(a.claims, func(v version) bool { return v.Owner == owner })
}

// view is what one node answers to a question, checked as far as that is possible.
type view struct {
	node    *node
	answers []viewAnswer
	next    string
	// damaged tells that the node's disk damaged some of its answer.
	damaged bool
	result  *api.QueryResult
}

func (v *view) of() *node { return v.node }

// at returns what a node answers at a place, nil for nothing.
func (v *view) at(p *place) *viewAnswer {
	i, found := slices.BinarySearchFunc(v.answers, p, func(a viewAnswer, p *place) int { return a.compare(p) })
	if !found {
		return nil
	}
	return &v.answers[i]
}

// view checks what a node answered. What a signature or a hash proves false is a [forgedError].
func (u *question) view(n *node, asked *api.Query, result *api.QueryResult) (*view, error) {
	v := &view{node: n, next: result.Next, result: result, answers: make([]viewAnswer, 0, len(result.Answers))}
	if limit := cmp.Or(u.Limit, api.DefaultLimit); u.Keys == nil && len(result.Answers) > limit {
		return nil, fmt.Errorf("%d answers, and at most %d were asked for", len(result.Answers), limit)
	}
	if !slices.Equal(result.Policy, u.Policy) {
		return nil, fmt.Errorf("it ranked by %q, and was asked for %q", result.Policy, u.Policy)
	}
	if !slices.Equal(result.Oracles, u.Oracles) {
		return nil, errors.New("it counted other oracles than those it was asked about")
	}
	for i := range result.Answers {
		if hasDamage(&result.Answers[i]) {
			v.damaged = true
			return v, nil
		}
		a, err := u.viewAnswer(asked, &result.Answers[i])
		if err != nil {
			return nil, err
		}
		if len(v.answers) > 0 && v.answers[len(v.answers)-1].compare(&a.place) >= 0 {
			return nil, errors.New("its answers are not in the order of their ordinals")
		}
		v.answers = append(v.answers, a)
	}
	if v.next != "" && len(v.answers) == 0 {
		return nil, errors.New("it says that there is more, and shows nothing")
	}
	return v, nil
}

func hasDamage(a *api.Answer) bool {
	damaged := func(v api.Version) bool { return v.Error != "" }
	return damaged(a.Version) || slices.ContainsFunc(a.History, damaged) || slices.ContainsFunc(a.Others, damaged)
}

func (u *question) viewAnswer(asked *api.Query, from *api.Answer) (a viewAnswer, err error) {
	if (from.Asked != nil) != (u.Keys != nil) || from.Asked != nil && (*from.Asked < 0 || *from.Asked >= len(u.Keys)) {
		return a, errors.New("an answer does not tell which key it is about")
	}
	if from.Asked != nil {
		a.asked = *from.Asked
	}
	won, err := u.version(&from.Version)
	if err != nil {
		return a, err
	}
	if err := match(u.ranges(a.asked), u.Open, won.Record, from.Ordinals); err != nil {
		return a, forged("record %s: %w", won.ID(), err)
	}
	a.ordinals, a.composite, a.total = from.Ordinals, won.CompositeID(), from.Claims
	a.claims = append(make([]version, 0, 1+len(from.Others)), won)
	others, err := u.versions(from.Others, a.composite)
	if err != nil {
		return a, err
	}
	a.claims = append(a.claims, others...)
	if a.older, err = u.versions(from.History, a.composite); err != nil {
		return a, err
	}
	if err := a.checkBeside(); err != nil {
		return a, err
	}
	if a.alive, err = u.pulse(from.Alive, won); err != nil {
		return a, err
	}
	if asked.Explain {
		err = a.readStandings(from.Explanation, u, asked)
	}
	return a, err
}

// version checks one record by itself.
func (u *question) version(from *api.Version) (version, error) {
	r, err := u.read(from)
	if err != nil {
		return version{}, err
	}
	switch {
	case r.Type != protocol.TypeDatum:
		return version{}, forged("record %s is a %s, which is no answer", r.ID(), r.Type)
	case !r.HasValue():
		return version{}, fmt.Errorf("record %s: its value was left out", r.ID())
	case len(u.Owners) > 0 && !slices.Contains(u.Owners, r.Owner):
		return version{}, forged("record %s: its owner %s was not asked for", r.ID(), r.Owner)
	case r.Timestamp < u.Since, u.Until > 0 && r.Timestamp > u.Until:
		return version{}, forged("record %s is outside the time asked for", r.ID())
	}
	switch {
	case from.Frame == nil && from.Weight != 0:
		return version{}, fmt.Errorf("it gives record %s a weight of %d, and was not asked for it", r.ID(), from.Weight)
	case from.Frame == nil:
		return version{Record: r}, nil
	}
	return version{r, max(uint64(from.Weight), 1, uint64(r.Effort()))}, nil
}

// errUnknownRecord says that a record was not checked yet, and came without its frame.
var errUnknownRecord = errors.New("a record came without its frame")

// read returns a checked record. One that was checked before may come without its frame.
func (u *question) read(from *api.Version) (*protocol.Record, error) {
	if from.Frame != nil {
		return u.records.check(from.Record, from.Frame)
	}
	if r := u.records.known(from.Record); r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("record %s: %w", from.Record, errUnknownRecord)
}

func (u *question) versions(from []api.Version, composite protocol.CompositeID) ([]version, error) {
	all := make([]version, 0, len(from))
	for i := range from {
		v, err := u.version(&from[i])
		if err != nil {
			return nil, err
		}
		if v.CompositeID() != composite {
			return nil, forged("record %s is filed under another composite key", v.ID())
		}
		all = append(all, v)
	}
	return all, nil
}

// checkBeside compares what stands beside the winner with it.
func (a *viewAnswer) checkBeside() error {
	for i, v := range a.older {
		before := a.winner()
		if i > 0 {
			before = a.older[i-1]
		}
		if v.Owner != before.Owner || newer(before, v) >= 0 {
			return fmt.Errorf("record %s is no older version of %s", v.ID(), before.ID())
		}
	}
	owners := make(map[protocol.Owner]bool, len(a.claims))
	for _, v := range a.claims {
		if owners[v.Owner] {
			return fmt.Errorf("it lists two claims of %s", v.Owner)
		}
		owners[v.Owner] = true
	}
	if a.total < len(a.claims) {
		return fmt.Errorf("it counts %d claims and shows %d", a.total, len(a.claims))
	}
	return nil
}

// readStandings reads how a node says that claims stand. Each must be about the record beside it,
// and by what they say the order must be right.
func (a *viewAnswer) readStandings(e *api.Explanation, u *question, asked *api.Query) error {
	if e == nil || len(e.Claims) != len(a.claims) {
		return errors.New("it explains other claims than it shows")
	}
	for i := range e.Claims {
		c, v := &e.Claims[i], a.claims[i]
		if c.Record != v.ID() || c.Owner != v.Owner || c.Timestamp != v.Timestamp || c.Deleted != v.Tombstone() ||
			c.Elected != len(asked.Oracles) || c.Objections < 0 || c.Objections > c.Elected {
			return fmt.Errorf("what it says of the claim of %s is not what is in record %s", c.Owner, v.ID())
		}
		if err := checkProof(c, asked.Oracles); err != nil {
			return err
		}
		s := c.Standing
		s.SignedHash, s.Weight = v.SignedHash(), max(s.Weight, 1, uint64(v.Effort()))
		if i > 0 {
			if better, _ := u.Policy.Compare(&a.standings[i-1], &s); better <= 0 {
				return fmt.Errorf("by what it says, the claim of %s is better than the one that it puts first", c.Owner)
			}
		}
		a.standings = append(a.standings, s)
	}
	a.infos = e.Claims
	return nil
}

// checkProof makes sure that what a node says of oracles and certificates is what the records say
// that it names. What these really say is another matter.
func checkProof(c *api.ClaimInfo, oracles []protocol.Owner) error {
	objections, spoke := 0, map[protocol.Owner]bool{}
	for _, w := range c.Words {
		if spoke[w.Oracle] || !slices.Contains(oracles, w.Oracle) {
			return fmt.Errorf("of the claim of %s it names words of oracle %s, which was not asked about, or twice", c.Owner, w.Oracle)
		}
		if spoke[w.Oracle] = true; w.Objects {
			objections++
		}
	}
	switch certified := c.Certificate != (protocol.ID{}); {
	case objections != c.Objections:
		return fmt.Errorf("it counts %d objections to the claim of %s, and names the records of %d", c.Objections, c.Owner, objections)
	case certified != c.Certified:
		return fmt.Errorf("it says that owner %s is %s, and the records that it names say otherwise", c.Owner, certifiedText(c.Certified))
	case len(c.Revoked) > maxRevoked:
		return fmt.Errorf("it names %d revoked certificates of %s, at most %d are possible", len(c.Revoked), c.Owner, maxRevoked)
	}
	return nil
}

// match makes sure that a record is filed under the selectors asked for, at these ordinals.
func match(ranges []api.SelectorRange, open bool, r *protocol.Record, ordinals []uint64) error {
	if len(ordinals) != len(ranges) {
		return fmt.Errorf("%d ordinals for %d selectors", len(ordinals), len(ranges))
	}
	if !open && len(r.Selectors) != len(ranges) {
		return fmt.Errorf("it has %d selectors, and %d were asked for", len(r.Selectors), len(ranges))
	}
	var used uint32 // selectors that are taken, a bit each: there are at most 15
	for i, ordinal := range ordinals {
		asked := &ranges[i]
		at := slices.IndexFunc(r.Selectors, func(s protocol.Selector) bool { return s.Key == *asked.Key && s.Ordinal == ordinal })
		if at < 0 || used&(1<<at) != 0 || ordinal < uint64(asked.From) || ordinal > uint64(asked.To) {
			return errors.New("it is not filed under what was asked for")
		}
		used |= 1 << at
	}
	return nil
}
