package proxy

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/pow"
	"github.com/lf-store/lf/protocol"
)

// writeNode is a node that a test can make fail at writing.
type writeNode struct {
	*testNode

	mu      sync.Mutex
	refuse  error // of each submit; nil: it takes the record
	links   func(*api.Links)
	taken   func(*protocol.Record) // is shown each record that comes
	submits int
}

func (n *writeNode) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	n.mu.Lock()
	n.submits++
	refuse := n.refuse
	n.mu.Unlock()
	if refuse != nil {
		return nil, refuse
	}
	if n.taken != nil {
		r, err := protocol.DecodeFrame(frame)
		if err != nil {
			return nil, err
		}
		n.taken(r)
	}
	return n.testNode.Submit(ctx, frame)
}

func (n *writeNode) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	links, err := n.testNode.Links(ctx, q)
	if err == nil && n.links != nil {
		n.links(links)
	}
	return links, err
}

func (n *writeNode) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuse = err
}

// writers is a world whose network asks for a little work, and a client of its proxy.
type writers struct {
	*world
	nodes []*writeNode
	owner home.Key
}

func newWriters(t *testing.T, nodes int, change ...func(*Config)) *writers {
	t.Helper()
	n := newNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = 1 })
	w := &writers{world: newWorld(t, nodes, append(change, func(c *Config) { c.Network = n })...)}
	for i, n := range w.world.nodes {
		w.nodes = append(w.nodes, &writeNode{testNode: n})
		w.proxy.nodes.list[i].client = w.nodes[i]
	}
	t.Cleanup(func() {
		w.proxy.writes.pool.Close()
		if err := w.proxy.writes.close(); err != nil {
			t.Error(err)
		}
	})
	var err error
	if w.owner, err = w.proxy.config.Home.Owners().New("phone"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *writers) phone() context.Context {
	return caller.With(w.Context(), caller.Caller{Name: "phone", Stranger: true})
}

func (w *writers) spent() uint64 { return w.proxy.writes.pool.Use("phone").Spent }

func (w *writers) set(ctx context.Context, key, text string) (*api.Submitted, error) {
	return w.proxy.Set(ctx, api.SetRequest{Selectors: api.MustSelectors(key), Text: &text, Owner: w.owner.Owner.String()})
}

// prepared is a signed record of degree (b).
func (w *writers) prepared(key, text string, secret ed25519.PrivateKey) api.SignedRecord {
	w.Helper()
	owner := protocol.OwnerOf(secret)
	p, err := w.proxy.Prepare(w.phone(), api.PrepareRequest{Selectors: api.MustSelectors(key), Text: &text, Owner: &owner})
	if err != nil {
		w.Fatal(err)
	}
	return api.SignedRecord{Header: p.Header, Value: p.Value, Signature: ed25519.Sign(secret, p.Sign)}
}

func (w *writers) wantAttached(done *api.Submitted, err error) {
	w.Helper()
	if err != nil || done.State != api.StateAttached {
		w.Fatalf("%+v, %v", done, err)
	}
}

// holders counts the nodes that have a record attached.
func (w *writers) holders(id protocol.ID) (n int) {
	for _, node := range w.nodes {
		if info, err := node.Fake.Record(w.Context(), id); err == nil && info.State == api.StateAttached {
			n++
		}
	}
	return n
}

func (w *writers) answer(key string) string {
	w.Helper()
	r, err := w.proxy.Query(w.Context(), about(key))
	if err != nil || len(r.Answers) != 1 {
		w.Fatalf("%+v, %v", r, err)
	}
	return string(r.Answers[0].Plain())
}

func wantStatus(t testing.TB, err error, status int, part string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Status != status || !strings.Contains(e.Error(), part) {
		t.Errorf("%v (%T), want status %d with %q", err, err, status, part)
	}
}

