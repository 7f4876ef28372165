package lf_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// site is a node with a database and a state of its own.
type site struct {
	*apitest.Fake
	name string

	mu      sync.Mutex
	state   string
	changed chan struct{}
}

func newSite(t testing.TB, n *protocol.Network, name, state string) *site {
	t.Helper()
	return &site{Fake: must[*apitest.Fake](t)(apitest.NewFakeOn(n)), name: name, state: state, changed: make(chan struct{})}
}

// become changes the node's state.
func (s *site) become(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
	s.notify()
}

func (s *site) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *site) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	done, err := s.Fake.Submit(ctx, frame)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify()
	return done, err
}

func (s *site) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	locked := func(do func()) { s.mu.Lock(); defer s.mu.Unlock(); do() }
	p := watchstate.Poller{
		Database: s.name, Query: s.Query, Now: time.Now,
		Sync:    func() (state string) { locked(func() { state = s.state }); return state },
		Changed: func() (changed <-chan struct{}) { locked(func() { changed = s.changed }); return changed },
	}
	return p.Watch(ctx, r)
}

// road leads to one node at a time. Streams are cut when it leads elsewhere, and after a number of
// events.
type road struct {
	api.Service // of no node: what a test calls is below

	mu   sync.Mutex
	to   *site
	cut  context.CancelFunc
	ctx  context.Context
	left int // events until the next cut; below 0: none
}

func newRoad(to *site) *road {
	r := &road{left: -1}
	r.lead(to)
	return r
}

// lead cuts all streams and leads to a node from now on.
func (r *road) lead(to *site) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut != nil {
		r.cut()
	}
	r.to = to
	r.ctx, r.cut = context.WithCancel(context.Background())
}

func (r *road) site() *site {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.to
}

func (r *road) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	return r.site().Query(ctx, q)
}

func (r *road) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	return r.site().Links(ctx, q)
}

func (r *road) Record(ctx context.Context, id protocol.ID) (*api.RecordInfo, error) {
	return r.site().Record(ctx, id)
}

func (r *road) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	return r.site().Submit(ctx, frame)
}

func (r *road) Watch(ctx context.Context, request api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	return func(yield func(*api.WatchEvent, error) bool) {
		r.mu.Lock()
		to, open := r.to, r.ctx
		r.mu.Unlock()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(open, cancel)()
		for e, err := range to.Watch(ctx, request) {
			if err != nil || r.ends() {
				break
			}
			if !yield(e, nil) {
				return
			}
		}
		yield(nil, api.Unavailable("this node is closing"))
	}
}

// ends counts an event, and reports whether the stream is cut before it.
func (r *road) ends() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = max(r.left-1, -1)
	return r.left == 0
}

// copyTo gives a node all that another one has.
func (s *site) copyTo(t testing.TB, to *site, owners ...protocol.Owner) {
	t.Helper()
	var frames [][]byte
	for _, owner := range owners {
		list := must[*api.RecordList](t)(s.Records(context.Background(), api.RecordsQuery{Owner: owner, Frames: true, Page: api.Page{Limit: api.MaxLimit}}))
		for _, r := range list.Records {
			frames = append(frames, r.Frame)
		}
	}
	for _, frame := range slices.Backward(frames) {
		must[*api.Submitted](t)(to.Submit(context.Background(), frame))
	}
}

// fakeNetwork is a network of fakes, for a test with a clock of its own. The first value is sealed
// and opened here: the compressor's channels must not belong to the test's bubble.
func fakeNetwork(t testing.TB) *protocol.Network {
	t.Helper()
	f := newFake(t)
	n := must[*protocol.Network](t)(must[*protocol.NetworkFile](t)(f.Network(t.Context())).Network())
	db := must[*lf.Client](t)(lf.New(f, n))
	set(t, db, horse, strings.Repeat("x", 1000), lf.AsKey(newKey(t)))
	must[*lf.Answer](t)(db.Get(t.Context(), horse))
	return n
}

// begin lets the clock of a test's bubble, which begins in the year 2000, come to the network's.
func begin(n *protocol.Network) {
	for _, g := range n.Genesis() {
		time.Sleep(time.Until(time.UnixMilli(int64(g.Timestamp) + 1000)))
	}
}

