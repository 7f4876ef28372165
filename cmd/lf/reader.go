package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// maxAnswers is the most that one question can ask for.
const maxAnswers = 1000

// question is what one wants to know.
type question struct {
	selectors    []protocol.Expression
	open         bool // also records with further selectors
	history      bool
	owners       []protocol.Owner
	since, until uint64
	limit        int
	mask         *protocol.Mask // of a masking key

	policy      protocol.Policy  // nil: the node's
	oracles     []protocol.Owner // nil: the node's
	authorities [][]byte         // besides the network's
	explain     bool
}

// revision is one record of an answer with its value, as far as it could be opened.
type revision struct {
	record  *protocol.Record
	value   []byte
	sealed  bool
	damaged *damagedError // the node has lost the value
	weight  uint64        // as the node says
}

// answer is what is known under one composite key.
type answer struct {
	selectors []protocol.Expression // those asked for, each with the ordinal found
	winner    revision
	older     []revision // the winner's, newest first
	others    []revision // other owners' claims, best first

	claims      int // how many owners claim the key
	explanation *api.Explanation
}

// asked is what came of a question.
type asked struct {
	answers []answer
	more    bool // the limit cut them
	// damaged are the records that the node could not show, because its disk damaged them. Each
	// would have been an answer, or a part of one.
	damaged []*damagedError
}

// damagedError says that a node's disk damaged a record. The node says so itself; nothing false was
// answered.
type damagedError struct {
	Record      protocol.ID `json:"record"`
	What        string      `json:"error"`
	Unavailable bool        `json:"unavailable,omitempty"`
	Selectors   []string    `json:"selectors,omitempty"`
}

func (e *damagedError) Error() string {
	text := api.DamagedText(e.Record, e.Unavailable)
	if len(e.Selectors) > 0 {
		text = strings.Join(e.Selectors, " ") + ": " + text
	}
	return text
}

// damagedIn is what a node says of a damaged record, nil where it is sound.
func damagedIn(from *api.RecordInfo) *damagedError {
	if from.Error == "" {
		return nil
	}
	return &damagedError{Record: from.ID, What: from.Error, Unavailable: from.Unavailable}
}

func (a *answer) deleted() bool { return a.winner.record.Tombstone() }

// reader asks a node and believes nothing that it cannot check. It derives the names itself, so
// that the node does not learn them.
type reader struct {
	question
	network *protocol.Network
	names   []protocol.NameKey
	damaged []*damagedError
}

// ask returns the answers to a question.
func (s *session) ask(ctx context.Context, q question) (a asked, err error) {
	r := reader{question: q, network: s.network}
	query := api.Query{
		Open: q.open, Owners: q.owners, Since: q.since, Until: q.until, Limit: q.limit,
		Policy: q.policy, Oracles: q.oracles, Authorities: q.authorities, Explain: q.explain,
		History: q.history || q.explain, // the records that an explanation speaks of
	}
	for _, e := range q.selectors {
		name, err := s.names.Derive(e.Name)
		if err != nil {
			return a, err
		}
		key := name.Selector()
		r.names = append(r.names, name)
		query.Selectors = append(query.Selectors, api.SelectorRange{Key: &key, From: e.From, To: e.To})
	}
	result, err := s.node().Query(ctx, query)
	if err != nil {
		return a, err
	}
	a.answers, err = r.check(result)
	if err != nil {
		return asked{}, fmt.Errorf("the node at %s answered falsely, do not trust it: %w", s.address, err)
	}
	a.more, a.damaged = result.More, r.damaged
	return a, nil
}

func (r *reader) check(result *api.QueryResult) ([]answer, error) {
	if len(result.Answers) > r.limit {
		return nil, fmt.Errorf("%d answers, and at most %d were asked for", len(result.Answers), r.limit)
	}
	if err := r.checkTrust(result); err != nil {
		return nil, err
	}
	seen := make(map[protocol.CompositeID]bool, len(result.Answers))
	answers := make([]answer, 0, len(result.Answers))
	for i := range result.Answers {
		if r.skipDamaged(&result.Answers[i]) {
			continue
		}
		a, err := r.checkAnswer(&result.Answers[i])
		if err == nil && r.explain {
			err = r.checkExplanation(&a, result)
		}
		if err != nil {
			return nil, err
		}
		composite := a.winner.record.CompositeID()
		if seen[composite] {
			return nil, fmt.Errorf("two answers for composite key %s", composite)
		}
		seen[composite] = true
		answers = append(answers, a)
	}
	return answers, nil
}

