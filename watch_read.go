package lf

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// read checks an event about a composite key.
func (w *watching) read(e *api.WatchEvent) (*notice, error) {
	if e.Key < 0 || e.Key >= len(w.targets) {
		return nil, fmt.Errorf("it is about key %d of %d", e.Key, len(w.targets))
	}
	if e.Decided != "" && w.policy != nil && !slices.Contains(w.policy.Total(), e.Decided) {
		return nil, fmt.Errorf("%q decided, which is not of the policy %s", e.Decided, w.policy)
	}
	n := &notice{key: watchedKey{asked: e.Key}}
	n.Event = Event{Kind: EventKind(e.Event), Asked: e.Key, Decided: e.Decided}
	if e.Before != nil {
		n.Before = *e.Before
	}
	t := &w.targets[e.Key]
	err := w.readAnswer(n, e, t)
	if err == nil && e.Answer == nil {
		err = w.readPlace(n, e.Ordinals, e, t)
	}
	if err == nil && e.Composite != nil && *e.Composite != n.key.composite {
		err = fmt.Errorf("composite key %s is said to be %s", n.key.composite, *e.Composite)
	}
	n.Composite = n.key.composite
	if err != nil {
		return nil, err
	}
	if n.Kind == EventAlive && n.Answer != nil && n.Answer.Alive != nil && n.Answer.Alive.Age > w.alive+w.reader.drift() {
		return nil, fmt.Errorf("record %s has a pulse of %s, which is too old", n.Answer.Record, text.LocalTime(msOf(n.Answer.Alive.At)))
	}
	if n.Kind == EventSettled && e.Lead != nil {
		n.Lead = uint64(*e.Lead)
	}
	return n, nil
}

// readAnswer checks what answers now.
func (w *watching) readAnswer(n *notice, e *api.WatchEvent, t *target) error {
	switch {
	case e.Answer == nil && n.Kind != EventGone && n.Kind != EventSettled, n.Kind == EventAlive && e.Answer.Alive == nil:
		return errors.New("it has no answer")
	case e.Answer != nil && n.Kind == EventGone:
		return errors.New("it has an answer")
	case e.Answer == nil:
		return nil
	}
	w.reader.damaged = nil
	a, err := w.reader.checkAnswer(e.Answer, t)
	if err != nil {
		return err
	}
	if a == nil || a.Damaged != nil {
		n.Damaged = w.reader.damaged[0]
		n.state = deliveredState{record: n.Damaged.Record, damaged: true}
		return w.readPlace(n, e.Answer.Ordinals, e, t)
	}
	if n.Kind == EventAnswer && a.Deleted || n.Kind == EventDeleted && !a.Deleted {
		return fmt.Errorf("record %s is of another kind", a.Record)
	}
	n.Answer, n.Key, n.key.composite = a, a.Key, a.record.CompositeID()
	n.state = deliveredState{record: a.Record, deleted: a.Deleted, owner: a.Owner, timestamp: a.record.Timestamp, ordinals: a.Ordinals, database: w.database}
	return nil
}

// readPlace reads under which key it is that no answer can be shown.
func (w *watching) readPlace(n *notice, ordinals []uint64, e *api.WatchEvent, t *target) error {
	if len(ordinals) != len(t.key.selectors) {
		return fmt.Errorf("%d ordinals for %d names", len(ordinals), len(t.key.selectors))
	}
	points := make([]protocol.SelectorPoint, len(ordinals))
	for i, ordinal := range ordinals {
		if s := t.key.selectors[i]; ordinal < s.From || ordinal > s.To {
			return fmt.Errorf("ordinal %d is not of %s", ordinal, s)
		}
		points[i] = protocol.SelectorPoint{Key: t.names[i].Selector(), Ordinal: ordinal}
	}
	n.Key, n.state.ordinals = t.key.at(ordinals), slices.Clone(ordinals)
	switch {
	case !w.open:
		n.key.composite = protocol.CompositeOf(points)
	case e.Composite == nil:
		return errors.New("it names no composite key")
	default:
		n.key.composite = *e.Composite
	}
	return nil
}

// readRival asks for the record that lost, and checks it. It returns nil where the node cannot show
// it any more.
func (w *watching) readRival(ctx context.Context, n *notice, c *api.WatchClaim) (*Version, error) {
	if c == nil || n.Answer == nil {
		return nil, &ForgedError{Node: w.client.Address(), What: errors.New("a contested answer without its claims")}
	}
	info, record, err := w.client.Record(ctx, c.Record)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rival, err := w.reader.version(&api.Version{Record: info.ID, Frame: info.Frame, Weight: info.Weight}, &w.targets[n.Asked])
	switch {
	case err != nil:
		return nil, &ForgedError{Node: w.client.Address(), What: err}
	case record.CompositeID() != n.key.composite || record.Owner == n.Answer.Owner || record.Owner != c.Owner:
		return nil, &ForgedError{Node: w.client.Address(), What: fmt.Errorf("record %s is no claim that lost against %s", c.Record, n.Answer.Record)}
	}
	return &rival, nil
}