// TestWatchMoves leads a watch to another node, which lacks the newest record at first. An older
// state than that which the caller knows is not told, unless the node never gets in sync.
func TestWatchMoves(t *testing.T) {
	t.Parallel()
	n := fakeNetwork(t)
	for name, c := range map[string]struct {
		state string
		then  func(t *testing.T, from, to *site, owner protocol.Owner)
		want  []string
	}{
		"it catches up": {api.SyncFetching, func(t *testing.T, from, to *site, owner protocol.Owner) {
			from.copyTo(t, to, owner)
			to.become(api.SyncSynced)
		}, nil},
		"it is in sync later without it": {api.SyncComparing, func(_ *testing.T, _, to *site, _ protocol.Owner) {
			to.become(api.SyncSynced)
		}, []string{"answer horse#0 one"}},
		"it never is": {api.SyncAlone, func(*testing.T, *site, *site, protocol.Owner) {
			time.Sleep(40 * time.Second)
		}, []string{"answer horse#0 one"}},
		"it is offline": {api.SyncOffline, func(*testing.T, *site, *site, protocol.Owner) {}, []string{"answer horse#0 one"}},
		"it is in sync": {api.SyncSynced, func(*testing.T, *site, *site, protocol.Owner) {}, []string{"answer horse#0 one"}},
		"it has all too late": {api.SyncAlone, func(t *testing.T, from, to *site, owner protocol.Owner) {
			time.Sleep(40 * time.Second)
			from.copyTo(t, to, owner)
		}, []string{"answer horse#0 one", "answer horse#0 two"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin(n)
				key := newKey(t)
				owner := protocol.OwnerOf(key)
				from, to := newSite(t, n, "from", api.SyncSynced), newSite(t, n, "to", c.state)
				r := newRoad(from)
				defer r.lead(nil)
				db := must[*lf.Client](t)(lf.New(r, n))
				set(t, db, horse, "one", lf.AsKey(key))
				from.copyTo(t, to, owner)
				set(t, db, horse, "two", lf.AsKey(key))
				w := watch(t, db, horse)
				w.want(lf.EventAnswer, "horse#0 two")
				w.want(lf.EventPresent, "")
				r.lead(to)
				time.Sleep(10 * time.Second)
				c.then(t, from, to, owner)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				var got []string
				for len(w.events) > 0 {
					if e := <-w.events; e.Kind != lf.EventSync && e.Kind != lf.EventSettled {
						got = append(got, string(e.Kind)+" "+textOf(&e))
					}
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("told %q, want %q", got, c.want)
				}
			})
		})
	}
}

// pieced is what a caller makes of the events: the record that answers under each key.
type pieced struct {
	records map[protocol.CompositeID]protocol.ID
	wrong   []string
}

// take takes an event, and notes what should not have come.
func (p *pieced) take(e *lf.Event) {
	now := protocol.ID{}
	switch e.Kind {
	case lf.EventAnswer, lf.EventDeleted:
		now = e.Answer.Record
	case lf.EventGone:
	default:
		return
	}
	before := p.records[e.Composite]
	if now == before || e.Before != before {
		p.wrong = append(p.wrong, fmt.Sprintf("%s of %s: %s after %s, which is said to be %s", e.Kind, e.Key, now, before, e.Before))
	}
	if p.records[e.Composite] = now; e.Kind == lf.EventGone {
		delete(p.records, e.Composite)
	}
}

// step is one of the steps of TestWatchProperty.
type step struct {
	do             string
	key, author, n int
}

// plan is what TestWatchProperty does.
type plan struct {
	policy  string
	further bool
	steps   []step
}

func drawPlan(t *rapid.T) plan {
	p := plan{rapid.SampledFrom([]string{"newest", "weight", "local"}).Draw(t, "policy"), rapid.Bool().Draw(t, "further"), nil}
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		p.steps = append(p.steps, step{
			rapid.SampledFrom([]string{"set", "set", "delete", "release", "cut", "cut soon", "copy", "move"}).Draw(t, "step"),
			rapid.IntRange(0, 3).Draw(t, "key"), rapid.IntRange(0, 2).Draw(t, "author"), rapid.IntRange(1, 4).Draw(t, "n"),
		})
	}
	return p
}

