package lf

import (
	"fmt"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// reader checks what a node answered to one question, and believes nothing that it can check.
type reader struct {
	*query
	owners  []protocol.Owner
	network *protocol.Network
	names   []protocol.NameKey
	mask    *protocol.Mask
	damaged []*DamagedError
}

func (r *reader) check(result *api.QueryResult) ([]*Answer, error) {
	if len(result.Answers) > r.limit {
		return nil, fmt.Errorf("%d answers, and at most %d were asked for", len(result.Answers), r.limit)
	}
	if err := r.checkTrust(result); err != nil {
		return nil, err
	}
	seen := make(map[protocol.CompositeID]bool, len(result.Answers))
	answers := make([]*Answer, 0, len(result.Answers))
	for i := range result.Answers {
		if r.skipDamaged(&result.Answers[i]) {
			continue
		}
		a, err := r.checkAnswer(&result.Answers[i])
		if err == nil && r.explain {
			err = r.checkExplanation(a, result)
		}
		if err != nil {
			return nil, err
		}
		composite := a.record.CompositeID()
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
	d := damagedIn(&from.Version)
	if d == nil {
		return false
	}
	selectors := r.key.selectors
	for i, ordinal := range from.Ordinals[:min(len(from.Ordinals), len(selectors))] {
		d.Selectors = append(d.Selectors, protocol.Expression{Name: selectors[i].Name, From: ordinal, To: ordinal}.String())
	}
	r.damaged = append(r.damaged, d)
	return true
}

func (r *reader) checkAnswer(from *api.Answer) (*Answer, error) {
	won, err := r.version(&from.Version)
	if err != nil {
		return nil, err
	}
	a := &Answer{Version: won, Ordinals: from.Ordinals, Claims: from.Claims}
	if r.explain {
		a.Explanation = from.Explanation
	}
	if a.Key, err = r.match(won.record, from.Ordinals); err != nil {
		return nil, fmt.Errorf("record %s: %w", won.Record, err)
	}
	if a.Older, err = r.versions(from.History, won.record); err != nil {
		return nil, err
	}
	if a.Others, err = r.versions(from.Others, won.record); err != nil {
		return nil, err
	}
	return a, a.checkBeside()
}

// checkBeside compares what stands beside the winner with it.
func (a *Answer) checkBeside() error {
	versions := map[protocol.ID]bool{a.Record: true}
	for _, v := range a.Older {
		if v.Owner != a.Owner || v.record.Timestamp > a.record.Timestamp || versions[v.Record] {
			return fmt.Errorf("record %s is no older version of %s", v.Record, a.Record)
		}
		versions[v.Record] = true
	}
	claims := map[protocol.Owner]bool{a.Owner: true}
	for _, v := range a.Others {
		if claims[v.Owner] {
			return fmt.Errorf("record %s is no other owner's claim", v.Record)
		}
		claims[v.Owner] = true
	}
	if a.Claims < 1+len(a.Others) {
		return fmt.Errorf("it counts %d claims and shows %d", a.Claims, 1+len(a.Others))
	}
	return nil
}

// match finds for each name asked for a selector of its own, at the ordinal that the node says it
// has.
func (r *reader) match(record *protocol.Record, ordinals []uint64) (found Key, err error) {
	if len(ordinals) != len(r.names) {
		return found, fmt.Errorf("%d ordinals for %d names", len(ordinals), len(r.names))
	}
	if !r.open && len(record.Selectors) != len(r.names) {
		return found, fmt.Errorf("it has %d selectors, and %d were asked for", len(record.Selectors), len(r.names))
	}
	left := make(map[protocol.SelectorPoint]bool, len(record.Selectors))
	for _, s := range record.Selectors {
		left[protocol.SelectorPoint{Key: s.Key, Ordinal: s.Ordinal}] = true
	}
	found.selectors = make([]protocol.Expression, len(ordinals))
	for i, ordinal := range ordinals {
		asked, point := r.key.selectors[i], protocol.SelectorPoint{Key: r.names[i].Selector(), Ordinal: ordinal}
		if ordinal < asked.From || ordinal > asked.To || !left[point] {
			return found, fmt.Errorf("it is not filed under %s", asked)
		}
		delete(left, point)
		found.selectors[i] = protocol.Expression{Name: asked.Name, From: ordinal, To: ordinal}
	}
	return found, nil
}

// versions checks further records of an answer, which are all filed under the same composite key.
func (r *reader) versions(from []api.Version, of *protocol.Record) ([]Version, error) {
	all := make([]Version, 0, len(from))
	for i := range from {
		if d := damagedIn(&from[i]); d != nil && len(from[i].Frame) == 0 {
			r.damaged = append(r.damaged, d)
			continue
		}
		v, err := r.version(&from[i])
		if err != nil {
			return nil, err
		}
		if v.record.CompositeID() != of.CompositeID() {
			return nil, fmt.Errorf("record %s has another composite key than %s", v.Record, of.ID())
		}
		all = append(all, v)
	}
	return all, nil
}
