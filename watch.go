package lf

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/lf-store/lf/node/api"
)

// Watch yields what answers under a key, and then every change of that: under the policy of the
// options, as [Client.Query] would answer now. The key may have ranges, and with [Further] further
// names. The answers of the start come first, and then an [EventPresent].
//
// A watch goes on through a restart of the node, and at another node in its place, by itself. No
// state comes twice, and the last one is never missed. States in between may be: a loop that takes
// its time gets the newest state of each key. Each answer is checked as strictly as those of
// [Client.Get]. What a node withholds nobody can see.
//
// The loop ends with the context, whose error comes last. [*ForgedError], [*InputError],
// [*NetworkError], [ErrClosed] and what the node refuses end it, too. A watch keeps about 300 bytes
// for each answer, and starts no goroutine.
func (c *Client) Watch(ctx context.Context, key Key, options ...WatchOption) iter.Seq2[Event, error] {
	return c.WatchMany(ctx, []Key{key}, options...)
}

// WatchMany watches up to 1,000 keys with one stream, see [Client.Watch]. They may have 4,000
// selectors in all. Under all keys together there may be 10,000 answers. The Asked of an event says
// which key it is about.
func (c *Client) WatchMany(ctx context.Context, keys []Key, options ...WatchOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := newWatching(c, keys, options)
		w.yield = func(e Event) error {
			if !yield(e, nil) {
				return errLoopEnded
			}
			return nil
		}
		if err := w.run(ctx); !errors.Is(err, errLoopEnded) {
			yield(Event{}, err)
		}
	}
}

// errLoopEnded says that the caller's loop has ended.
var errLoopEnded = errors.New("the loop has ended")

// run watches until the context or the loop ends, and returns why. It connects again and again.
func (w *watching) run(ctx context.Context) error {
	ctx, done, err := w.client.whileOpen(ctx, w)
	if err != nil {
		return err
	}
	defer done()
	if err := w.prepare(ctx); err != nil {
		return err
	}
	for moved := false; ; {
		before, began := w.client.Address(), time.Now()
		err := w.stream(ctx)
		switch {
		case errors.Is(err, errLoopEnded):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errHeldLong):
			if err := w.flush(); err != nil {
				return err
			}
			continue
		case !IsAway(err):
			return err
		}
		w.away(err)
		w.pauses.lived(time.Since(began))
		again, failed := w.client.follow(ctx, before)
		if failed != nil {
			return errors.Join(err, failed)
		}
		if moved = again && !moved; moved {
			continue // at once
		}
		if err := w.pauses.wait(ctx, err); err != nil {
			return err
		}
	}
}

// away tells the caller of an outage, once.
func (w *watching) away(err error) {
	if w.onAway != nil && !w.isAway {
		w.onAway(err)
	}
	w.isAway = true
}

// stream takes the events of one connection.
func (w *watching) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer w.held.end()
	w.told.begin()
	w.cancel, w.begun = cancel, false
	request := w.request
	request.After = w.cursor
	for e, err := range w.client.Node().Watch(ctx, request) {
		if err != nil && errors.Is(context.Cause(ctx), errHeldLong) {
			return errHeldLong
		}
		if err != nil {
			return err
		}
		w.isAway = false
		if err := w.take(ctx, e); err != nil {
			return err
		}
	}
	return &api.UnreachableError{URL: w.client.Address(), Err: errors.New("the stream of events ended")}
}