// TestWatchProperty writes, deletes and releases as several owners at one of two nodes, copies
// between them, cuts streams and moves. After every step what a watcher has pieced together is what
// a query answers, and no state came twice.
func TestWatchProperty(t *testing.T) {
	t.Parallel()
	n := fakeNetwork(t)
	rapid.Check(t, func(rt *rapid.T) {
		p, wrong := drawPlan(rt), ""
		synctest.Test(t, func(t *testing.T) { wrong = p.run(t, n) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// run returns what went wrong.
func (p *plan) run(t *testing.T, n *protocol.Network) string {
	begin(n)
	sites := []*site{newSite(t, n, "one", api.SyncSynced), newSite(t, n, "two", api.SyncSynced)}
	r := newRoad(sites[0])
	defer r.lead(nil)
	db := must[*lf.Client](t)(lf.New(r, n))
	keys := []lf.Key{lf.MustKey("a#0"), lf.MustKey("a#1"), lf.MustKey("a#2"), lf.MustKey("a#1", "b")}
	authors := make([]lf.WriteOption, 3)
	owners := make([]protocol.Owner, len(authors))
	for i := range authors {
		key := newKey(t)
		authors[i], owners[i] = lf.AsKey(key), protocol.OwnerOf(key)
	}
	question := []lf.ReadOption{lf.Policy(p.policy)}
	if p.further {
		question = append(question, lf.Further())
	}
	watched := make([]lf.WatchOption, len(question))
	for i, option := range question {
		watched[i] = option
	}
	ctx, stop := context.WithCancel(t.Context())
	told := pieced{records: map[protocol.CompositeID]protocol.ID{}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e, err := range db.Watch(ctx, lf.MustKey("a#"), watched...) {
			if err == nil {
				told.take(&e)
			}
		}
	}()
	defer func() { stop(); <-ended }()
	for i, s := range p.steps {
		key, author := keys[s.key], authors[s.author]
		switch s.do {
		case "set":
			set(t, db, key, s.do, author)
		case "delete":
			_ = db.Delete(ctx, key, author) // where there is nothing, nothing happens
		case "release":
			_ = db.Release(ctx, key, author)
		case "cut":
			r.lead(r.site())
		case "cut soon":
			r.mu.Lock()
			r.left = s.n
			r.mu.Unlock()
		case "copy":
			sites[0].copyTo(t, sites[1], owners...)
			sites[1].copyTo(t, sites[0], owners...)
		case "move":
			to := sites[0]
			if r.site() == to {
				to = sites[1]
			}
			r.lead(to)
		}
		time.Sleep(10 * time.Second) // of the pauses between attempts
		synctest.Wait()
		want := map[protocol.CompositeID]protocol.ID{}
		for _, a := range must[*lf.Result](t)(db.Query(ctx, lf.MustKey("a#"), question...)).Answers {
			want[a.Header().CompositeID()] = a.Record
		}
		if !maps.Equal(told.records, want) || len(told.wrong) > 0 {
			return fmt.Sprintf("after %s, step %d: pieced together %v, want %v; %q", s.do, i, told.records, want, told.wrong)
		}
	}
	return ""
}

// TestWatchAlive tells when the claim that answers pulses, and when it no longer does, once each,
// also where the stream was cut meanwhile.
func TestWatchAlive(t *testing.T) {
	t.Parallel()
	n := fakeNetwork(t)
	synctest.Test(t, func(t *testing.T) {
		begin(n)
		c := &cutter{Fake: must[*apitest.Fake](t)(apitest.NewFakeOn(n)), after: -1, cut: make(chan struct{}), err: api.Unavailable("closing")}
		db := must[*lf.Client](t)(lf.New(c, n))
		key := lf.AsKey(newKey(t))
		set(t, db, horse, "one", key)
		w := watch(t, db, horse, lf.Alive(5*time.Minute))
		w.want(lf.EventAnswer, "horse#0 one")
		w.want(lf.EventPresent, "")
		pulse := func() {
			t.Helper()
			for _, p := range must[[]lf.Pulsed](t)(db.Pulse(t.Context(), []lf.Key{horse}, key)) {
				if p.Err != nil {
					t.Fatal(p.Err)
				}
			}
		}
		pulse()
		if e := w.want(lf.EventAlive, "horse#0 one"); e.Answer.Alive == nil {
			t.Errorf("%+v", e)
		}
		c.end(t)
		time.Sleep(time.Minute)
		set(t, db, horse, "two", key)
		w.want(lf.EventAnswer, "horse#0 two") // a new version does not lapse
		time.Sleep(5 * time.Minute)
		w.want(lf.EventLapsed, "horse#0 two")
		pulse()
		w.want(lf.EventAlive, "horse#0 two")
		c.mu.Lock()
		c.after = 0 // nothing comes through
		c.mu.Unlock()
		c.end(t)
		time.Sleep(6 * time.Minute)
		c.mu.Lock()
		c.after = -1
		c.mu.Unlock()
		w.want(lf.EventLapsed, "horse#0")
		synctest.Wait()
		if len(w.events) > 0 {
			t.Errorf("more was told: %+v", <-w.events)
		}
	})
}
