package proxy

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// watchNode is a node whose watchers a test can deceive, and cut off.
type watchNode struct {
	*testNode

	open    atomic.Int64 // streams
	opened  atomic.Int64
	refuses error             // of each stream
	hides   bool              // tells no change
	invents []*api.WatchEvent // what it also tells, once
	cutOff  chan struct{}     // closed: all streams end
}

func (n *watchNode) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		n.mu.Lock()
		down, hides, invents, cutOff := cmp.Or(n.down, n.refuses), n.hides, n.invents, n.cutOff
		n.mu.Unlock()
		if down != nil {
			yield(nil, down)
			return
		}
		n.open.Add(1)
		n.opened.Add(1)
		defer n.open.Add(-1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			select {
			case <-cutOff:
				cancel()
			case <-ctx.Done():
			}
		}()
		listed := false
		for e, err := range n.Fake.Watch(ctx, r) {
			if err != nil {
				yield(nil, &api.UnreachableError{URL: "http://node.example", Err: err})
				return
			}
			if hides && listed && e.Event != api.WatchSync {
				continue
			}
			if !yield(e, nil) {
				return
			}
			if listed = listed || e.Listed; e.Listed {
				for _, lie := range invents {
					if !yield(lie, nil) {
						return
					}
				}
			}
		}
	}
}

// goDown ends a node's streams, and lets it answer nothing.
func (n *watchNode) goDown() {
	n.change(func() { n.down = errDown })
	n.cut()
}

func (n *watchNode) comeBack() { n.change(func() { n.down = nil }) }

// cut ends a node's streams.
func (n *watchNode) cut() {
	n.change(func() {
		close(n.cutOff)
		n.cutOff = make(chan struct{})
	})
}

// watchWorld is a world whose nodes are watchNodes. Its watchers end with the test.
type watchWorld struct {
	*world
	nodes []*watchNode
	owner owner
	time  uint64
}

func newWatchWorld(t *testing.T, nodes int, change ...func(*Config)) *watchWorld {
	t.Helper()
	w := &watchWorld{world: newWorld(t, nodes, change...), owner: newOwner(t)}
	for i, n := range w.world.nodes {
		w.nodes = append(w.nodes, &watchNode{testNode: n, cutOff: make(chan struct{})})
		w.proxy.nodes.list[i].client = w.nodes[i]
	}
	if err := w.proxy.nodes.meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	checked := make(chan error)
	go func() { checked <- w.proxy.nodes.watch(ctx) }()
	t.Cleanup(func() {
		if err := w.proxy.hub.close(); err != nil {
			t.Error(err)
		}
		end()
		<-checked
	})
	return w
}

// write gives a record of the owner's to nodes, without any to all.
func (w *watchWorld) write(key, text string, to ...int) *protocol.Record {
	w.Helper()
	w.time++
	r := w.record(w.owner, w.time, protocol.Draft{Value: []byte(text)}, key)
	w.give(r, to...)
	return r
}

func (w *watchWorld) give(r *protocol.Record, to ...int) {
	w.Helper()
	if len(to) == 0 {
		to = []int{0, 1, 2, 3}[:len(w.nodes)]
	}
	for _, i := range to {
		w.spread([]*protocol.Record{r}, w.nodes[i].testNode)
	}
}

// told is what a watcher hears.
type told struct {
	*testing.T
	events chan *api.WatchEvent
	failed chan error
	stop   context.CancelFunc
}

func (w *watchWorld) watch(t *testing.T, keys ...string) *told {
	t.Helper()
	r := api.WatchRequest{Decrypt: true}
	for _, key := range keys {
		r.Keys = append(r.Keys, api.WatchKey{Selectors: api.MustSelectors(key)})
	}
	return w.watchRequest(t, r)
}

func (w *watchWorld) watchRequest(t *testing.T, r api.WatchRequest) *told {
	ctx, cancel := context.WithCancel(t.Context())
	x := &told{T: t, events: make(chan *api.WatchEvent, 1000), failed: make(chan error, 1), stop: cancel}
	go func() {
		for e, err := range w.proxy.Watch(ctx, r) {
			if err != nil {
				x.failed <- err
				return
			}
			x.events <- e
		}
	}()
	t.Cleanup(cancel)
	return x
}

// next returns the next event but those of sync and settled.
func (x *told) next(within time.Duration) *api.WatchEvent {
	x.Helper()
	timer := time.NewTimer(within)
	defer timer.Stop()
	for {
		select {
		case e := <-x.events:
			if e.Event != api.WatchSync && e.Event != api.WatchSettled {
				return e
			}
		case err := <-x.failed:
			x.Fatalf("the watch failed: %v", err)
		case <-timer.C:
			return nil
		}
	}
}

// hears wants the next event to tell of a value.
func (x *told) hears(text string, within time.Duration) {
	x.Helper()
	e := x.next(within)
	if e == nil || e.Event != api.WatchAnswer || string(e.Answer.Plain()) != text {
		x.Fatalf("want %q, heard %+v", text, e)
	}
}

func (x *told) hearsNothing(within time.Duration) {
	x.Helper()
	if e := x.next(within); e != nil {
		x.Fatalf("heard %+v with %+v", e, e.Answer)
	}
}