// TestDegrees writes in each degree of trust.
func TestDegrees(t *testing.T) {
	w := newWriters(t, 1)
	w.wantAttached(w.set(w.phone(), "plain", "a"))
	mine := newOwner(t)
	w.wantAttached(w.proxy.SubmitSigned(w.phone(), w.prepared("own", "b", mine.PrivateKey)))
	links, err := w.proxy.Links(w.phone(), api.LinksQuery{})
	if err != nil {
		t.Fatal(err)
	}
	unpaid := w.record(mine, uint64(time.Now().UnixMilli())-testEpoch, protocol.Draft{Value: []byte("c"), Links: links.Links}, "blind")
	r, err := w.network.Pay(unpaid, 0, api.SolveBy(w.phone(), w.proxy, w.network))
	if err != nil {
		t.Fatal(err)
	}
	w.wantAttached(w.proxy.Submit(w.phone(), r.EncodeFrame()))
	for key, want := range map[string]string{"plain": "a", "own": "b", "blind": "c"} {
		if got := w.answer(key); got != want {
			t.Errorf("%s: %q", key, got)
		}
	}
	if w.spent() != 3 {
		t.Errorf("an effort of %d for 3 records", w.spent())
	}
	for _, done := range []string{"delete", api.SetRelease} {
		_, err := w.proxy.Set(w.phone(), api.SetRequest{Selectors: api.MustSelectors("plain"), Type: done, Owner: "phone"})
		if err != nil {
			t.Errorf("%s: %v", done, err)
		}
	}
}

// TestAcknowledged: a record counts as written when as many nodes as wanted have attached it.
func TestAcknowledged(t *testing.T) {
	w := newWriters(t, 3, func(c *Config) { c.WriteTo = 2 })
	done, err := w.set(w.phone(), "horse", "x")
	w.wantAttached(done, err)
	if n := w.holders(done.ID); n < 2 {
		t.Errorf("attached on %d nodes", n)
	}
	w.nodes[0].fail(errDown)
	w.nodes[2].fail(errDown)
	spent := w.spent()
	_, err = w.set(api.WithIdempotencyKey(w.phone(), "key"), "horse", "y")
	wantStatus(t, err, http.StatusServiceUnavailable, "attached on 1 of 2 nodes")
	w.nodes[2].fail(nil)
	w.nodes[0].fail(nil)
	if err := w.proxy.nodes.meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	done, err = w.set(api.WithIdempotencyKey(w.phone(), "key"), "horse", "y")
	w.wantAttached(done, err)
	if w.spent() != spent+1 || w.holders(done.ID) < 2 {
		t.Errorf("an effort of %d for one record on %d nodes", w.spent()-spent, w.holders(done.ID))
	}
}

// TestOnce: a request that is sent again writes once, and a key stands for one request.
func TestOnce(t *testing.T) {
	w := newWriters(t, 1)
	key := func(name string) context.Context { return api.WithIdempotencyKey(w.phone(), name) }
	first, err := w.set(key("k"), "horse", "x")
	w.wantAttached(first, err)
	again, err := w.set(key("k"), "horse", "x")
	w.wantAttached(again, err)
	if again.ID != first.ID || !again.Known || w.spent() != 1 {
		t.Errorf("%+v after %+v, effort %d", again, first, w.spent())
	}
	_, err = w.set(key("k"), "horse", "y")
	wantStatus(t, err, http.StatusUnprocessableEntity, "another request")
	other, err := w.set(caller.With(key("k"), caller.Caller{Name: "page"}), "horse", "z")
	if err != nil || other.ID == first.ID {
		t.Errorf("another client's key: %+v, %v", other, err)
	}
	// all nodes die before they have the record
	w.nodes[0].fail(errDown)
	_, err = w.set(key("l"), "cow", "x")
	wantStatus(t, err, http.StatusServiceUnavailable, "")
	spent := w.spent()
	w.nodes[0].fail(nil)
	w.wantAttached(w.set(key("l"), "cow", "x"))
	if w.spent() != spent {
		t.Error("a second proof")
	}
}

