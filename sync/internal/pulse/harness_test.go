package pulse

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"

	"github.com/lf-store/lf/internal/memstore"
	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newNetwork(t testing.TB, change func(*protocol.Params)) *protocol.Network {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "test", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	if change != nil {
		change(&p)
	}
	n, err := protocol.NewNetwork(p, testStart-3_600_000, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// testStart is what the clock of tests shows at first, in ms.
const testStart = 1_800_000_000_000

// world is a keeper with a store in memory and a clock of its own.
type world struct {
	testing.TB
	*Keeper
	network *protocol.Network
	store   *memstore.Store
	group   *supervisor.Group

	mu        sync.Mutex
	now       time.Time
	published int
}

func newTestWorld(t testing.TB, change func(*protocol.Params)) *world {
	t.Helper()
	n := newNetwork(t, change)
	return newWorldOn(t, n, memstore.New(n), time.UnixMilli(testStart))
}

func newWorldOn(t testing.TB, n *protocol.Network, s *memstore.Store, now time.Time) *world {
	t.Helper()
	w := makeWorld(t, n, s, s, now)
	w.load(t.Context())
	return w
}

// newSlowWorld makes a world that has not read the pulses from before yet.
func newSlowWorld(t testing.TB, n *protocol.Network, s *slowStore, now time.Time) *world {
	t.Helper()
	return makeWorld(t, n, s, s.Store, now)
}

func makeWorld(t testing.TB, n *protocol.Network, reads Store, s *memstore.Store, now time.Time) *world {
	t.Helper()
	w := &world{TB: t, network: n, store: s, group: new(supervisor.Group), now: now}
	w.Keeper = New(Config{
		Network: n, Store: reads, Group: w.group, Log: slog.New(slog.DiscardHandler), Relayed: func(peer.ID) bool { return false },
		Clock:   func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now },
		Publish: func(context.Context, []byte) { w.mu.Lock(); defer w.mu.Unlock(); w.published++ },
	})
	t.Cleanup(w.close)
	return w
}

// newest is the newest pulse of a claim.
func (w *world) newest(c Claim) (protocol.Pulse, bool) {
	w.Helper()
	p, ok, err := w.Newest(w.Context(), c)
	if err != nil {
		w.Fatal(err)
	}
	return p, ok
}

func (w *world) close() {
	if err := w.group.Close(); err != nil {
		w.Error(err)
	}
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) seconds() uint64 { return w.second() }

// record puts a record of an owner's into the store. Its effort is made up: nothing verifies it
// here.
func (w *world) record(key ed25519.PrivateKey, name string, effort uint32) *protocol.Record {
	w.Helper()
	derived, err := w.network.DeriveName(name)
	if err != nil {
		w.Fatal(err)
	}
	d := protocol.Draft{Owner: protocol.OwnerOf(key), Timestamp: testStart, Names: []protocol.NamePoint{{Name: derived}}, Value: []byte("here")}
	for _, g := range w.network.Genesis() {
		d.Links = append(d.Links, g.ID())
	}
	r, err := w.network.Compose(d)
	if err == nil {
		r, err = w.network.Sign(r, key)
	}
	if err == nil && effort > 0 {
		h := r.Header
		h.Work = &protocol.Work{Effort: effort}
		r, err = protocol.NewRecord(h, r.ValueBytes())
	}
	if err != nil {
		w.Fatal(err)
	}
	w.store.Load(r)
	return r
}

// hear has a pulse come by gossip.
func (w *world) hear(p protocol.Pulse, from peer.ID) Verdict {
	w.Helper()
	v, err := w.Gossiped(w.Context(), p.Encode(), from)
	if (err != nil) != v.Rejected() {
		w.Fatalf("%s: %v", v, err)
	}
	return v
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