// skipDamaged notes an answer that the node cannot give. Which record it would be, let alone what
// is in it, nobody can check.
func (r *reader) skipDamaged(from *api.Answer) bool {
	d := damagedIn(&from.Record)
	if d == nil {
		return false
	}
	for i, ordinal := range from.Ordinals[:min(len(from.Ordinals), len(r.selectors))] {
		d.Selectors = append(d.Selectors, protocol.Expression{Name: r.selectors[i].Name, From: ordinal, To: ordinal}.String())
	}
	r.damaged = append(r.damaged, d)
	return true
}

func (r *reader) checkAnswer(from *api.Answer) (a answer, err error) {
	if a.winner, err = r.revision(&from.Record); err != nil {
		return a, err
	}
	won := a.winner.record
	if a.selectors, err = r.match(won, from.Ordinals); err != nil {
		return a, fmt.Errorf("record %s: %w", won.ID(), err)
	}
	if a.older, err = r.revisions(from.History, won); err != nil {
		return a, err
	}
	if a.others, err = r.revisions(from.Others, won); err != nil {
		return a, err
	}
	for _, v := range a.older {
		if v.record.Owner != won.Owner || v.record.Timestamp > won.Timestamp {
			return a, fmt.Errorf("record %s is no older version of %s", v.record.ID(), won.ID())
		}
	}
	for _, v := range a.others {
		if v.record.Owner == won.Owner {
			return a, fmt.Errorf("record %s is no other owner's claim", v.record.ID())
		}
	}
	if a.claims, a.explanation = from.Claims, from.Explanation; a.claims < 1+len(a.others) {
		return a, fmt.Errorf("it counts %d claims and shows %d", a.claims, 1+len(a.others))
	}
	return a, nil
}

// match finds for each name asked for a selector of its own, at the ordinal that the node says it
// has.
func (r *reader) match(record *protocol.Record, ordinals []uint64) ([]protocol.Expression, error) {
	if len(ordinals) != len(r.names) {
		return nil, fmt.Errorf("%d ordinals for %d names", len(ordinals), len(r.names))
	}
	if !r.open && len(record.Selectors) != len(r.names) {
		return nil, fmt.Errorf("it has %d selectors, and %d were asked for", len(record.Selectors), len(r.names))
	}
	left := make(map[protocol.SelectorPoint]bool, len(record.Selectors))
	for _, s := range record.Selectors {
		left[protocol.SelectorPoint{Key: s.Key, Ordinal: s.Ordinal}] = true
	}
	found := make([]protocol.Expression, len(ordinals))
	for i, ordinal := range ordinals {
		asked, point := r.selectors[i], protocol.SelectorPoint{Key: r.names[i].Selector(), Ordinal: ordinal}
		if ordinal < asked.From || ordinal > asked.To || !left[point] {
			return nil, fmt.Errorf("it is not filed under %s", asked)
		}
		delete(left, point)
		found[i] = protocol.Expression{Name: asked.Name, From: ordinal, To: ordinal}
	}
	return found, nil
}

// revisions checks further records of an answer, which are all filed under the same composite key.
func (r *reader) revisions(from []api.RecordInfo, of *protocol.Record) ([]revision, error) {
	all := make([]revision, 0, len(from))
	for i := range from {
		if d := damagedIn(&from[i]); d != nil && len(from[i].Frame) == 0 {
			r.damaged = append(r.damaged, d)
			continue
		}
		v, err := r.revision(&from[i])
		if err != nil {
			return nil, err
		}
		if v.record.CompositeID() != of.CompositeID() {
			return nil, fmt.Errorf("record %s has another composite key than %s", v.record.ID(), of.ID())
		}
		all = append(all, v)
	}
	return all, nil
}

// owners reads owners: names in the home's keyring, or anybody's peer ID.
func (s *session) owners(names []string) ([]protocol.Owner, error) {
	var owners []protocol.Owner
	for _, name := range names {
		owner, err := protocol.ParseOwner(name)
		if err != nil {
			ring, err := s.keys()
			if err != nil {
				return nil, err
			}
			key, err := ring.Get(name)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, usage("--owner %q is neither a peer ID (12D3KooW…) nor a name of lf owner list", name)
			}
			if err != nil {
				return nil, err
			}
			owner = key.Owner
		}
		owners = append(owners, owner)
	}
	return owners, nil
}
