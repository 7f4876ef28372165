package lf_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// watchPatience bounds the wait for an event, on a busy machine.
const watchPatience = 20 * time.Second

// watcher takes the events of a watch as they come.
type watcher struct {
	testing.TB
	events chan lf.Event
	ended  chan error
	stop   context.CancelCauseFunc
}

var errEnough = errors.New("enough was watched")

// watchMany begins a watch, which the test ends.
func watchMany(t testing.TB, db *lf.Client, keys []lf.Key, options ...lf.WatchOption) *watcher {
	t.Helper()
	ctx, stop := context.WithCancelCause(t.Context())
	w := &watcher{TB: t, events: make(chan lf.Event, 1000), ended: make(chan error, 1), stop: stop}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e, err := range db.WatchMany(ctx, keys, options...) {
			if err != nil {
				w.ended <- err
				return
			}
			w.events <- e
		}
		w.ended <- nil
	}()
	t.Cleanup(func() { stop(errEnough); <-done })
	return w
}

func watch(t testing.TB, db *lf.Client, key lf.Key, options ...lf.WatchOption) *watcher {
	t.Helper()
	return watchMany(t, db, []lf.Key{key}, options...)
}

// next returns the next event that is not about the node itself.
func (w *watcher) next() lf.Event {
	w.Helper()
	for {
		select {
		case e := <-w.events:
			if e.Kind != lf.EventSync {
				return e
			}
		case err := <-w.ended:
			w.Fatalf("the watch ended: %v", err)
		case <-time.After(watchPatience):
			w.Fatal("no event")
		}
	}
}

// want wants an event of a kind, with what textOf makes of it.
func (w *watcher) want(kind lf.EventKind, text string) lf.Event {
	w.Helper()
	e := w.next()
	if e.Kind != kind || textOf(&e) != text {
		w.Fatalf("%s %q, want %s %q: %+v", e.Kind, textOf(&e), kind, text, e)
	}
	return e
}

// textOf is an event's key and value.
func textOf(e *lf.Event) string {
	switch {
	case e.Kind == lf.EventPresent:
		return ""
	case e.Answer == nil:
		return e.Key.String()
	}
	return e.Key.String() + " " + e.Answer.Text()
}

// over wants the watch to end with an error.
func (w *watcher) over(want error) {
	w.Helper()
	for {
		select {
		case <-w.events:
		case err := <-w.ended:
			if !errors.Is(err, want) {
				w.Errorf("the watch ended with %v, want %v", err, want)
			}
			return
		case <-time.After(watchPatience):
			w.Fatal("the watch goes on")
		}
	}
}

// clientsOf returns clients of a fake node: over HTTP, and in the same process.
func clientsOf(t *testing.T, s api.Service) map[string]*lf.Client {
	t.Helper()
	file := must[*protocol.NetworkFile](t)(s.Network(t.Context()))
	inside := must[*lf.Client](t)(lf.New(s, must[*protocol.Network](t)(file.Network()), lf.WithHome(t.TempDir())))
	return map[string]*lf.Client{"http": open(t, s), "inside": inside}
}

// TestWatch sees a value come, change, be deleted, come again and be released.
func TestWatch(t *testing.T) {
	t.Parallel()
	for name, db := range clientsOf(t, newFake(t)) {
		t.Run(name, func(t *testing.T) {
			key := lf.MustKey("svc", name+"#1#3")
			at := lf.MustKey("svc", name+"#2")
			text := at.String() + " "
			author := lf.AsKey(newKey(t))
			first := set(t, db, at, "one", author)
			w := watch(t, db, key)
			if e := w.want(lf.EventAnswer, text+"one"); e.Answer.Record != first.ID || (e.Before != protocol.ID{}) {
				t.Errorf("%+v", e)
			}
			if e := w.want(lf.EventPresent, ""); !e.All {
				t.Errorf("%+v", e)
			}
			second := set(t, db, at, "two", author)
			if e := w.want(lf.EventAnswer, text+"two"); e.Before != first.ID || e.Answer.Record != second.ID {
				t.Errorf("%+v", e)
			}
			if err := db.Delete(t.Context(), at, author); err != nil {
				t.Fatal(err)
			}
			if e := w.want(lf.EventDeleted, text); !e.Answer.Deleted || e.Before != second.ID {
				t.Errorf("%+v", e)
			}
			set(t, db, at, "three", author)
			w.want(lf.EventAnswer, text+"three")
			if err := db.Release(t.Context(), at, author); err != nil {
				t.Fatal(err)
			}
			w.want(lf.EventGone, at.String())
			set(t, db, lf.MustKey("svc", name+"#9"), "not watched", author)
			set(t, db, lf.MustKey("svc", name+"#3"), "four", author)
			if e := w.want(lf.EventAnswer, lf.MustKey("svc", name+"#3").String()+" four"); (e.Before != protocol.ID{}) {
				t.Errorf("%+v", e)
			}
			w.stop(errEnough)
			w.over(errEnough)
		})
	}
}