// TestNodeDies: the node that the links came from dies before it has the record. The next one gets
// it, with the ancestors that it lacks, and without a second proof.
func TestNodeDies(t *testing.T) {
	for name, write := range map[string]func(w *writers) (*api.Submitted, error){
		"plain": func(w *writers) (*api.Submitted, error) { return w.set(w.phone(), "horse", "x") },
		"own key": func(w *writers) (*api.Submitted, error) {
			return w.proxy.SubmitSigned(w.phone(), w.prepared("horse", "x", newOwner(w).PrivateKey))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWriters(t, 2)
			var parents []*protocol.Record
			o, at := newOwner(t), uint64(time.Now().UnixMilli())-testEpoch-1000
			for i := range 4 { // each links the ones before
				d := protocol.Draft{Value: []byte("parent")}
				for _, p := range parents[max(0, len(parents)-2):] {
					d.Links = append(d.Links, p.ID())
				}
				r, err := w.network.Pay(w.record(o, at+uint64(i), d, "parents"), 0, solveHere)
				if err != nil {
					t.Fatal(err)
				}
				parents = append(parents, r)
			}
			w.spread(parents, w.world.nodes[0])
			w.nodes[0].fail(errDown)
			done, err := write(w)
			w.wantAttached(done, err)
			if w.nodes[0].submits == 0 {
				t.Error("the record did not go first to the node that its links came from")
			}
			if info, err := w.nodes[1].Fake.Record(t.Context(), parents[3].ID()); err != nil || info.State != api.StateAttached {
				t.Errorf("the parents were not taken along: %+v, %v", info, err)
			}
			if w.spent() != 1 {
				t.Errorf("an effort of %d for one record", w.spent())
			}
		})
	}
}

func solveHere(challenge []byte, effort uint32) (protocol.Work, error) {
	p, err := pow.Solve(context.Background(), challenge, effort, 1, nil)
	return protocol.Work{Nonce: p.Nonce, Solution: p.Solution, Effort: effort}, err
}

// TestSignedOnce: the same signed record is worked for once, however often it comes.
func TestSignedOnce(t *testing.T) {
	w := newWriters(t, 1)
	signed := w.prepared("horse", "x", newOwner(t).PrivateKey)
	w.nodes[0].fail(errDown)
	_, err := w.proxy.SubmitSigned(w.phone(), signed)
	wantStatus(t, err, http.StatusServiceUnavailable, "")
	w.nodes[0].fail(nil)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if done, err := w.proxy.SubmitSigned(w.phone(), signed); err != nil || done.State != api.StateAttached {
				t.Errorf("%+v, %v", done, err)
			}
		})
	}
	all.Wait()
	if w.spent() != 1 {
		t.Errorf("an effort of %d for one record", w.spent())
	}
	w.proxy.writes.paid = newPaidRecords() // as after a restart
	done, err := w.proxy.SubmitSigned(w.phone(), signed)
	w.wantAttached(done, err)
	if !done.Known || w.spent() != 1 {
		t.Errorf("%+v, effort %d", done, w.spent())
	}
	signed.Signature[0] ^= 1
	_, err = w.proxy.SubmitSigned(w.phone(), signed)
	wantStatus(t, err, http.StatusUnprocessableEntity, "")
}

// TestSuperseded: a client that writes what is not the owner's newest version learns that.
func TestSuperseded(t *testing.T) {
	w := newWriters(t, 1)
	o := newOwner(t)
	older, newer := w.prepared("horse", "old", o.PrivateKey), w.prepared("horse", "new", o.PrivateKey)
	w.wantAttached(w.proxy.SubmitSigned(w.phone(), newer))
	_, err := w.proxy.SubmitSigned(w.phone(), older)
	wantStatus(t, err, http.StatusConflict, "superseded")
	finished, err := w.network.Pay(w.record(o, 5, protocol.Draft{Value: []byte("older")}, "horse"), 0, solveHere)
	if err != nil {
		t.Fatal(err)
	}
	done, err := w.proxy.Submit(w.phone(), finished.EncodeFrame())
	w.wantAttached(done, err)
	if !done.Superseded {
		t.Errorf("%+v", done)
	}
	if got := w.answer("horse"); got != "new" {
		t.Errorf("%q", got)
	}
}

