package lf

import (
	"context"
	"errors"
	"fmt"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// notice is an event of the node about one composite key, checked.
type notice struct {
	Event
	key   watchedKey
	state deliveredState // what answers then; the zero record is nothing
}

// take checks an event, and delivers it if it is news.
func (w *watching) take(ctx context.Context, e *api.WatchEvent) error {
	if !w.begun {
		w.begun = true
		w.database = databaseOf(e.Cursor)
		w.held.begin(w.told.present && databaseOf(w.cursor) != w.database)
		w.silent = e.Event == api.WatchSync && !e.Listed
	}
	w.latest = e.Cursor
	switch e.Event {
	case api.WatchSync:
		return w.takeSync(e)
	case api.WatchAnswer, api.WatchDeleted, api.WatchGone, api.WatchSettled, api.WatchContested, api.WatchAlive, api.WatchLapsed:
	default:
		return nil // of a newer node
	}
	n, err := w.read(e)
	if err != nil {
		return &ForgedError{Node: w.client.Address(), What: fmt.Errorf("in an event %q: %w", e.Event, err)}
	}
	if err := w.checkNewer(ctx, n); err != nil {
		return err
	}
	if n.Answer != nil {
		if err := w.client.checkPulsed(ctx, []*Answer{n.Answer}); err != nil {
			return err
		}
	}
	switch n.Kind {
	case EventAlive, EventLapsed:
		return w.pulse(n)
	case EventSettled:
		return w.settle(n)
	case EventContested:
		return w.contest(ctx, n, e.Claim)
	}
	return w.change(n)
}

// checkNewer makes sure that an answer is not older than what the same database told of the same
// owner before, unless a revocation hides that.
func (w *watching) checkNewer(ctx context.Context, n *notice) error {
	last := w.told.states[n.key]
	if last == nil || n.Answer == nil || last.owner != n.Answer.Owner || last.timestamp <= n.state.timestamp || last.database != n.state.database {
		return nil
	}
	info, _, err := w.client.Record(ctx, last.record)
	switch {
	case errors.Is(err, ErrNotFound):
		err = fmt.Errorf("it told of record %s and does not have it any more, unless its database was set back", last.record)
	case errors.Is(err, ErrDamaged):
		return nil
	case err != nil:
		return err
	case !info.Hidden:
		err = fmt.Errorf("it told of record %s and answers with the older %s", last.record, n.Answer.Record)
	default:
		return nil
	}
	return &ForgedError{Node: w.client.Address(), What: err}
}

// change takes what answers now.
func (w *watching) change(n *notice) error {
	if w.hold(n) {
		return nil
	}
	before, news := w.told.answer(n.key, n.state)
	if !news {
		w.advance()
		return nil
	}
	if len(w.told.states) > 2*api.MaxWatchAnswers {
		return &ForgedError{Node: w.client.Address(), What: errors.New("it tells of more answers than it may")}
	}
	n.Unsettled = before.settled
	if !before.gone() || !w.told.partial {
		n.Before = before.record
	}
	return w.hand(n.Event)
}

// settle takes that what answers now is settled. The node is in sync then.
func (w *watching) settle(n *notice) error {
	if err := w.flush(); err != nil {
		return err
	}
	if !w.told.settle(n.key, n.state) {
		w.advance()
		return nil
	}
	return w.hand(n.Event)
}

// pulse takes that the claim that answers is alive, or no longer is. Without a pulse the node's
// word counts for nothing.
func (w *watching) pulse(n *notice) error {
	alive := n.Kind == EventAlive
	if alive && n.Answer.Alive == nil {
		return nil
	}
	if !w.told.pulse(n.key, n.state, alive) {
		w.advance()
		return nil
	}
	return w.hand(n.Event)
}

// lapse tells of what was alive and is not any more, as it turned out after a reconnect.
func (w *watching) lapse() error {
	for _, key := range w.told.lapsed() {
		e := Event{Kind: EventLapsed, Asked: key.asked, Composite: key.composite, Key: w.keys[key.asked].at(w.told.states[key].ordinals)}
		if e.Cursor = w.cursor; w.yield(e) != nil {
			return errLoopEnded
		}
	}
	return nil
}

// contest takes that a claim came and lost.
func (w *watching) contest(ctx context.Context, n *notice, claim *api.WatchClaim) (err error) {
	if n.Rival, err = w.readRival(ctx, n, claim); err != nil || n.Rival == nil {
		return err
	}
	if !w.told.contest(n.key, n.Rival.Record) {
		w.advance()
		return nil
	}
	return w.hand(n.Event)
}

// takeSync takes how the node stands to its peers, and that all answers have been told.
func (w *watching) takeSync(e *api.WatchEvent) error {
	if e.Listed {
		for _, key := range append(w.told.listed(), w.missing()...) {
			if err := w.lost(key); err != nil {
				return err
			}
		}
	}
	if e.Listed {
		if err := w.lapse(); err != nil {
			return err
		}
	}
	if e.Sync == api.SyncSynced || e.Sync == api.SyncOffline {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if (e.Listed || w.silent) && w.told.complete(e.Listed) {
		if err := w.hand(Event{Kind: EventPresent, All: e.Listed}); err != nil {
			return err
		}
	}
	w.advance()
	if !w.told.sync(e.Sync) {
		return nil
	}
	return w.hand(Event{Kind: EventSync, Synced: e.Sync == api.SyncSynced})
}

// lost takes that an answer which was delivered is not among those of the node. Only the next sync
// event covers that, so the cursor stays as it was.
func (w *watching) lost(key watchedKey) error {
	var ordinals []uint64
	if last := w.told.states[key]; last != nil {
		ordinals = last.ordinals
	} else {
		ordinals = w.keys[key.asked].ordinals()
	}
	n := &notice{key: key, state: deliveredState{ordinals: ordinals}}
	n.Event = Event{Kind: EventGone, Asked: key.asked, Composite: key.composite, Key: w.keys[key.asked].at(ordinals)}
	latest := w.latest
	w.latest = w.cursor
	defer func() { w.latest = latest }()
	return w.change(n)
}

// missing is the one key of a watch that goes on after an event, if nothing answers under it any
// more. Something did then: the cursor is not current.
func (w *watching) missing() []watchedKey {
	if !w.told.partial || len(w.keys) != 1 || !w.keys[0].Exact() || w.open || len(w.told.states) > 0 {
		return nil
	}
	t := &w.targets[0]
	points := make([]protocol.SelectorPoint, len(t.names))
	for i, ordinal := range t.key.ordinals() {
		points[i] = protocol.SelectorPoint{Key: t.names[i].Selector(), Ordinal: ordinal}
	}
	return []watchedKey{{composite: protocol.CompositeOf(points)}}
}

// hand delivers an event.
func (w *watching) hand(e Event) error {
	w.advance()
	e.Cursor = w.cursor
	return w.yield(e)
}

// advance notes that the caller knows what the node knows that it does.
func (w *watching) advance() {
	if len(w.held.notices) == 0 {
		w.cursor = w.latest
	}
}

// databaseOf is the database that a cursor is of; zero if it is of none.
func databaseOf(cursor string) (database [8]byte) {
	if c, err := api.ParseWatchCursor(cursor); err == nil && c != nil {
		database = c.Database
	}
	return database
}
