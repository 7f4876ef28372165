package watch

import (
	"context"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// list reads the current answers under all keys, in the order of the keys.
func (t *teller) list(ctx context.Context, each func(watchstate.Place, *api.Answer) error) error {
	var exact []watchstate.Place
	flush := func() error {
		if len(exact) == 0 {
			return nil
		}
		read, err := t.read(ctx, exact, false)
		for i := 0; i < len(exact) && err == nil && !t.enough; i++ {
			if read[i] != nil {
				err = each(exact[i], read[i])
			}
		}
		exact = nil
		return err
	}
	for i := range t.watcher.Keys {
		if t.enough {
			return nil
		}
		k := &t.watcher.Keys[i]
		if points := k.exact(); points != nil {
			exact = append(exact, watchstate.Place{Key: i, Composite: protocol.CompositeOf(points), Ordinals: k.ordinals()})
			if len(exact) < listedAtOnce {
				continue
			}
		}
		if err := flush(); err != nil {
			return err
		}
		if k.exact() == nil {
			if err := t.listRange(ctx, i, each); err != nil {
				return err
			}
		}
	}
	return flush()
}

// listRange reads the current answers under a range, a page at a time.
func (t *teller) listRange(ctx context.Context, key int, each func(watchstate.Place, *api.Answer) error) error {
	k := &t.watcher.Keys[key]
	q, _ := t.hub.about(&t.watcher.Options)
	q.Where, q.Open, q.Limit = k.Where, k.Open, listedAtOnce
	t.engine.mu.Lock()
	seq := t.engine.plan.seq
	t.engine.mu.Unlock()
	listed := map[protocol.CompositeID]bool{}
	for more := true; more; {
		result, err := t.hub.page(ctx, q)
		if err != nil {
			return err
		}
		var places []watchstate.Place
		for i := range result.Keys {
			a := &result.Keys[i]
			if a.Composite != (protocol.CompositeID{}) { // the disk may have damaged it
				places = append(places, watchstate.Place{Key: key, Composite: a.Composite, Ordinals: a.Ordinals})
				listed[a.Composite] = true
			}
		}
		if err := t.listPage(ctx, k, result, places, each); err != nil || t.enough {
			return err
		}
		if more = result.More; more {
			q.After = &result.Keys[len(result.Keys)-1].Position
		}
	}
	t.engine.mu.Lock()
	t.engine.plan.Missed(t.group.ranges[k.id()], listed, seq)
	t.engine.mu.Unlock()
	t.engine.wake()
	return nil
}

// listPage adds the keys of a page to the range, and reads their answers. To find them and to read
// them are two steps: what a key's answer is counts from when it is registered.
func (t *teller) listPage(ctx context.Context, k *Key, page store.Answers, places []watchstate.Place, each func(watchstate.Place, *api.Answer) error) error {
	t.engine.mu.Lock()
	r := t.group.ranges[k.id()]
	for i := range page.Keys {
		if a := &page.Keys[i]; a.Damaged == nil {
			t.engine.plan.found(r, a.Composite, pointsOf(a.Claims[0].Record))
		}
	}
	full := r.full
	t.engine.mu.Unlock()
	if full {
		return watchstate.TooMany()
	}
	read, err := t.read(ctx, places, false)
	for i := 0; i < len(places) && err == nil && !t.enough; i++ {
		if read[i] != nil {
			err = each(places[i], read[i])
		}
	}
	return err
}

// page reads a page of a range.
func (h *Hub) page(ctx context.Context, q store.Query) (store.Answers, error) {
	if err := h.takeTurn(ctx); err != nil {
		return store.Answers{}, err
	}
	defer func() { <-h.reading }()
	result, err := h.config.Store.Query(ctx, q)
	if err != nil {
		return result, h.config.Fail(err)
	}
	return result, nil
}

// takeTurn waits until few enough streams read.
func (h *Hub) takeTurn(ctx context.Context) error {
	select {
	case h.reading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read reads the answers at places now; nil where there is none. What waits for them is dropped:
// it is older, or comes again.
func (t *teller) read(ctx context.Context, places []watchstate.Place, explain bool) ([]*api.Answer, error) {
	e := t.engine
	keys := make([][]protocol.SelectorPoint, 0, len(places))
	at := make([]int, 0, len(places))
	e.mu.Lock()
	for i, p := range places {
		if entry := t.group.entries[p.Composite]; entry != nil {
			keys, at = append(keys, append([]protocol.SelectorPoint(nil), entry.points...)), append(at, i)
		}
	}
	seq, work := e.plan.seq, e.plan.work
	e.mu.Unlock()
	list := make([]*api.Answer, len(places))
	if len(keys) == 0 {
		return list, nil
	}
	if err := t.hub.takeTurn(ctx); err != nil {
		return nil, err
	}
	found, err := t.hub.query(ctx, &t.watcher.Options, keys, nil, explain)
	<-t.hub.reading
	if err != nil {
		return nil, err
	}
	for _, err := range found.Failed {
		return nil, err
	}
	for _, p := range places {
		t.forget(spot{p.Key, p.Composite})
	}
	e.mu.Lock()
	for j, i := range at {
		if entry := t.group.entries[places[i].Composite]; entry != nil {
			e.plan.Read(entry, found.ByKey[j], found.Policy, seq, work)
		}
	}
	e.mu.Unlock()
	e.wake()
	for j, i := range at {
		list[i] = t.show(found.ByKey[j], found.Policy, places[i].Ordinals)
	}
	return list, nil
}
