package proxy

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
)

// minWatchAgain and maxWatchAgain bound the time until nodes are asked again that could not answer.
// It doubles each time.
const minWatchAgain, maxWatchAgain = time.Second, time.Minute

// Watch implements api.Service. What nodes tell are hints: the answer is asked for, verified and
// compared as for [Service.Query], and told if it has changed. So a node can neither make the proxy
// tell falsely, nor hide from it what another node tells. Nodes that go are replaced by others.
func (s *Service) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		w, err := s.newWatcher(ctx, &r, yield)
		if err == nil {
			err = w.run(ctx)
			w.leave()
		}
		if err != nil && !errors.Is(err, errNoMore) {
			yield(nil, err)
		}
	}
}

// errNoMore says that the watcher wants no more events.
var errNoMore = errors.New("the watcher has left")

// watcher is one stream of events to a client.
type watcher struct {
	*Service
	request *api.WatchRequest
	keys    []api.WatchKey // without names
	opens   []*question    // each opens the values under a key
	topics  []string       // the keys as text
	// filter is what nodes are asked, with a key that stands for any. group is the text of it.
	filter api.WatchRequest
	group  string
	state  *watchstate.State
	sub    *subscription
	leave  func()
	yield  func(*api.WatchEvent, error) bool
	// again is the pause after a question that was in vain, until when nothing is settled.
	again time.Duration
	until time.Time
	// unsettled are places that may have settled, and that no node could be asked about.
	unsettled []watchstate.Place
	lapsed    map[spot]*lapsedClaim
}

func (s *Service) newWatcher(ctx context.Context, r *api.WatchRequest, yield func(*api.WatchEvent, error) bool) (*watcher, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := r.CheckAlive(s.config.Network); err != nil {
		return nil, err
	}
	w := &watcher{Service: s, request: r, yield: yield, sub: newSubscription(), lapsed: map[spot]*lapsedClaim{}}
	for key := range r.Keys {
		u, err := s.question(ctx, r.Query(key))
		if err != nil {
			return nil, err
		}
		key := api.WatchKey{Selectors: u.Selectors, Open: u.Open}
		w.keys, w.opens, w.topics = append(w.keys, key), append(w.opens, u), append(w.topics, topicOf(key))
	}
	var err error
	if w.state, err = watchstate.New(r, s.config.Network.ID().String()); err != nil {
		return nil, err
	}
	return w, w.subscribe(ctx)
}

// subscribe has the hub tell the watcher what nodes say. Nodes go by what the proxy would ask them.
func (w *watcher) subscribe(ctx context.Context) error {
	u, err := w.question(ctx, w.request.Query(0))
	if err != nil {
		return err
	}
	filter := api.WatchRequest{
		Owners: u.Owners, Policy: u.Policy, Oracles: u.Oracles, Authorities: u.Authorities, Contested: w.request.Contested, Alive: w.request.Alive,
		SettledAfter: uint32(api.MaxSettled.Milliseconds()),
	}
	if w.group, w.leave, err = w.hub.subscribe(w.sub, filter, w.keys, w.topics); err != nil {
		return err
	}
	w.filter = filter
	w.filter.Keys = w.keys[:1]
	return nil
}

// run tells the current answers, and then each change. It returns errNoMore, what ends ctx, or what
// keeps the proxy from answering.
func (w *watcher) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(w.hub.ctx, func() { cancel(closingError()) })()
	if err := w.list(ctx); err != nil {
		return ending(ctx, err)
	}
	for {
		now := time.Now()
		t := w.sub.take(now, w.state, min(w.config.Compare, len(w.nodes.answering())))
		err := t.failure
		if err == nil && t.settings {
			err = w.changeSettings(ctx)
		}
		if err == nil {
			err = w.tell(ctx, &t)
		}
		if err == nil {
			err = w.wait(ctx, t.next)
		}
		if err != nil {
			return ending(ctx, err)
		}
	}
}

// ending is why a watch ends: its context's cause, if that has ended.
func ending(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, errNoMore) {
		return context.Cause(ctx)
	}
	return err
}

// list tells the current answers.
func (w *watcher) list(ctx context.Context) error {
	all, err := w.askAll(ctx)
	if err != nil {
		return err
	}
	silent := w.state.MayBeCurrent() && w.resumes(all)
	if !silent {
		for key := range all {
			if err := w.update(key, all[key], nil); err != nil {
				return err
			}
		}
	}
	return w.send(w.state.Listed(silent, w.syncState(), time.Now()))
}

