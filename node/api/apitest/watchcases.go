package apitest

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// TestWatch checks how a service tells of changes. It is as [TestService] otherwise.
func TestWatch(t *testing.T, open func(t *testing.T) api.Service) { testWatch(t, open, false) }

// TestWatchOfProxy is [TestWatch] for a proxy, as [TestProxy] is.
func TestWatchOfProxy(t *testing.T, open func(t *testing.T) api.Service) { testWatch(t, open, true) }

func testWatch(t *testing.T, open func(t *testing.T) api.Service, proxy bool) {
	tests := []struct {
		name string
		run  func(*fixture)
	}{
		{"one key", (*fixture).watchOneKey},
		{"many keys", (*fixture).watchManyKeys},
		{"range", (*fixture).watchRange},
		{"open", (*fixture).watchOpen},
		{"cursor", (*fixture).watchCursor},
		{"contested", (*fixture).watchContested},
		{"frames", (*fixture).watchFrames},
		{"alive", (*fixture).watchAlive},
		{"invalid", (*fixture).watchInvalid},
		{"canceled", (*fixture).watchCanceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, open(t))
			f.proxy = proxy
			test.run(f)
		})
	}
}

// watching is a stream of events.
type watching struct {
	*fixture
	next func() (*api.WatchEvent, error, bool)
	stop func()
	last *api.WatchEvent
}

// watch begins a stream, whose answers come with their values. Each event must come within a
// minute.
func (f *fixture) watch(r api.WatchRequest, keys ...string) *watching {
	f.Helper()
	for _, k := range keys {
		r.Keys = append(r.Keys, api.WatchKey{Selectors: api.MustSelectors(f.expression(k))})
	}
	r.Decrypt = true
	ctx, cancel := context.WithTimeout(f.ctx, time.Minute)
	next, stop := iter.Pull2(f.service.Watch(ctx, r))
	w := &watching{fixture: f, next: next, stop: func() { cancel(); stop() }}
	f.Cleanup(w.stop)
	return w
}

// event returns the next event but those of sync, which must be one of a name.
func (w *watching) event(name string) *api.WatchEvent {
	w.Helper()
	for {
		e, err, ok := w.next()
		if err != nil || !ok {
			w.Fatalf("no event %q came: %v", name, err)
		}
		if e.Event == api.WatchSync && !e.Listed && name != api.WatchSync {
			continue
		}
		if e.Event != name || e.Cursor == "" || e.Time == 0 {
			w.Fatalf("the event is %+v, want one of %q", e, name)
		}
		if (e.Composite == nil) != (name == api.WatchSync) {
			w.Fatalf("the event %+v has composite key %v", e, e.Composite)
		}
		w.last = e
		return e
	}
}

// answer wants the next event to tell of a value.
func (w *watching) answer(text string, key int) *api.WatchEvent {
	w.Helper()
	e := w.event(api.WatchAnswer)
	if e.Key != key || e.Answer == nil || textOf(&e.Answer.Version) != text || e.Answer.Frame != nil || e.Answer.Explanation != nil {
		w.Fatalf("the event is %+v with %+v, want %q of key %d", e, e.Answer, text, key)
	}
	return e
}

// listed wants the current answers to end here.
func (w *watching) listed() {
	w.Helper()
	if e := w.event(api.WatchSync); !e.Listed || e.Sync == "" {
		w.Fatalf("the event is %+v, want the end of the current answers", e)
	}
}

func (f *fixture) watchOneKey() {
	w := f.watch(api.WatchRequest{}, "n")
	w.listed()
	first := f.set("a", "n")
	if e := w.answer("a", 0); e.Before != nil || e.Again || e.Answer.Record != first.ID || len(e.Ordinals) != 1 {
		f.Fatalf("the first answer: %+v", e)
	}
	second := f.set("b", "n")
	if e := w.answer("b", 0); e.Before == nil || *e.Before != first.ID || e.Answer.Record != second.ID {
		f.Fatalf("the second answer: %+v", e)
	}
	tombstone := f.request(api.SetRequest{Selectors: api.MustSelectors(f.expression("n")), Type: api.SetDelete})
	if e := w.event(api.WatchDeleted); e.Before == nil || *e.Before != second.ID || e.Answer == nil || e.Answer.Record != tombstone.ID {
		f.Fatalf("deleted: %+v", e)
	}
	f.request(api.SetRequest{Selectors: api.MustSelectors(f.expression("n")), Type: api.SetRelease})
	if e := w.event(api.WatchGone); e.Before == nil || *e.Before != tombstone.ID || e.Answer != nil {
		f.Fatalf("released: %+v", e)
	}
	f.set("c", "n")
	if e := w.answer("c", 0); e.Before != nil {
		f.Fatalf("after a release: %+v", e)
	}
}

func (f *fixture) watchManyKeys() {
	f.set("b", "b")
	w := f.watch(api.WatchRequest{}, "a", "b", "c")
	w.answer("b", 1)
	w.listed()
	f.set("x", "elsewhere")
	f.set("c", "c")
	w.answer("c", 2)
	f.set("a", "a")
	w.answer("a", 0)
}

