package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is how long a watcher may take to hear what it has to, on a busy machine.
const soon = 20 * time.Second

// testNode is a store with a hub, which can be started again.
type testNode struct {
	*world
	path    string
	options store.Options
	store   *store.Store
	hub     *Hub

	mu      sync.Mutex
	policy  protocol.Policy
	oracles []protocol.Owner
	synced  bool
}

func newTestNode(t *rapid.T, w *world, dir string) *testNode {
	seed := rapid.Uint64().Draw(t, "clock")
	n := &testNode{world: w, path: filepath.Join(dir, "lf.db"), options: store.Options{Clock: driftingClock(seed)}, policy: protocol.DefaultPolicy()}
	n.start(t)
	return n
}

// driftingClock goes on by steps that a seed decides, so that some records come late.
func driftingClock(seed uint64) func() time.Time {
	var mu sync.Mutex
	rng, now := rand.New(rand.NewPCG(seed, 1)), time.UnixMilli(start)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Duration(rng.IntN(400)) * time.Millisecond)
		return now
	}
}

func (n *testNode) start(t interface{ Fatal(...any) }) {
	var err error
	if n.store, err = store.Open(n.path, n.Network, n.options); err != nil {
		t.Fatal(err)
	}
	n.hub = New(Config{
		Store: n.store, Database: "a", Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		Fail: func(err error) error { return err }, Sync: n.syncState, Settings: n.settings,
	})
}

func (n *testNode) stop() {
	n.hub.Close()
	_ = n.store.Close()
}

func (n *testNode) settings() (protocol.Policy, []protocol.Owner) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.policy, n.oracles
}

func (n *testNode) syncState() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.synced {
		return api.SyncSynced
	}
	return api.SyncAlone
}

// tick lets the time of a tick pass.
func (n *testNode) tick() {
	n.hub.mu.Lock()
	e := n.hub.engine
	n.hub.mu.Unlock()
	if e != nil {
		e.tick()
		e.wake()
	}
}

// elect changes the settings, and lets the time of a tick pass.
func (n *testNode) elect(policy protocol.Policy, oracles []protocol.Owner) {
	n.mu.Lock()
	n.policy, n.oracles = policy, oracles
	n.mu.Unlock()
	n.store.Elect(oracles)
	n.tick()
}

// testWatcher pieces together from events what a query answers.
type testWatcher struct {
	node    *testNode
	request api.WatchRequest
	options Options
	keys    []Key

	cancel context.CancelFunc
	ended  chan error

	mu     sync.Mutex // held by the test while the watcher does not read
	view   map[spot]protocol.ID
	listed map[spot]bool // told since the stream began; nil: the listing has ended
	last   string
	wrong  error
	// ordinals are those of each key, as they were told and as a query has them.
	told, ordinals map[spot]string
	// settled are the records that were called so.
	settled []protocol.ID
}

var policies = []protocol.Policy{
	nil, {"certified"}, {"oracles"}, {"weight"}, {"local"}, {"newest"}, {"newest", "weight"}, {"local", "weight"}, {"oracles", "certified"},
	{"certified", "local"}, {"weight", "oracles", "certified", "local", "newest"}, {"certified", "weight", "local"},
}

func drawWatcher(t *rapid.T, n *testNode) *testWatcher {
	w := &testWatcher{node: n, view: map[spot]protocol.ID{}, told: map[spot]string{}}
	w.options.Policy = rapid.SampledFrom(policies).Draw(t, "policy")
	if w.options.OwnOracles = rapid.Bool().Draw(t, "own oracles"); !w.options.OwnOracles {
		for range rapid.IntRange(0, 2).Draw(t, "oracles") {
			w.options.Oracles = append(w.options.Oracles, n.owner(rapid.IntRange(0, people-1).Draw(t, "oracle")))
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "owned") == 0 {
		w.options.Owners = []protocol.Owner{n.owner(rapid.IntRange(0, people-1).Draw(t, "owner"))}
	}
	if rapid.IntRange(0, 2).Draw(t, "foreign") == 0 {
		a, err := protocol.ParseAuthority(n.foreign)
		if err != nil {
			t.Fatal(err)
		}
		w.options.Authorities = []*protocol.Authority{a}
	}
	for range rapid.IntRange(1, 4).Draw(t, "keys") {
		from := rapid.SampledFrom([]uint64{0, 0, 1}).Draw(t, "from")
		k := Key{Where: []store.Range{n.where(rapid.SampledFrom([]string{"a", "a", "b"}).Draw(t, "name"), from, rapid.SampledFrom([]uint64{from, 1}).Draw(t, "to"))}}
		if rapid.IntRange(0, 3).Draw(t, "two") == 0 {
			k.Where = append(k.Where, n.where(rapid.SampledFrom(selectorNames).Draw(t, "name"), 0, 1))
		}
		k.Open = rapid.IntRange(0, 2).Draw(t, "open") == 0
		w.keys = append(w.keys, k)
	}
	w.request = api.WatchRequest{Keys: make([]api.WatchKey, len(w.keys)), Contested: rapid.Bool().Draw(t, "contested"), SettledAfter: 1}
	return w
}

func (w *world) owner(i int) protocol.Owner { return protocol.OwnerOf(w.owners[i]) }

// connect begins a stream with the last cursor.
func (w *testWatcher) connect() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan error, 1)
	r := w.request
	r.After = w.last
	w.listed = map[spot]bool{}
	one := &Watcher{Request: &r, Options: w.options, Keys: w.keys, Show: show}
	hub := w.node.hub
	go func() { w.ended <- hub.Watch(ctx, one, w.take) }()
}