// TestFalseLinks: a node that gives links which it cannot show, or the wrong ones, is passed over.
func TestFalseLinks(t *testing.T) {
	for name, lie := range map[string]func(*api.Links){
		"unknown":   func(l *api.Links) { l.Links[0][5] ^= 1 },
		"twice":     func(l *api.Links) { l.Links[0] = l.Links[1] },
		"too few":   func(l *api.Links) { l.Links = l.Links[:1] },
		"too early": func(l *api.Links) { l.Timestamp = 1 },
		"certified": func(l *api.Links) { l.Certified = true },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWriters(t, 2)
			w.nodes[0].links = lie
			done, err := w.set(w.phone(), "horse", "x")
			w.wantAttached(done, err)
			if w.nodes[1].submits != 1 {
				t.Errorf("the other node got %d records", w.nodes[1].submits)
			}
		})
	}
	w := newWriters(t, 2)
	other := w.network.Genesis()[0]
	w.nodes[0].lieOf = func(info *api.RecordInfo) *api.RecordInfo {
		wrong := *info
		wrong.Frame = other.EncodeFrame()
		if info.ID == other.ID() {
			wrong.Frame = w.network.Genesis()[1].EncodeFrame()
		}
		return &wrong
	}
	w.wantAttached(w.set(w.phone(), "horse", "x"))
	if w.nodes[1].submits != 1 {
		t.Error("another record under a link's ID is believed")
	}
}

// endlessSearch never finds anything, one attempt a moment.
type endlessSearch struct{ stop chan struct{} }

func (s endlessSearch) Attempt() (pow.Proof, bool) {
	select {
	case <-s.stop:
	case <-time.After(time.Millisecond):
	}
	return pow.Proof{}, false
}
func (s endlessSearch) Stop()                { close(s.stop) }
func (endlessSearch) Progress() pow.Progress { return pow.Progress{Attempts: 1} }

// neverEnding replaces the proxy's solver.
func (w *writers) neverEnding() {
	w.proxy.writes.pool = workqueue.NewPool(workqueue.Config{
		Threads: 1, Limits: workqueue.Limits{Jobs: 100, ClientJobs: 50, Ahead: 10},
		Search: func([]byte, uint32) (workqueue.Search, error) { return endlessSearch{make(chan struct{})}, nil },
	})
	w.proxy.writes.worker = apiwriter.NewWorker(w.network, w.proxy.writes.pool, w.proxy.writes.proofs)
}

// TestTooLate: a signed record that would be late when its turn comes is refused at once, and told
// what to do. Nothing is charged for it.
func TestTooLate(t *testing.T) {
	w := newWriters(t, 1)
	signed := w.prepared("horse", "x", newOwner(t).PrivateKey)
	w.neverEnding()
	ticket, err := w.proxy.writes.pool.Enter(workqueue.Client{Name: "phone"}, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer ticket.Leave()
	solving, cancel := context.WithCancel(t.Context())
	begun, solved := make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		_, _ = ticket.Solve(solving, nil, 1<<30, func(workqueue.Progress) { once.Do(func() { close(begun) }) })
		close(solved)
	}()
	<-begun
	_, err = w.proxy.SubmitSigned(w.phone(), signed)
	wantStatus(t, err, http.StatusServiceUnavailable, "too old then")
	if use := w.proxy.writes.pool.Use("phone"); use.Jobs != 1 || use.Spent != 1<<30 {
		t.Errorf("%+v", use)
	}
	cancel()
	<-solved
}

// TestClientGoes: a client that hangs up frees the place at once, in each degree.
func TestClientGoes(t *testing.T) {
	w := newWriters(t, 1)
	signed := w.prepared("horse", "x", newOwner(t).PrivateKey)
	w.neverEnding()
	calls := map[string]func(context.Context) error{
		"plain":   func(ctx context.Context) error { _, err := w.set(ctx, "horse", "x"); return err },
		"own key": func(ctx context.Context) error { _, err := w.proxy.SubmitSigned(ctx, signed); return err },
		"blind": func(ctx context.Context) error {
			_, err := w.proxy.Work(ctx, api.WorkRequest{Worked: make([]byte, 32), Effort: 1})
			return err
		},
	}
	for name, call := range calls {
		ctx, cancel := context.WithCancel(w.phone())
		done := make(chan error, 1)
		go func() {
			done <- call(api.WithWorkProgress(ctx, func(api.WorkProgress) { cancel() }))
		}()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if use := w.proxy.writes.pool.Use("phone"); use.Jobs != 0 {
			t.Errorf("%s: %d places are still taken", name, use.Jobs)
		}
		cancel()
	}
}

