package oracle

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-datastore"

	"github.com/lf-store/lf/protocol"
)

// fakeNode is what a commentator sees of a node: a store, a solver and a way to submit, all of
// which can fail.
type fakeNode struct {
	t       *testing.T
	network *protocol.Network
	key     ed25519.PrivateKey
	memory  *fakeMemory
	log     bytes.Buffer

	mu        sync.Mutex
	links     Links
	keys      []Collision // that of index i+1
	said      map[protocol.CompositeID]map[protocol.Owner]bool
	records   []*protocol.Record
	scans     []uint64 // after which index
	storeErr  error
	submitErr error
	clockBack time.Duration
	solve     func(ctx context.Context, effort uint32) error
}

// fakeMemory is a datastore that can fail; synchronized, as commentators may follow one another.
type fakeMemory struct {
	datastore.Datastore
	err error
}

func (m *fakeMemory) Get(ctx context.Context, key datastore.Key) ([]byte, error) {
	if m.err != nil {
		return nil, m.err
	}
	return m.Datastore.Get(ctx, key)
}

func newFakeNode(t *testing.T, change func(*protocol.Params)) *fakeNode {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.NameHardening = "test", protocol.Hardening{MemoryKiB: 8, Passes: 1}
	if change != nil {
		change(&p)
	}
	network, err := protocol.NewNetwork(p, uint64(time.Now().Add(-time.Hour).UnixMilli()), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := &fakeNode{
		t: t, network: network, key: key, memory: &fakeMemory{Datastore: datastore.NewMapDatastore()},
		said: map[protocol.CompositeID]map[protocol.Owner]bool{},
	}
	for _, g := range network.Genesis() {
		n.links.IDs = append(n.links.IDs, g.ID())
	}
	return n
}

func (n *fakeNode) config() Config {
	return Config{
		Network: n.network, Key: n.key, Store: n, Memory: n.memory, Solver: n.solver, Submit: n.submit,
		Clock:  func() time.Time { return time.Now().Add(-n.clockBack) },
		Logger: slog.New(slog.NewTextHandler(&n.log, nil)),
	}
}

func (n *fakeNode) start() *Commentator { return n.startWith(n.config()) }

// startWith starts a commentator that is closed at the latest when the test ends.
func (n *fakeNode) startWith(config Config) *Commentator {
	n.t.Helper()
	c, err := New(config)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			n.t.Error(err)
		}
	})
	return c
}

// set changes the node while a commentator runs on it.
func (n *fakeNode) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

// attach makes a key be touched: it has these claims now.
func (n *fakeNode) attach(key, claims string) {
	n.set(func() { n.keys = append(n.keys, testJudged(key, claims, "").Collision) })
}

func (n *fakeNode) Collisions(_ context.Context, after uint64, limit int) ([]Collision, uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.scans = append(n.scans, after)
	if n.storeErr != nil {
		return nil, 0, n.storeErr
	}
	var list []Collision
	next := after
	for next < uint64(len(n.keys)) && len(list) < limit {
		latest := n.keys[next]
		for _, k := range n.keys[next:] {
			if k.Composite == latest.Composite {
				latest = k
			}
		}
		list = append(list, latest)
		next++
	}
	return list, next, nil
}

func (n *fakeNode) Words(_ context.Context, oracle protocol.Owner, key protocol.CompositeID) ([]Word, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if oracle != protocol.OwnerOf(n.key) {
		n.t.Errorf("asks for the words of %s", oracle)
	}
	var words []Word
	for owner, objects := range n.said[key] {
		words = append(words, Word{Composite: key, Owner: owner, Objects: objects})
	}
	return words, nil
}

func (n *fakeNode) Links(_ context.Context, count int, _ uint64, owner protocol.Owner) (Links, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if count < int(n.network.Params().MinLinks) || owner != protocol.OwnerOf(n.key) {
		n.t.Errorf("asks for %d links of %s", count, owner)
	}
	return n.links, n.storeErr
}

func (n *fakeNode) solver(ctx context.Context) protocol.WorkSolver {
	return func(_ []byte, effort uint32) (protocol.Work, error) {
		if n.solve != nil {
			if err := n.solve(ctx, effort); err != nil {
				return protocol.Work{}, err
			}
		}
		return protocol.Work{Effort: effort}, nil
	}
}

func (n *fakeNode) submit(_ context.Context, frame []byte) error {
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		n.t.Error(err)
		return err
	}
	if err := n.network.Check(r, func([]byte, protocol.Work) error { return nil }); err != nil {
		n.t.Error(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.submitErr != nil {
		return n.submitErr
	}
	n.records = append(n.records, r)
	for _, w := range r.Words() {
		if n.said[w.Composite] == nil {
			n.said[w.Composite] = map[protocol.Owner]bool{}
		}
		n.said[w.Composite][w.Owner] = w.Objects
	}
	return nil
}

// published returns what the records say, one a line.
func (n *fakeNode) published() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var lines []string
	for _, r := range n.records {
		lines = append(lines, printWords(r.Words()))
	}
	return lines
}

func (n *fakeNode) expect(lines ...string) {
	n.t.Helper()
	if got := n.published(); !slices.Equal(got, lines) {
		n.t.Fatalf("published %q, want %q", got, lines)
	}
}