// TestWatchConforms: a proxy tells of changes as a node does, over its API.
func TestWatchConforms(t *testing.T) {
	t.Parallel()
	w := newWatchWorld(t, 1)
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := startProxy(t, Config{Home: h, Network: w.network, Nodes: []NodeAddress{{Address: served(t, w.nodes[0], "node"), Token: "node"}}})
	token, err := h.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Owners().New("me"); err != nil {
		t.Fatal(err)
	}
	apitest.TestWatchOfProxy(t, func(t *testing.T) api.Service {
		c := api.NewClient(p.APIURL(), token)
		t.Cleanup(func() { c.Close() })
		return c
	})
}

// TestWatchMoves: the nodes that are followed go, one after the other. The watcher hears every
// change, soon, and does nothing itself. In the end no node is left, and one comes back.
func TestWatchMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchWorld(t, 4, func(c *Config) { c.Compare = 2 })
		x := w.watch(t, "horse#", "cow")
		x.hearsNothing(time.Second)
		w.write("horse#1", "first")
		x.hears("first", 100*time.Millisecond)
		for i := range 3 {
			w.nodes[i].goDown()
			synctest.Wait()
			w.write("horse#2", fmt.Sprint("without ", i), []int{1, 2, 3}[i:]...)
			x.hears(fmt.Sprint("without ", i), 5*time.Second)
		}
		w.nodes[3].goDown()
		x.hearsNothing(10 * time.Minute)
		w.write("cow", "while all were down")
		w.nodes[1].comeBack()
		// node 1 was down when the last one was written
		for e := x.next(2 * time.Minute); e.Answer == nil || string(e.Answer.Plain()) != "while all were down"; e = x.next(2 * time.Minute) {
			if e == nil {
				t.Fatal("the change was not heard")
			}
		}
	})
}

// TestWatchLiars: one of three nodes hides changes, or tells false ones. The watcher hears what is
// true, and nothing else.
func TestWatchLiars(t *testing.T) {
	t.Parallel()
	for liar := range 3 {
		t.Run(fmt.Sprint("hides/", liar), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatchWorld(t, 3)
				w.nodes[liar].hides = true
				x := w.watch(t, "horse#1")
				x.hearsNothing(time.Second)
				for i := range 3 {
					w.write("horse#1", fmt.Sprint(i))
					x.hears(fmt.Sprint(i), 100*time.Millisecond)
				}
			})
		})
		t.Run(fmt.Sprint("invents/", liar), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWatchWorld(t, 3)
				w.proxy.secondLook = secondLook
				before := w.write("horse#1", "true")
				alone := w.write("horse#1", "only the liar has it", liar)
				at, other := before.CompositeID(), protocol.CompositeID{1}
				answer := func(id protocol.ID) *api.Answer { return &api.Answer{Version: api.Version{Record: id}} }
				w.nodes[liar].invents = []*api.WatchEvent{
					{Event: api.WatchGone, Composite: &at, Ordinals: api.Uint64s{1}},
					{Event: api.WatchAnswer, Composite: &at, Ordinals: api.Uint64s{1}, Answer: answer(alone.ID())},
					{Event: api.WatchAnswer, Composite: &other, Ordinals: api.Uint64s{1}, Answer: answer(protocol.ID{7})},
				}
				x := w.watch(t, "horse#1")
				x.hears("true", 10*time.Second)
				x.hearsNothing(time.Minute)
				w.write("horse#1", "new")
				x.hears("new", 5*time.Second)
			})
		})
	}
	t.Run("makes no sense", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWatchWorld(t, 2, func(c *Config) { c.Compare = 1 })
			at := protocol.CompositeID{1}
			w.nodes[0].invents = []*api.WatchEvent{{Event: api.WatchGone, Key: 1, Composite: &at}}
			x := w.watch(t, "horse#1")
			x.hearsNothing(time.Second)
			if w.nodes[1].open.Load() != 1 {
				t.Error("the other node is not followed")
			}
			w.write("horse#1", "x")
			x.hears("x", time.Second)
		})
	})
}

// TestWatchLeaves: a node that is followed is no longer in sync. Another one is followed in its
// place, and the first one again when no better one is there.
func TestWatchLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchWorld(t, 2, func(c *Config) { c.Compare = 1 })
		x := w.watch(t, "horse#1")
		x.hearsNothing(time.Second)
		followed := func(first, second int64) {
			t.Helper()
			if a, b := w.nodes[0].open.Load(), w.nodes[1].open.Load(); a != first || b != second {
				t.Errorf("%d and %d streams, want %d and %d", a, b, first, second)
			}
		}
		followed(1, 0)
		w.nodes[0].change(func() { w.nodes[0].state = api.SyncFetching })
		time.Sleep(10 * time.Second)
		followed(0, 1)
		w.write("horse#1", "x", 1)
		x.hears("x", time.Second)
		w.nodes[0].change(func() { w.nodes[0].state = api.SyncSynced })
		w.nodes[1].goDown()
		time.Sleep(10 * time.Second)
		followed(1, 0)
	})
}