// show is as the node's service shows an answer.
func show(a *store.Answer, policy protocol.Policy) *api.Answer {
	out := &api.Answer{Composite: &a.Composite, Claims: a.Total}
	best := a.Claims[0]
	out.Record, out.Deleted = best.Record.ID(), best.Record.Tombstone()
	if best.Seen > 0 {
		out.Explanation = &api.Explanation{Policy: policy}
		for _, c := range a.Claims {
			out.Explanation.Claims = append(out.Explanation.Claims, api.ClaimInfo{Record: c.Record.ID(), Owner: c.Owner, LostBy: c.LostBy, Standing: c.Standing})
		}
	}
	return out
}

func (w *testWatcher) disconnect() {
	if w.cancel == nil {
		return
	}
	w.cancel()
	if err := <-w.ended; !errors.Is(err, context.Canceled) && !errors.Is(err, &api.Error{Status: 503}) && !errors.Is(err, store.ErrClosed) {
		w.fail("the stream ended with %v", err)
	}
	w.cancel = nil
}

func (w *testWatcher) fail(format string, args ...any) {
	if w.wrong == nil {
		w.wrong = fmt.Errorf(format, args...)
	}
}

// take takes an event.
func (w *testWatcher) take(e *api.WatchEvent) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = e.Cursor
	if e.Event == api.WatchSync {
		if e.Listed {
			maps.DeleteFunc(w.view, func(at spot, _ protocol.ID) bool { return !w.listed[at] })
		}
		w.listed = nil
		return true
	}
	at := spot{e.Key, *e.Composite}
	known, has := w.view[at]
	w.told[at] = fmt.Sprint(e.Ordinals)
	switch e.Event {
	case api.WatchAnswer, api.WatchDeleted:
		if has && known == e.Answer.Record && !e.Again && w.listed == nil {
			w.fail("record %s is told twice", known)
		}
		if e.Before != nil && w.listed == nil && *e.Before != known {
			w.fail("the record before is %s, not %s", e.Before, known)
		}
		w.view[at] = e.Answer.Record
		if w.listed != nil {
			w.listed[at] = true
		}
	case api.WatchGone:
		if !has || *e.Before != known {
			w.fail("what is gone was not told")
		}
		delete(w.view, at)
	case api.WatchContested:
		if e.Claim.Record == e.Answer.Record {
			w.fail("a winner lost")
		}
	case api.WatchSettled:
		if w.settled = append(w.settled, known); w.node.syncState() != api.SyncSynced {
			w.fail("settled, and not in sync")
		}
	}
	return true
}

// answers is what a query answers now.
func (w *testWatcher) answers(t *rapid.T) map[spot]protocol.ID {
	found := map[spot]protocol.ID{}
	w.ordinals = map[spot]string{}
	for i, k := range w.keys {
		q, _ := w.node.hub.about(&w.options)
		q.Where, q.Open, q.Limit = k.Where, k.Open, 1000
		result, err := w.node.store.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range result.Keys {
			at := spot{i, a.Composite}
			found[at], w.ordinals[at] = a.Claims[0].Record.ID(), fmt.Sprint(api.Uint64s(a.Ordinals))
		}
	}
	return found
}

