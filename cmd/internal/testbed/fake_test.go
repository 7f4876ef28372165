package testbed

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// world is a network of nodes in memory. Nodes that can reach each other have the same records at
// once.
type world struct {
	mu     sync.Mutex
	nodes  map[string]*fakeNode
	cuts   map[Cut]bool
	deaf   bool // links that are cut stay so
	closed bool
}

// fakeNode is a machine, and the API of its own node.
type fakeNode struct {
	world   *world
	name    string
	genesis []protocol.ID

	up      bool
	done    chan struct{}
	order   []protocol.ID
	frames  map[protocol.ID][]byte
	keys    map[protocol.SelectorKey][]*protocol.Record
	pulses  map[protocol.ID]uint64 // the second of the newest one, by record
	in      uint64
	clock   time.Duration
	did     []string
	forgets bool // what it has acknowledged
	waste   uint64
	behind  string // a router
}

func (w *world) Prepare(_ context.Context, s *Scenario) ([]Place, error) {
	return make([]Place, len(s.Nodes)), nil
}

func (w *world) Cut(_ context.Context, cuts []Cut, nodes []LinkedNode) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf && len(cuts) == 0 {
		return nil
	}
	w.cuts = map[Cut]bool{}
	for _, c := range cuts {
		w.cuts[c] = true
	}
	for _, m := range nodes {
		if m.Peer != w.nodes[m.Name].peer() {
			return fmt.Errorf("%+v", m)
		}
	}
	return nil
}

func (w *world) Move(_ context.Context, node, router string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nodes[node].behind == router {
		return errors.New("it is there")
	}
	w.nodes[node].behind = router
	w.nodes[node].log("move")
	return nil
}

func (w *world) Close() error {
	w.closed = true
	return nil
}

func (w *world) close() error {
	for _, n := range w.nodes {
		_ = n.stop()
	}
	return nil
}

func (w *world) machines(nodes []*Node, _ []Place) (map[string]machine, error) {
	all := map[string]machine{}
	for _, n := range nodes {
		all[n.Name] = w.nodes[n.Name]
	}
	return all, nil
}

// spread lets records travel over open links, as far as they get. The world is locked.
func (w *world) spread() {
	for moved := true; moved; {
		moved = false
		for _, a := range w.nodes {
			for _, b := range w.nodes {
				if a.up && b.up && a != b && !(w.cuts[Cut{a.name, b.name}] && w.cuts[Cut{b.name, a.name}]) {
					for id, second := range a.pulses {
						b.pulses[id] = max(b.pulses[id], second)
					}
					for _, id := range a.order {
						moved = b.take(id, a.frames[id]) || moved
					}
				}
			}
		}
	}
}

func (n *fakeNode) take(id protocol.ID, frame []byte) bool {
	if n.frames[id] != nil {
		return false
	}
	n.frames[id], n.order = frame, append(n.order, id)
	n.in += uint64(len(frame)) + n.waste
	if r, err := protocol.DecodeFrame(frame); err == nil && len(r.Selectors) > 0 {
		n.keys[r.Selectors[0].Key] = append(n.keys[r.Selectors[0].Key], r)
	}
	return true
}

func (n *fakeNode) log(what string) { n.did = append(n.did, what) }

func (n *fakeNode) peer() string { return "peer of " + n.name }

func (n *fakeNode) start(_ context.Context, clock time.Duration) (NodeAPI, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	if n.up {
		return nil, errors.New(n.name + " runs already")
	}
	n.up, n.done, n.clock = true, make(chan struct{}), clock
	n.log("start")
	return n, nil
}

func (n *fakeNode) end(how string) error {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	if n.up {
		n.log(how)
		n.up, n.in = false, 0
		close(n.done)
	}
	return nil
}

func (n *fakeNode) stop() error { return n.end("stop") }
func (n *fakeNode) kill() error { return n.end("kill") }

func (n *fakeNode) wipe() error {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	n.log("wipe")
	n.order, n.frames, n.keys, n.pulses = nil, map[protocol.ID][]byte{}, map[protocol.SelectorKey][]*protocol.Record{}, map[protocol.ID]uint64{}
	return nil
}

func (n *fakeNode) ended() <-chan struct{} {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	return n.done
}

func (n *fakeNode) memory() (uint64, bool) { return 1 << 20, true }
func (n *fakeNode) tail() string           { return "its last words" }

// away is what a client of a node that is down sees. The world is locked.
func (n *fakeNode) away() error {
	if n.up {
		return nil
	}
	return &api.UnreachableError{URL: n.name, Err: errors.New("down")}
}

func (n *fakeNode) Status(context.Context) (*api.Status, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	n.world.spread()
	sorted := slices.SortedFunc(slices.Values(n.order), protocol.ID.Compare)
	s := &api.Status{Traffic: api.Traffic{In: n.in}}
	s.Sync = api.SyncStatus{Attached: uint64(len(n.order)), Fingerprint: fmt.Sprint(sorted), State: api.SyncSynced}
	return s, n.away()
}