func (f *fixture) watchRange() {
	f.set("2", "n#2")
	f.set("5", "n#5")
	w := f.watch(api.WatchRequest{}, "n#1#7")
	w.answer("2", 0)
	w.answer("5", 0)
	w.listed()
	f.set("8", "n#8")
	f.set("3", "n#3")
	if e := w.answer("3", 0); len(e.Ordinals) != 1 || e.Ordinals[0] != 3 || e.Before != nil {
		f.Fatalf("of another ordinal: %+v", e)
	}
	f.request(api.SetRequest{Selectors: api.MustSelectors(f.expression("n#5")), Type: api.SetRelease})
	if e := w.event(api.WatchGone); e.Ordinals[0] != 5 {
		f.Fatalf("released: %+v", e)
	}
}

func (f *fixture) watchOpen() {
	f.set("ab", "b#2", "a#1")
	w := f.watch(api.WatchRequest{Keys: []api.WatchKey{{Selectors: api.MustSelectors(f.expression("b#")), Open: true}}})
	first := w.answer("ab", 0)
	w.listed()
	f.set("b", "b#2")
	if e := w.answer("b", 0); *e.Composite == *first.Composite || e.Ordinals[0] != 2 {
		f.Fatalf("another composite key of the same ordinals: %+v, and %+v before", e, first)
	}
	f.set("ab2", "b#2", "a#1")
	if e := w.answer("ab2", 0); *e.Composite != *first.Composite {
		f.Fatalf("the same composite key: %+v, and %+v before", e, first)
	}
}

// watchCursor: a watcher that comes back with a cursor hears nothing again if nothing has changed,
// and everything if anything has.
func (f *fixture) watchCursor() {
	f.set("a", "a")
	f.set("b", "b")
	w := f.watch(api.WatchRequest{}, "a", "b", "c")
	partial := w.answer("a", 0).Cursor
	w.answer("b", 1)
	w.listed()
	w.stop()
	back := f.watch(api.WatchRequest{After: w.last.Cursor}, "a", "b", "c")
	if e := back.event(api.WatchSync); e.Listed || e.Again {
		f.Fatalf("nothing has changed: %+v", e)
	}
	f.set("c", "c")
	before := back.answer("c", 2).Cursor
	back.stop()
	f.set("b2", "b")
	for _, cursor := range []string{before, partial} {
		again := f.watch(api.WatchRequest{After: cursor}, "a", "b", "c")
		for i, text := range []string{"a", "b2", "c"} {
			if e := again.answer(text, i); !e.Again {
				f.Fatalf("the answer %+v is not marked", e)
			}
		}
		if again.listed(); !again.last.Again {
			f.Fatalf("the end %+v is not marked", again.last)
		}
		f.watch(api.WatchRequest{After: again.last.Cursor}, "a", "b", "c").event(api.WatchSync)
		again.stop()
	}
}

// watchContested: the first claim wins by weight. A record that comes later and loses is
// told only to the watcher that wants to know.
func (f *fixture) watchContested() {
	mine := f.set("mine", "n")
	for range 3 {
		f.set("more", "elsewhere")
	}
	quiet, w := f.watch(api.WatchRequest{}, "n"), f.watch(api.WatchRequest{Contested: true}, "n")
	for _, one := range []*watching{quiet, w} {
		one.answer("mine", 0)
		one.listed()
	}
	other := f.composeBy(f.newKey(), "n", "other", nil)
	f.submitted(other)
	e := w.event(api.WatchContested)
	if e.Claim == nil || e.Claim.Record != other.ID() || e.Claim.Owner != other.Owner || e.Claim.LostBy == "" || e.Answer == nil || e.Answer.Record != mine.ID {
		f.Fatalf("the contest: %+v with %+v", e, e.Claim)
	}
	f.set("mine still", "n")
	quiet.answer("mine still", 0)
	if e := w.answer("mine still", 0); e.Decided == "" {
		f.Fatalf("nothing tells why it won: %+v", e)
	}
}

func (f *fixture) watchFrames() {
	f.set("a", "a")
	w := f.watch(api.WatchRequest{Frames: true}, "a")
	e := w.event(api.WatchAnswer)
	if f.checkVersion(&e.Answer.Version).CompositeID() != *e.Composite || e.Answer.Composite == nil {
		f.Fatalf("the record is under another composite key: %+v", e)
	}
}

func (f *fixture) watchInvalid() {
	n := []api.WatchKey{{Selectors: api.MustSelectors(f.expression("n"))}}
	for _, r := range []api.WatchRequest{
		{},
		{Keys: []api.WatchKey{{}}},
		{Keys: make([]api.WatchKey, api.MaxWatchKeys+1)},
		{Keys: n, After: "x"},
		{Keys: n, After: "AAAA"},
		{Keys: n, SettledAfter: uint32(api.MaxSettled/time.Millisecond) + 1},
		{Keys: n, Policy: protocol.Policy{"luck"}},
		{Keys: []api.WatchKey{n[0], {Selectors: []api.SelectorRange{{Name: "n", From: 2, To: 1}}}}},
	} {
		next, stop := iter.Pull2(f.service.Watch(f.ctx, r))
		_, err, _ := next()
		stop()
		f.wantStatus(err, http.StatusUnprocessableEntity)
	}
}

// watchCanceled: a stream ends with its context.
func (f *fixture) watchCanceled() {
	ctx, cancel := context.WithCancel(f.ctx)
	var last error
	for e, err := range f.service.Watch(ctx, api.WatchRequest{Keys: []api.WatchKey{{Selectors: api.MustSelectors(f.expression("n"))}}}) {
		if last = err; err == nil && e.Event == api.WatchSync {
			cancel()
		}
	}
	cancel()
	if !errors.Is(last, context.Canceled) {
		f.Fatalf("the stream ended with %v", last)
	}
}