// TestWatchAsks watches with each option: owners, further names, a policy, a masking key, many
// keys.
func TestWatchAsks(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	mine, theirs := newKey(t), newKey(t)
	owner := watch(t, db, horse, lf.By(protocol.OwnerOf(mine).String()))
	further := watch(t, db, lf.MustKey("horse#"), lf.Further())
	newest := watch(t, db, horse, lf.Policy("newest"), lf.Contested())
	many := watchMany(t, db, []lf.Key{lf.MustKey("cow"), horse})
	masked := watch(t, db, lf.MustKey("secret"), lf.MaskingKey("sesame"))
	sealed := watch(t, db, lf.MustKey("secret"))
	for _, w := range []*watcher{owner, further, newest, many, masked, sealed} {
		w.want(lf.EventPresent, "")
	}
	set(t, db, horse, "theirs", lf.AsKey(theirs))
	set(t, db, horse, "mine", lf.AsKey(mine))
	owner.want(lf.EventAnswer, "horse#0 mine")
	newest.want(lf.EventAnswer, "horse#0 theirs")
	if e := newest.want(lf.EventAnswer, "horse#0 mine"); e.Decided != protocol.CriterionNewest {
		t.Errorf("%+v", e)
	}
	if e := many.next(); e.Asked != 1 || textOf(&e)[:8] != "horse#0 " {
		t.Errorf("%+v", e)
	}
	set(t, db, lf.MustKey("horse#4", "stable"), "in it", lf.AsKey(mine))
	for e := further.next(); textOf(&e) != "horse#4 in it"; e = further.next() {
		if e.Key.String() != "horse#0" {
			t.Fatalf("%+v", e)
		}
	}
	set(t, db, lf.MustKey("secret"), "open", lf.MaskingKey("sesame"))
	masked.want(lf.EventAnswer, "secret#0 open")
	if e := sealed.want(lf.EventAnswer, "secret#0 "); !e.Answer.Sealed {
		t.Errorf("%+v", e)
	}
}

// TestWatchContested tells of a claim that came and lost, which was checked, too.
func TestWatchContested(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	set(t, db, horse, "first", lf.AsKey(newKey(t)))
	w := watch(t, db, horse, lf.Policy("local"), lf.Contested())
	w.want(lf.EventAnswer, "horse#0 first")
	w.want(lf.EventPresent, "")
	loser := set(t, db, horse, "second", lf.AsKey(newKey(t)))
	if e := w.want(lf.EventContested, "horse#0 first"); e.Rival == nil || e.Rival.Record != loser.ID || e.Rival.Text() != "second" {
		t.Errorf("%+v", e)
	}
}

// TestWatchAfter goes on after an event in a new watch: what has not changed is not told again.
func TestWatchAfter(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	author := lf.AsKey(newKey(t))
	set(t, db, horse, "one", author)
	w := watch(t, db, horse)
	w.want(lf.EventAnswer, "horse#0 one")
	cursor := w.want(lf.EventPresent, "").Cursor
	again := watch(t, db, horse, lf.After(cursor))
	if e := again.want(lf.EventPresent, ""); e.All {
		t.Errorf("%+v", e)
	}
	set(t, db, horse, "two", author)
	for _, w := range []*watcher{w, again} {
		if e := w.want(lf.EventAnswer, "horse#0 two"); (e.Before == protocol.ID{}) {
			t.Errorf("%+v", e)
		}
	}
	late := watch(t, db, horse, lf.After(cursor))
	late.want(lf.EventAnswer, "horse#0 two")
	late.want(lf.EventPresent, "")
	if err := db.Release(t.Context(), horse, author); err != nil {
		t.Fatal(err)
	}
	for _, w := range []*watcher{w, again, late, watch(t, db, horse, lf.After(cursor))} {
		w.want(lf.EventGone, "horse#0")
	}
}

