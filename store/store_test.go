package store

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) {
	if runChild() {
		return
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		for _, b := range benchStores {
			os.RemoveAll(b.dir)
		}
		os.Exit(code)
	}))
}

const testTime = 1_800_000_000_000

// world makes records: a network on which names cost little, names and owners remembered.
type world struct {
	*protocol.Network
	mu     sync.Mutex
	names  map[string]protocol.NameKey
	owners []ed25519.PrivateKey
}

func newWorld(t testing.TB) *world {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "test", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, testTime, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return worldOf(n)
}

func worldOf(n *protocol.Network) *world {
	return &world{Network: n, names: map[string]protocol.NameKey{}}
}

func (w *world) name(s string) protocol.NameKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	k, ok := w.names[s]
	if !ok {
		var err error
		if k, err = w.DeriveName(s); err != nil {
			panic(err)
		}
		w.names[s] = k
	}
	return k
}

func (w *world) owner(i int) ed25519.PrivateKey {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.owners) <= i {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		w.owners = append(w.owners, key)
	}
	return w.owners[i]
}

func (w *world) ownerID(i int) protocol.Owner { return protocol.OwnerOf(w.owner(i)) }

// sel is a selector by name.
type sel struct {
	name    string
	ordinal uint64
}

// spec is a record to be made. Links default to the genesis.
type spec struct {
	kind  protocol.Type
	owner int
	at    uint64 // after testTime
	links []*protocol.Record
	sels  []sel
	value string // "" is none
}

func (w *world) make(s spec) *protocol.Record {
	d := protocol.Draft{Type: s.kind, Owner: w.ownerID(s.owner), Timestamp: testTime + s.at}
	if s.links == nil {
		s.links = w.Genesis()
	}
	for _, l := range s.links {
		d.Links = append(d.Links, l.ID())
	}
	for _, p := range s.sels {
		d.Names = append(d.Names, protocol.NamePoint{Name: w.name(p.name), Ordinal: p.ordinal})
	}
	if s.value != "" {
		d.Value = []byte(s.value)
	}
	r, err := w.Compose(d)
	if err == nil {
		r, err = w.Sign(r, w.owner(s.owner))
	}
	if err != nil {
		panic(err)
	}
	return r
}

func (w *world) where(name string, from, to uint64) Range {
	return Range{w.name(name).Selector(), from, to}
}

// chain makes n records, each linking to the two before it.
func (w *world) chain(n int) []*protocol.Record {
	last := append([]*protocol.Record(nil), w.Genesis()...)
	var chain []*protocol.Record
	for i := range n {
		r := w.make(spec{at: uint64(i) + 1, links: last[len(last)-2:], sels: []sel{{"chain", uint64(i)}}, value: fmt.Sprintf("value %d", i)})
		last, chain = append(last, r), append(chain, r)
	}
	return chain
}

func openTest(t testing.TB, w *world, o Options) *Store {
	t.Helper()
	return openAt(t, w, filepath.Join(t.TempDir(), "lf.db"), o)
}

// openAt opens a store and has the test end with a clean check of it.
func openAt(t testing.TB, w *world, path string, o Options) *Store {
	t.Helper()
	s, err := Open(path, w.Network, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mustBeSound(t, s)
		if err := s.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	return s
}

func mustBeSound(t testing.TB, s *Store) {
	t.Helper()
	_, err := s.Check(context.Background(), func(problem string) { t.Error("check:", problem) })
	if err != nil && !errors.Is(err, ErrClosed) {
		t.Error("check:", err)
	}
}

func mustPut(t testing.TB, s *Store, r *protocol.Record, want Outcome) Result {
	t.Helper()
	return mustHold(t, s, r, 0, want)
}

func mustHold(t testing.TB, s *Store, r *protocol.Record, until uint64, want Outcome) Result {
	t.Helper()
	result, err := s.Put(context.Background(), r, until)
	if err != nil {
		t.Fatal(err)
	}
	if result.Outcome != want {
		t.Fatalf("put: %v (%v), want %v", result.Outcome, result.Err, want)
	}
	return result
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(20)
	for i, r := range chain {
		result := mustPut(t, s, r, Attached)
		if result.Index != uint64(i+3) || len(result.Attached) != 1 || result.Attached[0] != r.ID() {
			t.Fatalf("record %d: %+v", i, result)
		}
	}
	for i, r := range chain {
		again, info, err := s.Get(t.Context(), r.ID())
		if err != nil || again.ID() != r.ID() || string(again.ValueBytes()) != string(r.ValueBytes()) || info != (Info{State: Attached, Index: uint64(i + 3), Weight: uint64(len(chain) - i)}) {
			t.Fatalf("got %v %+v %v", again, info, err)
		}
		if result := mustPut(t, s, r, Known); result.State != Attached || result.Index != uint64(i+3) {
			t.Fatalf("put again: %+v", result)
		}
	}
	if _, _, err := s.Get(t.Context(), protocol.ID{1}); !errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Attached != 22 || stats.Tips != 1 || stats.Bytes == 0 {
		t.Fatalf("%+v, %v", stats, err)
	}
	tips, err := s.Tips(t.Context(), 10)
	if err != nil || len(tips) != 1 || tips[0] != chain[19].ID() {
		t.Fatalf("tips %v, %v", tips, err)
	}
}

func TestCascade(t *testing.T) {
	w := newWorld(t)
	s := openTest(t, w, Options{})
	chain := w.chain(3000)
	for i := len(chain) - 1; i > 0; i-- {
		mustPut(t, s, chain[i], Pending)
	}
	missing, err := s.Missing(t.Context(), 100)
	if err != nil || len(missing) != 1 || missing[0] != chain[0].ID() {
		t.Fatalf("missing %v, %v", missing, err)
	}
	began := time.Now()
	var attached []protocol.ID
	defer s.Follow(func(items []Item) {
		for _, item := range items {
			attached = append(attached, item.ID)
		}
	})()
	first := mustPut(t, s, chain[0], Attached).Attached
	mustSettle(t, s)
	t.Logf("a cascade of %d took %v", len(attached), time.Since(began))
	if len(attached) != len(chain) || !slices.Equal(first, attached[:len(first)]) {
		t.Fatalf("attached %d of %d, %d at once", len(attached), len(chain), len(first))
	}
	for i, id := range attached {
		if id != chain[i].ID() {
			t.Fatalf("attached out of order at %d", i)
		}
	}
}
