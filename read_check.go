package lf

import (
	"errors"
	"fmt"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// reader checks what a node answered to one question, and believes nothing that it can check.
type reader struct {
	*query
	owners  []protocol.Owner
	network *protocol.Network
	checked *checkedRecords
	mask    *protocol.Mask
	many    bool            // targets are asked for by number
	damaged []*DamagedError // in the answer that is looked at
}

// check returns what was answered for each target.
func (r *reader) check(result *api.QueryResult, targets []target) ([]*Result, error) {
	if most := r.most(targets); len(result.Answers) > most {
		return nil, fmt.Errorf("%d answers, and at most %d were asked for", len(result.Answers), most)
	}
	if r.many && result.Next != "" {
		return nil, errors.New("it says that there is more, and was asked for all")
	}
	if err := r.checkTrust(result); err != nil {
		return nil, err
	}
	r.checked.checkAhead(result)
	found := make([]*Result, len(targets))
	for i := range found {
		found[i] = &Result{More: result.Next != "", next: result.Next, Lapsed: result.Lapsed, Comparison: result.Comparison}
	}
	seen := make(map[protocol.CompositeID]bool, len(result.Answers))
	for i := range result.Answers {
		from := &result.Answers[i]
		n, err := r.numberOf(from, found)
		if err != nil {
			return nil, err
		}
		a, err := r.checkAnswer(from, &targets[n])
		if err == nil && a != nil && r.explain {
			err = r.checkExplanation(a, result)
		}
		if err != nil {
			return nil, err
		}
		found[n].Damaged, r.damaged = append(found[n].Damaged, r.damaged...), nil
		if a == nil {
			continue
		}
		composite := a.record.CompositeID()
		if seen[composite] && !r.many { // several targets may be the same key
			return nil, fmt.Errorf("two answers for composite key %s", composite)
		}
		seen[composite] = true
		found[n].Answers = append(found[n].Answers, a)
	}
	return found, nil
}

// most is how many answers there may be.
func (r *reader) most(targets []target) int {
	if r.many {
		return len(targets)
	}
	return r.limit
}

// numberOf returns which target an answer is for. Of several targets each has one answer.
func (r *reader) numberOf(from *api.Answer, found []*Result) (int, error) {
	switch {
	case !r.many:
		return 0, nil
	case from.Asked == nil || *from.Asked < 0 || *from.Asked >= len(found):
		return 0, fmt.Errorf("record %s: an answer for none of the keys asked for", from.Record)
	case len(found[*from.Asked].Answers)+len(found[*from.Asked].Damaged) > 0:
		return 0, fmt.Errorf("two answers for key %d", *from.Asked)
	}
	return *from.Asked, nil
}

// skipDamaged notes an answer that the node cannot give. Which record it would be, let alone what
// is in it, nobody can check.
func (r *reader) skipDamaged(from *api.Answer, t *target) bool {
	d := damagedIn(&from.Version)
	if d == nil {
		return false
	}
	selectors := t.key.selectors
	for i, ordinal := range from.Ordinals[:min(len(from.Ordinals), len(selectors))] {
		d.Selectors = append(d.Selectors, protocol.Expression{Name: selectors[i].Name, From: ordinal, To: ordinal}.String())
	}
	r.damaged = append(r.damaged, d)
	return true
}

// checkAnswer returns nil for a damaged answer.
func (r *reader) checkAnswer(from *api.Answer, t *target) (*Answer, error) {
	if r.skipDamaged(from, t) {
		return nil, nil
	}
	won, err := r.version(&from.Version, t)
	if err != nil {
		return nil, err
	}
	a := &Answer{Version: won, Ordinals: from.Ordinals, Claims: from.Claims, olderNext: from.HistoryNext}
	if r.explain {
		a.Explanation = from.Explanation
	}
	if a.Key, a.primary, err = r.match(won.record, from.Ordinals, t); err != nil {
		return nil, fmt.Errorf("record %s: %w", won.Record, err)
	}
	if a.Older, err = r.versions(from.History, won.record, t); err != nil {
		return nil, err
	}
	if a.Others, err = r.versions(from.Others, won.record, t); err != nil {
		return nil, err
	}
	if a.Alive, err = r.pulse(from.Alive, won.record); err == nil {
		err = r.checkAge(a)
	}
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", won.Record, err)
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
// has. It tells which of them is the record's primary one, if any is.
func (r *reader) match(record *protocol.Record, ordinals []uint64, t *target) (found Key, primary int, err error) {
	if len(ordinals) != len(t.names) {
		return found, 0, fmt.Errorf("%d ordinals for %d names", len(ordinals), len(t.names))
	}
	if !r.open && len(record.Selectors) != len(t.names) {
		return found, 0, fmt.Errorf("it has %d selectors, and %d were asked for", len(record.Selectors), len(t.names))
	}
	left := make(map[protocol.SelectorPoint]bool, len(record.Selectors))
	for _, s := range record.Selectors {
		left[protocol.SelectorPoint{Key: s.Key, Ordinal: s.Ordinal}] = true
	}
	found.selectors = make([]protocol.Expression, len(ordinals))
	for i, ordinal := range ordinals {
		asked, point := t.key.selectors[i], protocol.SelectorPoint{Key: t.names[i].Selector(), Ordinal: ordinal}
		if ordinal < asked.From || ordinal > asked.To || !left[point] {
			return found, 0, fmt.Errorf("it is not filed under %s", asked)
		}
		delete(left, point)
		if first := record.Selectors[0]; point.Key == first.Key && point.Ordinal == first.Ordinal {
			primary = i
		}
		found.selectors[i] = protocol.Expression{Name: asked.Name, From: ordinal, To: ordinal}
	}
	return found, primary, nil
}

// versions checks further records of an answer, which are all filed under the same composite key.
func (r *reader) versions(from []api.Version, of *protocol.Record, t *target) ([]Version, error) {
	all := make([]Version, 0, len(from))
	for i := range from {
		if d := damagedIn(&from[i]); d != nil && len(from[i].Frame) == 0 {
			r.damaged = append(r.damaged, d)
			continue
		}
		v, err := r.version(&from[i], t)
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
