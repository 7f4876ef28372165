package watch

import (
	"context"
	"slices"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// teller tells the watcher of a stream.
type teller struct {
	*Stream
	hub    *Hub
	send   func(*api.WatchEvent) bool
	enough bool // the watcher wants no more
}

func (t *teller) tellEvents(events ...*api.WatchEvent) {
	for _, e := range events {
		if t.enough {
			return
		}
		t.hub.counts.count(e.Event)
		t.enough = !t.send(e)
	}
}

// begin tells the current answers, unless the watcher's cursor is of them.
func (t *teller) begin(ctx context.Context) error {
	silent := false
	if t.state.MayBeCurrent() {
		err := t.list(ctx, func(at watchstate.Place, a *api.Answer) error {
			t.state.Note(at, a, t.hub.config.Clock())
			return nil
		})
		if err != nil {
			return err
		}
		silent = t.state.Resume()
	}
	if !silent {
		if err := t.list(ctx, t.update); err != nil || t.enough {
			return err
		}
	}
	t.engine.mu.Lock()
	sync := t.engine.sync
	t.engine.mu.Unlock()
	t.tellEvents(t.state.Listed(silent, sync, t.hub.config.Clock()))
	return nil
}

// update tells what follows from an answer, nil: there is none.
func (t *teller) update(at watchstate.Place, a *api.Answer) error {
	t.tellEvents(t.state.Update(at, a, t.hub.config.Clock())...)
	if t.state.Count() > api.MaxWatchAnswers {
		return watchstate.TooMany()
	}
	return nil
}

// tellPending tells what waits, and how the node is.
func (t *teller) tellPending() error {
	t.engine.mu.Lock()
	sync, index := t.engine.sync, t.engine.plan.index
	t.engine.mu.Unlock()
	t.state.SetIndex(index)
	updates, at, err := t.take()
	if err != nil {
		return err
	}
	for i, u := range updates {
		place := watchstate.Place{Key: at[i].key, Composite: at[i].composite, Ordinals: u.ordinals}
		if err := t.update(place, t.show(u.Answer, u.Policy, u.ordinals)); err != nil || t.enough {
			return err
		}
	}
	if e := t.state.Sync(sync, t.hub.config.Clock()); e != nil {
		t.tellEvents(e)
	}
	return nil
}

func (t *teller) show(a *store.Answer, policy protocol.Policy, ordinals []uint64) *api.Answer {
	if a == nil {
		return nil
	}
	shown := t.watcher.Show(a, policy)
	shown.Ordinals = ordinals
	return shown
}

// tellAlive reads the answers whose claim has pulsed again after it had lapsed.
func (t *teller) tellAlive(ctx context.Context) error {
	var dead []watchstate.Place
	for _, at := range t.takeBeats() {
		if !t.state.IsAlive(at) {
			dead = append(dead, at)
		}
	}
	for some := range slices.Chunk(dead, listedAtOnce) {
		read, err := t.read(ctx, some, false)
		if err != nil {
			return err
		}
		for i, at := range some {
			if err := t.update(at, read[i]); err != nil || t.enough {
				return err
			}
		}
	}
	return nil
}

// settle reads the answers that are due to be called settled or lapsed, and says so.
func (t *teller) settle(ctx context.Context) error {
	due := t.state.Due(t.hub.config.Clock())
	for len(due) > 0 {
		some := due[:min(len(due), listedAtOnce)]
		due = due[len(some):]
		read, err := t.read(ctx, some, true)
		if err != nil {
			return err
		}
		for i, at := range some {
			t.tellEvents(t.state.Settle(at, read[i], t.hub.config.Clock())...)
		}
		if t.enough {
			return nil
		}
	}
	return nil
}