// resumes reports whether the watcher's cursor is current.
func (w *watcher) resumes(all [][]api.Answer) bool {
	now := time.Now()
	for key, answers := range all {
		for i := range answers {
			a := &answers[i]
			w.state.Note(watchstate.Place{Key: key, Composite: *a.Composite, Ordinals: a.Ordinals}, a, now)
		}
	}
	return w.state.Resume()
}

// changeSettings goes on with what the proxy's user has chosen now.
func (w *watcher) changeSettings(ctx context.Context) error {
	w.leave()
	w.leave = func() {}
	if err := w.subscribe(ctx); err != nil {
		return err
	}
	w.sub.askAll(len(w.keys))
	return nil
}

// tell asks about what nodes have said, and tells what has changed.
func (w *watcher) tell(ctx context.Context, t *taken) error {
	if e := w.state.Sync(w.syncState(), time.Now()); e != nil {
		if err := w.send(e); err != nil {
			return err
		}
	}
	for _, key := range t.whole {
		if err := w.tellKey(ctx, key); err != nil {
			return err
		}
	}
	for _, at := range t.places {
		if err := w.tellPlace(ctx, at); err != nil {
			return err
		}
	}
	if err := w.settle(ctx, t); err != nil {
		return err
	}
	return w.askLapsed(ctx, t)
}

// settle tells which answers have settled.
func (w *watcher) settle(ctx context.Context, t *taken) error {
	if time.Now().Before(w.until) {
		t.until(w.until)
		return nil
	}
	due := append(w.unsettled, w.state.Due(time.Now())...)
	w.unsettled = nil
	for _, at := range due {
		if err := w.settlePlace(ctx, at); err != nil {
			return err
		}
	}
	if len(w.unsettled) > 0 {
		t.until(w.until)
	}
	if next := w.state.NextDue(); !next.IsZero() {
		t.until(next)
	}
	return nil
}

// tellKey asks about all of a key.
func (w *watcher) tellKey(ctx context.Context, key int) error {
	answers, err := w.askKey(ctx, key, nil)
	if err != nil {
		return w.askedInVain(ctx, err, func() { w.sub.askKey(key) })
	}
	return w.update(key, answers, w.state.Places(key))
}

// tellPlace asks about one composite key.
func (w *watcher) tellPlace(ctx context.Context, at takenPlace) error {
	answer, err := w.askPlace(ctx, at.Place)
	if err != nil {
		return w.askedInVain(ctx, err, func() { w.sub.askKey(at.Key) })
	}
	events := w.state.Update(at.Place, answer, time.Now())
	w.sub.asked(at, time.Now(), len(events) > 0)
	return w.send(events...)
}

// settlePlace asks about a composite key whose answer may have settled.
func (w *watcher) settlePlace(ctx context.Context, at watchstate.Place) error {
	answer, err := w.askPlace(ctx, at)
	if err != nil {
		return w.askedInVain(ctx, err, func() { w.unsettled = append(w.unsettled, at) })
	}
	return w.send(w.state.Settle(at, answer, time.Now())...)
}

// askedInVain looks again in a while where nodes could not answer. What a watcher asks too much of
// ends its stream.
func (w *watcher) askedInVain(ctx context.Context, err error, again func()) error {
	if ctx.Err() != nil || isTooLarge(err) {
		return err
	}
	w.again = min(max(2*w.again, minWatchAgain), maxWatchAgain)
	w.until = time.Now().Add(w.again)
	w.log.Debug("a watcher's question is asked again", "error", err, "in", w.again)
	w.sub.pause(w.until)
	again()
	return nil
}

// wait returns when there may be something to tell. Zero: nothing is due at a time.
func (w *watcher) wait(ctx context.Context, next time.Time) error {
	var due <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.sub.signal:
	case <-due:
	}
	return nil
}

// send passes events on. It blocks while the watcher does not read.
func (w *watcher) send(events ...*api.WatchEvent) error {
	for _, e := range events {
		w.noteLapse(e)
		if !w.yield(e, nil) {
			return errNoMore
		}
	}
	return nil
}