// isUpToDate reports whether the watcher knows what a query answers.
func (w *testWatcher) isUpToDate(answers map[spot]protocol.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.listed == nil && maps.Equal(w.view, answers)
}

// check wants the watcher to know soon what a query answers.
func (w *testWatcher) check(t *rapid.T) {
	if w.cancel == nil {
		return
	}
	answers := w.answers(t)
	for begin := time.Now(); !w.isUpToDate(answers); time.Sleep(200 * time.Microsecond) {
		if time.Since(begin) > soon {
			t.Fatalf("policy %v, keys %v: the watcher knows %v, and a query answers %v", w.options.Policy, w.keys, w.view, answers)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for at, want := range w.ordinals {
		if w.told[at] != want {
			t.Fatalf("keys %v: the ordinals %s were told, and a query has %s", w.keys, w.told[at], want)
		}
	}
	if w.wrong != nil {
		t.Fatal(w.wrong)
	}
}

// TestWatchersKnowTheAnswers holds that what watchers piece together from their events is what
// queries answer, after every step of a random history. A history has records in any order,
// restarts and other settings. Watchers go and come back, and do not read for a while.
func TestWatchersKnowTheAnswers(t *testing.T) {
	t.Parallel()
	worlds := []*world{
		newWorld(t, func(p *protocol.Params) { p.Authorities, p.WorkPerKiB = nil, 0 }),
		newWorld(t, func(*protocol.Params) {}),
		newWorld(t, func(p *protocol.Params) { p.AuthRequired = true }),
	}
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom(worlds).Draw(t, "network")
		dir, err := os.MkdirTemp("", "lf-watch") //nolint:usetesting // it goes with the rapid case
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		n := newTestNode(t, w, dir)
		h := &history{t: t, testNode: n}
		defer h.end()
		h.left = w.draw(t)
		for range rapid.IntRange(2, 5).Draw(t, "watchers") {
			h.watchers = append(h.watchers, drawWatcher(t, n))
		}
		for len(h.left) > 0 {
			if rapid.IntRange(0, 2).Draw(t, "connect") > 0 {
				h.connectAll()
			}
			h.step()
		}
		h.connectAll()
		h.checkAll()
	})
}

// history is a random history.
type history struct {
	*testNode
	t        *rapid.T
	left     []*protocol.Record
	watchers []*testWatcher
}

func (h *history) step() {
	w := rapid.SampledFrom(h.watchers).Draw(h.t, "watcher")
	switch rapid.IntRange(0, 29).Draw(h.t, "step") {
	case 1:
		h.restart()
	case 2, 3:
		w.disconnect()
	case 4:
		var oracles []protocol.Owner
		for range rapid.IntRange(0, 2).Draw(h.t, "elected") {
			oracles = append(oracles, h.owner(rapid.IntRange(0, people-1).Draw(h.t, "oracle")))
		}
		h.elect(rapid.SampledFrom(policies[1:]).Draw(h.t, "policy").Total(), slices.Compact(oracles))
	case 5, 6: // it does not read meanwhile
		w.mu.Lock()
		h.put()
		h.put()
		w.mu.Unlock()
	default:
		h.put()
	}
	h.checkAll()
}

// put puts some records, in any order: a heal brings children before their parents.
func (h *history) put() {
	count := rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(h.t, "count")
	var records []*protocol.Record
	for range min(count, len(h.left)) {
		i := rapid.IntRange(0, min(5, len(h.left)-1)).Draw(h.t, "which")
		records = append(records, h.left[i])
		h.left = slices.Delete(h.left, i, i+1)
	}
	if _, err := h.store.PutAll(h.t.Context(), records, nil); err != nil {
		h.t.Fatal(err)
	}
}

// restart stops the node and starts it again. Its watchers come back.
func (h *history) restart() {
	var connected []*testWatcher
	for _, w := range h.watchers {
		if w.cancel != nil {
			connected = append(connected, w)
		}
	}
	h.stop()
	for _, w := range connected {
		w.disconnect()
	}
	h.start(h.t)
	h.store.Elect(h.oracles)
	for _, w := range connected {
		w.connect()
	}
}

func (h *history) connectAll() {
	for _, w := range h.watchers {
		if w.cancel == nil {
			w.connect()
		}
	}
}

func (h *history) checkAll() {
	for _, w := range h.watchers {
		w.check(h.t)
	}
}

func (h *history) end() {
	h.hub.Close()
	for _, w := range h.watchers {
		w.disconnect()
	}
	h.stop()
}