// TestBudget: a client whose budget is spent is refused, in each degree, and another one is not.
func TestBudget(t *testing.T) {
	w := newWriters(t, 1)
	poor := caller.With(t.Context(), caller.Caller{Name: "poor", EffortPerHour: 1, Stranger: true})
	w.wantAttached(w.set(poor, "horse", "1"))
	_, err := w.set(poor, "horse", "2")
	wantStatus(t, err, http.StatusTooManyRequests, "budget of 1")
	var refused *api.Error
	if errors.As(err, &refused); refused.RetryAfter < 59*60 || refused.RetryAfter > 61*60 {
		t.Errorf("try again after %d s", refused.RetryAfter)
	}
	_, err = w.proxy.Work(poor, api.WorkRequest{Worked: make([]byte, 32), Effort: 1})
	wantStatus(t, err, http.StatusTooManyRequests, "budget of 1")
	_, err = w.proxy.SubmitSigned(poor, w.prepared("cow", "x", newOwner(t).PrivateKey))
	wantStatus(t, err, http.StatusTooManyRequests, "budget of 1")
	w.wantAttached(w.set(w.phone(), "horse", "3"))
}

// TestNewestTold: of what nodes tell about the owner's newest record the latest moment counts. A
// node that does not tell, or is down, has the client look itself.
func TestNewestTold(t *testing.T) {
	told := func(at uint64) func(*api.Links) { return func(l *api.Links) { l.Newest = &at } }
	silent := func(l *api.Links) { l.Newest = nil }
	for name, c := range map[string]struct {
		lies []func(*api.Links) // of each of three nodes; nil: it tells the truth
		want uint64             // after the network's beginning; 0: it is not told
	}{
		"nobody lies":         {make([]func(*api.Links), 3), 2500},
		"the first hides it":  {[]func(*api.Links){told(0), nil, nil}, 2500},
		"two hide it":         {[]func(*api.Links){told(0), told(1), nil}, 2500},
		"one exaggerates":     {[]func(*api.Links){nil, nil, told(testEpoch + 9000)}, 9000},
		"one does not tell":   {[]func(*api.Links){nil, silent, nil}, 0},
		"the first does not":  {[]func(*api.Links){silent, nil, nil}, 0},
		"one links falsely":   {[]func(*api.Links){func(l *api.Links) { l.Links[0][5] ^= 1 }, nil, nil}, 2500},
		"one link, one hides": {[]func(*api.Links){func(l *api.Links) { l.Links[0][5] ^= 1 }, told(0), nil}, 2500},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			o := newOwner(t)
			r := w.record(o, 2500, protocol.Draft{Value: []byte("x")}, "horse#1")
			w.spread([]*protocol.Record{r}, w.nodes...)
			for i, lie := range c.lies {
				w.proxy.nodes.list[i].client = &writeNode{testNode: w.nodes[i], links: func(l *api.Links) {
					if lie != nil {
						lie(l)
					}
				}}
			}
			id := o.id()
			q := api.LinksQuery{Owner: &id, Selectors: []protocol.SelectorPoint{{Key: r.Selectors[0].Key, Ordinal: 1}}}
			links, err := w.proxy.Links(t.Context(), q)
			switch {
			case err != nil:
				t.Fatal(err)
			case c.want == 0 && links.Newest != nil:
				t.Errorf("told %d", *links.Newest)
			case c.want > 0 && (links.Newest == nil || *links.Newest != testEpoch+c.want):
				t.Errorf("told %v, want %d", links.Newest, testEpoch+c.want)
			}
		})
	}
}