// TestWatchInput gives what makes no sense.
func TestWatchInput(t *testing.T) {
	t.Parallel()
	db := open(t, newFake(t))
	for name, c := range map[string]struct {
		keys    []lf.Key
		options []lf.WatchOption
	}{
		"no key":          {keys: []lf.Key{{}}},
		"no keys":         {},
		"too many keys":   {keys: slices.Repeat([]lf.Key{horse}, 1001)},
		"too many names":  {keys: slices.Repeat([]lf.Key{lf.MustKey("a", "b", "c", "d", "e")}, 1000)},
		"as of":           {[]lf.Key{horse}, []lf.WatchOption{lf.AsOf(time.Now())}},
		"since":           {[]lf.Key{horse}, []lf.WatchOption{lf.Since(time.Now())}},
		"limit":           {[]lf.Key{horse}, []lf.WatchOption{lf.Limit(3)}},
		"history":         {[]lf.Key{horse}, []lf.WatchOption{lf.History()}},
		"alive too soon":  {[]lf.Key{horse}, []lf.WatchOption{lf.Alive(time.Second)}},
		"explain":         {[]lf.Key{horse}, []lf.WatchOption{lf.Explain()}},
		"cursor":          {[]lf.Key{horse}, []lf.WatchOption{lf.After("nonsense")}},
		"settled at once": {[]lf.Key{horse}, []lf.WatchOption{lf.SettledAfter(0)}},
		"settled late":    {[]lf.Key{horse}, []lf.WatchOption{lf.SettledAfter(25 * time.Hour)}},
		"nobody's key":    {[]lf.Key{horse}, []lf.WatchOption{lf.By("nobody")}},
		"policy":          {[]lf.Key{horse}, []lf.WatchOption{lf.Policy("best")}},
	} {
		t.Run(name, func(t *testing.T) {
			var input *lf.InputError
			for _, err := range db.WatchMany(t.Context(), c.keys, c.options...) {
				if !errors.As(err, &input) {
					t.Fatalf("%v", err)
				}
			}
			if input == nil {
				t.Error("no error")
			}
		})
	}
}

// TestWatchEnds ends with the client, and with the loop.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	for name, db := range clientsOf(t, newFake(t)) {
		w := watch(t, db, horse)
		w.want(lf.EventPresent, "")
		for e, err := range db.Watch(t.Context(), horse) {
			if err != nil || e.Kind != lf.EventPresent {
				t.Errorf("%s: %+v, %v", name, e, err)
			}
			break
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		w.over(lf.ErrClosed)
		w = watch(t, db, horse)
		w.over(lf.ErrClosed)
	}
}

// cutter is a node whose streams a test ends.
type cutter struct {
	*apitest.Fake
	mu     sync.Mutex
	err    error // how the streams end
	after  int   // after this many events; below 0: never
	cut    chan struct{}
	opened int
}

func newCutter(t testing.TB) *cutter {
	return &cutter{Fake: newFake(t), after: -1, cut: make(chan struct{}), err: api.Unavailable("this node is closing")}
}

// end ends all streams, and waits until the next one begins.
func (c *cutter) end(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	before := c.opened
	close(c.cut)
	c.cut = make(chan struct{})
	c.mu.Unlock()
	for begun := time.Now(); time.Since(begun) < watchPatience; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		again := c.opened > before
		c.mu.Unlock()
		if again {
			return
		}
	}
	t.Fatal("nobody came back")
}

func (c *cutter) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		c.mu.Lock()
		cut, left, end := c.cut, c.after, c.err
		c.opened++
		c.mu.Unlock()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-cut:
				cancel()
			case <-ctx.Done():
			}
		}()
		for e, err := range c.Fake.Watch(ctx, r) {
			if err != nil {
				break
			}
			if left == 0 {
				break
			}
			left--
			if !yield(e, nil) {
				return
			}
		}
		yield(nil, end)
	}
}

// TestWatchReconnects loses its stream again and again, also in the middle of the answers that a
// node tells at first: each state comes once.
func TestWatchReconnects(t *testing.T) {
	t.Parallel()
	c := newCutter(t)
	for name, db := range clientsOf(t, c) {
		t.Run(name, func(t *testing.T) {
			author := lf.AsKey(newKey(t))
			for i := range 5 {
				set(t, db, lf.MustKey(fmt.Sprintf("%s#%d", name, i)), "old", author)
			}
			var away []error
			w := watch(t, db, lf.MustKey(name+"#"), lf.OnAway(func(err error) { away = append(away, err) }))
			for i := range 5 {
				w.want(lf.EventAnswer, fmt.Sprintf("%s#%d old", name, i))
			}
			w.want(lf.EventPresent, "")
			c.end(t)
			set(t, db, lf.MustKey(name+"#2"), "new", author)
			w.want(lf.EventAnswer, name+"#2 new")
			c.end(t)
			if err := db.Release(t.Context(), lf.MustKey(name+"#3"), author); err != nil {
				t.Fatal(err)
			}
			w.want(lf.EventGone, name+"#3")
			c.mu.Lock()
			c.after = 2
			c.mu.Unlock()
			c.end(t)
			set(t, db, lf.MustKey(name+"#0"), "new", author)
			w.want(lf.EventAnswer, name+"#0 new")
			if err := db.Release(t.Context(), lf.MustKey(name+"#4"), author); err != nil {
				t.Fatal(err)
			}
			c.mu.Lock()
			c.after = -1
			c.mu.Unlock()
			w.want(lf.EventGone, name+"#4")
			w.stop(errEnough)
			w.over(errEnough)
			if len(away) == 0 {
				t.Error("no outage was told")
			}
		})
	}
}