func (n *fakeNode) Doctor(context.Context) (*api.Checkup, error) { return &api.Checkup{}, nil }

func (n *fakeNode) Peers(context.Context, api.Page) (*api.PeerList, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	list := &api.PeerList{}
	for _, o := range n.world.nodes {
		if o != n && o.up && !n.world.cuts[Cut{n.name, o.name}] {
			p := api.Peer{ID: o.peer(), Path: api.PathDirect, Transport: api.TransportTCP}
			if n.behind != "" && o.behind != "" && n.behind != o.behind { // no holes in this world
				p.Path = api.PathRelayed
			}
			list.Peers = append(list.Peers, p)
		}
	}
	slices.SortFunc(list.Peers, func(a, b api.Peer) int { return cmp.Compare(a.ID, b.ID) })
	return list, n.away()
}

func (n *fakeNode) Links(context.Context, api.LinksQuery) (*api.Links, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	return &api.Links{Links: n.genesis, Now: uint64(time.Now().Add(n.clock).UnixMilli())}, n.away()
}

func (n *fakeNode) Submit(_ context.Context, frame []byte) (*api.Submitted, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	if err := n.away(); err != nil {
		return nil, err
	}
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		return nil, err
	}
	if !n.forgets || len(n.order) != 5 {
		n.take(r.ID(), frame)
		n.in -= uint64(len(frame)) + n.waste // from no peer
	}
	return &api.Submitted{ID: r.ID()}, nil
}

func (n *fakeNode) Record(_ context.Context, id protocol.ID) (*api.RecordInfo, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	return &api.RecordInfo{Frame: n.frames[id]}, n.away()
}

// Query answers with the newest record under a key.
func (n *fakeNode) Query(_ context.Context, q api.Query) (*api.QueryResult, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	var best protocol.ID
	var when uint64
	owners := map[protocol.Owner]bool{}
	for _, r := range n.keys[*q.Selectors[0].Key] {
		owners[r.Owner] = true
		if id := r.ID(); r.Timestamp > when || r.Timestamp == when && id.Compare(best) > 0 {
			best, when = id, r.Timestamp
		}
	}
	if len(owners) == 0 {
		return &api.QueryResult{}, n.away()
	}
	if q.Alive > 0 && n.pulses[best]+q.Alive < uint64(time.Now().Unix()) {
		return &api.QueryResult{Lapsed: 1}, n.away()
	}
	return &api.QueryResult{Answers: []api.Answer{{Claims: len(owners), Version: api.Version{Record: best}}}}, n.away()
}

func (n *fakeNode) Pulse(_ context.Context, r api.PulseRequest) (*api.Pulsed, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	pulses, err := r.Parse()
	if err != nil {
		return nil, err
	}
	out := &api.Pulsed{}
	for _, p := range pulses {
		o := api.PulseOutcome{Record: p.Record, Second: p.Second, State: api.PulseRefused, Why: "too soon"}
		if p.Second >= n.pulses[p.Record]+60 {
			n.pulses[p.Record], o.State, o.Why = p.Second, api.PulseAccepted, ""
		}
		out.Pulses = append(out.Pulses, o)
	}
	n.world.spread()
	return out, n.away()
}

func (n *fakeNode) SetLinks(context.Context, api.TestbedLinks) (*api.TestbedLinks, error) {
	return nil, errors.New("nobody calls this: the world is the fabric")
}

// AttachedSet has small pages.
func (n *fakeNode) AttachedSet(_ context.Context, from uint64) (*api.TestbedSet, error) {
	n.world.mu.Lock()
	defer n.world.mu.Unlock()
	set := &api.TestbedSet{}
	for i := max(from, 1); i <= uint64(len(n.order)); i++ {
		if len(set.IDs) == 7 {
			set.Next = api.Uint64(i)
			break
		}
		set.IDs = append(set.IDs, hex.EncodeToString(n.order[i-1][:]))
	}
	return set, n.away()
}

// trial runs a scenario in a world.
func trial(ctx context.Context, t *testing.T, text string, prepare func(*world)) (*Report, *world) {
	t.Helper()
	s, err := Parse("trial.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{nodes: map[string]*fakeNode{}, cuts: map[Cut]bool{}}
	r, err := newRunner(s, Options{Fabric: w, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range s.Nodes {
		fake := &fakeNode{world: w, name: n.Name, behind: n.Behind}
		_ = fake.wipe()
		fake.did = nil
		for _, g := range r.network.Genesis() {
			fake.genesis = append(fake.genesis, g.ID())
		}
		w.nodes[n.Name] = fake
	}
	if prepare != nil {
		prepare(w)
	}
	if err := r.makeMachines(w, make([]Place, len(s.Nodes))); err != nil {
		t.Fatal(err)
	}
	r.run(ctx)
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	r.report.Duration = r.now().Seconds()
	for _, n := range w.nodes {
		if n.up {
			t.Errorf("%s still runs", n.name)
		}
	}
	if !w.closed {
		t.Error("the fabric is not closed")
	}
	return r.report, w
}
