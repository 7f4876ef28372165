package lf

import (
	"context"
	"time"

	"github.com/lf-store/lf/node/api"
)

// watching is a watch under way.
type watching struct {
	*query
	keys    []Key
	after   string // the cursor to begin with
	onAway  func(error)
	client  *Client
	yield   func(Event) error
	request api.WatchRequest

	reader  *reader
	targets []target
	told    *delivered
	cursor  string // of all that the caller knows
	isAway  bool   // the connection failed, and the caller knows
	pauses  watchPauses
	held    heldBack

	// of the stream
	cancel   func(error)
	begun    bool    // an event came
	silent   bool    // the first one said that nothing has changed
	database [8]byte // of the first one
	latest   string  // the cursor of the last event
}

func newWatching(c *Client, keys []Key, options []WatchOption) *watching {
	w := &watching{query: queryOf(Key{}, nil), keys: keys, client: c}
	for _, option := range options {
		option.watch(w)
	}
	return w
}

func (w *watching) check() error {
	switch {
	case w.err != nil:
		return w.err
	case len(w.keys) == 0 || len(w.keys) > api.MaxWatchKeys:
		return wrongInput("a watch is of 1 to %d keys, not %d", api.MaxWatchKeys, len(w.keys))
	case w.until > 0 || w.since > 0:
		return wrongInput("a watch is of answers as of now: it goes with neither AsOf nor Since")
	case w.limit != api.DefaultLimit || w.history || w.explain:
		return wrongInput("a watch tells all answers and nothing else: it goes with none of Limit, History and Explain")
	}
	if _, err := api.ParseWatchCursor(w.after); err != nil {
		return wrongInput("%q is not the cursor of an event", w.after)
	}
	selectors := 0
	for _, key := range w.keys {
		w.key = key
		if err := w.query.check(); err != nil {
			return err
		}
		selectors += len(key.selectors)
	}
	if selectors > api.MaxKeySelectors {
		return wrongInput("the keys have %d names, and at most %d can be watched at once", selectors, api.MaxKeySelectors)
	}
	return nil
}

// prepare derives the names, and makes the request.
func (w *watching) prepare(ctx context.Context) error {
	if err := w.check(); err != nil {
		return err
	}
	if err := w.client.awaitSynced(ctx, &w.synced); err != nil {
		return err
	}
	var asked api.Query
	var err error
	if err := w.client.checkAlive(w.query); err != nil {
		return err
	}
	w.lapsed = true // what is not alive is told, too
	if w.reader, asked, err = w.client.prepare(ctx, w.query); err != nil {
		return err
	}
	if w.targets, err = w.client.names.namesOfAll(ctx, w.keys); err != nil {
		return err
	}
	r := &w.request
	r.Owners, r.Policy, r.Oracles, r.Authorities, r.Frames = asked.Owners, asked.Policy, asked.Oracles, asked.Authorities, true
	r.Alive = uint64(w.alive / time.Second)
	r.Keys = make([]api.WatchKey, len(w.targets))
	for i := range w.targets {
		r.Keys[i] = api.WatchKey{Selectors: w.targets[i].selectors(), Open: w.open}
	}
	w.cursor, w.told = w.after, newDelivered(w.after != "")
	return nil
}

// whileOpen returns a context that ends when the client is closed, and what ends the watch.
func (c *Client) whileOpen(ctx context.Context, w *watching) (context.Context, func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	if c.watches == nil {
		c.watches = map[*watching]context.CancelCauseFunc{}
	}
	c.watches[w] = cancel
	return ctx, func() {
		cancel(nil)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watches, w)
	}, nil
}
