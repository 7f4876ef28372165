package watch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// fakeStore answers nothing, or with errors.
type fakeStore struct {
	mu      sync.Mutex
	observe func(*store.Changes)
	// broad is a selector whose keys are too expensive; err fails every query.
	broad protocol.SelectorKey
	err   error
	asked int
}

func (f *fakeStore) Observe(fn func(*store.Changes)) (cancel func()) {
	f.observe = fn
	return func() {}
}

func (f *fakeStore) Query(_ context.Context, q store.Query) (store.Answers, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked += len(q.Keys)
	for _, points := range q.Keys {
		if points[0].Key == f.broad {
			return store.Answers{}, store.ErrTooBroad
		}
	}
	return store.Answers{}, f.err
}

func (f *fakeStore) set(broad byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broad, f.err = protocol.SelectorKey{broad}, err
}

// count is how often a key was asked about.
func (f *fakeStore) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

func newFakeHub(f *fakeStore) *Hub {
	return New(Config{
		Store: f, Database: "a", Clock: time.Now, Logger: slog.New(slog.DiscardHandler), Fail: func(err error) error { return err },
		Sync:     func() string { return api.SyncAlone },
		Settings: func() (protocol.Policy, []protocol.Owner) { return protocol.DefaultPolicy(), nil },
	})
}

// watchFake watches a key, and returns how the stream ends.
func watchFake(ctx context.Context, h *Hub, key byte) (listed <-chan bool, ended <-chan error) {
	one := &Watcher{
		Request: &api.WatchRequest{Keys: make([]api.WatchKey, 1)}, Options: Options{OwnOracles: true}, Show: show,
		Keys: []Key{{Where: []store.Range{{Key: protocol.SelectorKey{key}, From: 1, To: 1}}}},
	}
	l, e := make(chan bool, 1), make(chan error, 1)
	go func() {
		e <- h.Watch(ctx, one, func(event *api.WatchEvent) bool {
			if event.Listed {
				l <- true
			}
			return true
		})
	}()
	return l, e
}

// repaired is a change after which everything is asked again.
var repaired = &store.Changes{Repaired: true, Index: 1}

// TestTooBroad: a key that is too expensive to rank ends the streams that watch it, and no others.
func TestTooBroad(t *testing.T) {
	t.Parallel()
	f := &fakeStore{broad: protocol.SelectorKey{9}}
	h := newFakeHub(f)
	defer h.Close()
	ctx, cancel := context.WithCancel(t.Context())
	listed, ended := watchFake(ctx, h, 1)
	<-listed
	if _, ended := watchFake(ctx, h, 9); !errors.Is(<-ended, store.ErrTooBroad) {
		t.Error("too broad, and no error")
	}
	other, failed := watchFake(ctx, h, 2)
	<-other
	f.set(2, nil)
	f.observe(repaired)
	if err := <-failed; !errors.Is(err, store.ErrTooBroad) {
		t.Errorf("it has become too broad: %v", err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the other stream ended with %v", err)
	}
}

// TestAskedAgain: what the store could not answer is asked again, and not all the time.
func TestAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{broad: protocol.SelectorKey{9}}
		h := newFakeHub(f)
		ctx, cancel := context.WithCancel(t.Context())
		listed, ended := watchFake(ctx, h, 1)
		<-listed
		f.set(9, errors.New("the disk is tired"))
		f.observe(repaired)
		before := f.count()
		time.Sleep(10 * time.Second)
		if again := f.count() - before; again < 5 || again > 15 {
			t.Errorf("asked %d times in 10 s", again)
		}
		f.set(9, nil)
		time.Sleep(5 * time.Second)
		before = f.count()
		time.Sleep(10 * time.Second)
		if f.count() != before {
			t.Error("asked although nothing changes")
		}
		cancel()
		<-ended
		h.Close()
	})
}

// TestClosedHub ends its streams, and takes no more.
func TestClosedHub(t *testing.T) {
	t.Parallel()
	h := newFakeHub(&fakeStore{broad: protocol.SelectorKey{9}})
	listed, ended := watchFake(t.Context(), h, 1)
	<-listed
	h.Close()
	if err := <-ended; !errors.Is(err, &api.Error{Status: 503}) {
		t.Errorf("the stream ended with %v", err)
	}
	if _, ended := watchFake(t.Context(), h, 1); !errors.Is(<-ended, &api.Error{Status: 503}) {
		t.Error("a closed hub takes watchers")
	}
}

// TestPlanIsBounded: a range with more answers than a stream may have ends its streams. Nothing is
// left of streams that have ended.
func TestPlanIsBounded(t *testing.T) {
	t.Parallel()
	p, s, other := NewPlan(), &Stream{}, &Stream{}
	k := Key{Where: []store.Range{{Key: protocol.SelectorKey{1}, From: 0, To: protocol.MaxOrdinal}}}
	exact := Key{Where: []store.Range{{Key: protocol.SelectorKey{1}, From: 5, To: 5}}}
	p.subscribe(s, Options{}, []Key{k}, &api.WatchRequest{})
	p.subscribe(other, Options{}, []Key{exact, exact, k}, &api.WatchRequest{Contested: true})
	r := p.ranges[protocol.SelectorKey{1}][0]
	for i := range uint64(api.MaxWatchAnswers + 5) {
		points := []protocol.SelectorPoint{{Key: protocol.SelectorKey{1}, Ordinal: i}}
		e, ok := p.found(r, protocol.CompositeOf(points), points)
		if ok != (i < api.MaxWatchAnswers) {
			t.Fatalf("key %d: %t", i, ok)
		}
		if ok {
			p.mark(e, urgent)
		}
	}
	if full := p.takeFull(); len(full) != 2 || len(p.takeFull()) != 0 {
		t.Errorf("%d streams are to end", len(full))
	}
	a := p.Next(true)
	p.unsubscribe(s)
	p.unsubscribe(other)
	if list := p.Answered(a, &Answers{}); len(list) > 0 {
		t.Errorf("%d deliveries to nobody", len(list))
	}
	if p.Next(true) != nil || p.places != 0 || len(p.groups)+len(p.keys)+len(p.ranges)+len(p.byOwner)+len(p.crowded)+p.byWork.Len() > 0 {
		t.Errorf("left are %d places, %d groups, %d keys, %d ranges", p.places, len(p.groups), len(p.keys), len(p.ranges))
	}
}