// TestWatchRefused: the nodes answer questions, and have no room for streams. Changes are heard all
// the same, and soon again when a node has room.
func TestWatchRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchWorld(t, 2)
		for _, n := range w.nodes {
			n.refuses = api.TooMany(time.Second, "too many streams")
		}
		x := w.watch(t, "horse#1")
		x.hearsNothing(time.Minute)
		for i := range 3 {
			w.write("horse#1", fmt.Sprint(i))
			x.hears(fmt.Sprint(i), pollEvery+3*lookEvery)
		}
		w.nodes[1].change(func() { w.nodes[1].refuses = nil })
		x.hearsNothing(2 * maxFollowPause)
		w.write("horse#1", "at once")
		x.hears("at once", time.Second)
	})
}

// TestWatchSpreads: a change reaches the nodes one after the other. It is heard when most have it.
func TestWatchSpreads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchWorld(t, 3)
		w.proxy.secondLook = secondLook
		x := w.watch(t, "horse#1")
		x.hearsNothing(time.Second)
		begun := time.Now()
		r := w.write("horse#1", "x", 0)
		time.Sleep(100 * time.Millisecond)
		w.give(r, 2)
		x.hears("x", time.Second)
		if took := time.Since(begun); took > 150*time.Millisecond {
			t.Errorf("it took %s", took)
		}
		time.Sleep(100 * time.Millisecond)
		w.give(r, 1)
		x.hearsNothing(time.Minute)
	})
}

// TestWatchShares: thousands of watchers have few streams at the nodes, also where they come one
// by one, and none when they have left.
func TestWatchShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchWorld(t, 3)
		const watchers = 60
		var all []*told
		for i := range watchers {
			all = append(all, w.watch(t, fmt.Sprint("horse#", i%40)))
			time.Sleep(2 * gatherFor)
		}
		if n := w.nodes[0].open.Load(); n < 1 || n > 6 {
			t.Errorf("%d streams of %d watchers", n, watchers)
		}
		if n := w.nodes[0].opened.Load(); n > watchers+10 {
			t.Errorf("%d streams were opened for %d watchers", n, watchers)
		}
		for i := range 40 {
			w.write(fmt.Sprint("horse#", i), "x")
		}
		for i, x := range all {
			x.hears("x", time.Second)
			if i%2 == 1 {
				x.stop()
			}
		}
		synctest.Wait()
		w.write("horse#2", "y")
		all[2].hears("y", time.Second)
		for _, x := range all {
			x.stop()
		}
		time.Sleep(time.Second)
		groups, left, keys := w.proxy.hub.count()
		if n := w.nodes[0].open.Load(); n != 0 || groups != 0 || left != 0 || keys != 0 {
			t.Errorf("%d streams of nobody, %d groups, %d watchers, %d keys", n, groups, left, keys)
		}
	})
}

// TestWatchSettings: the proxy's user elects another policy. Watchers that leave the policy to the
// proxy hear what answers now.
func TestWatchSettings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchWorld(t, 1)
		first := w.write("horse#1", "heavier")
		for range 3 {
			w.time++
			w.give(w.record(w.owner, w.time, protocol.Draft{Value: []byte("more"), Links: []protocol.ID{first.ID(), w.network.Genesis()[0].ID()}}, "elsewhere"))
		}
		w.time++
		w.give(w.record(newOwner(t), w.time, protocol.Draft{Value: []byte("newer")}, "horse#1"))
		x := w.watch(t, "horse#1")
		x.hears("heavier", time.Second)
		if err := w.proxy.config.Home.SetTrust(home.Trust{Policy: protocol.Policy{"newest"}}); err != nil {
			t.Fatal(err)
		}
		x.hears("newer", 10*time.Second)
		w.write("horse#1", "newest")
		x.hears("newest", time.Second)
	})
}

// TestWatchEnds: watchers of a proxy that closes learn that they must come again.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	w := newWatchWorld(t, 2)
	x := w.watch(t, "horse#1")
	x.hearsNothing(50 * time.Millisecond)
	if err := w.proxy.hub.close(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, <-x.failed, http.StatusServiceUnavailable, "closing")
	x = w.watch(t, "horse#1")
	wantStatus(t, <-x.failed, http.StatusServiceUnavailable, "closing")
}

// TestWatchCursorMoves: a cursor of one proxy is good at another one, and at a node: what counts is
// what answers.
func TestWatchCursorMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWatchWorld(t, 2)
		w.write("horse#1", "x")
		r := api.WatchRequest{Keys: []api.WatchKey{{Selectors: api.MustSelectors("horse#1")}}}
		listed := func(s api.Service) (last *api.WatchEvent) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for e, err := range s.Watch(ctx, r) {
				if err != nil {
					t.Fatal(err)
				}
				if last = e; e.Event == api.WatchSync {
					return e
				}
			}
			return nil
		}
		r.After = listed(w.proxy).Cursor
		for _, s := range []api.Service{w.proxy, w.nodes[0], w.nodes[1]} {
			if e := listed(s); e.Listed || e.Again {
				t.Errorf("something is told again: %+v", e)
			}
		}
	})
}
