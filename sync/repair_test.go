package lfsync

import (
	"bufio"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// rottenStore is a store on a disk that damaged some records: their header, or their value only.
type rottenStore struct {
	*testStore
	mu          sync.Mutex
	headers     map[protocol.ID]bool
	values      map[protocol.ID]bool
	unavailable map[protocol.ID]bool
	found       chan struct{}
}

func newRottenStore(s *testStore) *rottenStore {
	return &rottenStore{testStore: s, headers: map[protocol.ID]bool{}, values: map[protocol.ID]bool{}, unavailable: map[protocol.ID]bool{}, found: make(chan struct{}, 1)}
}

func (s *rottenStore) rot(part map[protocol.ID]bool, ids ...protocol.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		part[id] = true
	}
	select {
	case s.found <- struct{}{}:
	default:
	}
}

func (s *rottenStore) shown(r *protocol.Record) (*protocol.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r == nil:
	case s.headers[r.ID()]:
		return nil, ErrDamaged
	case s.values[r.ID()]:
		return protocol.DecodeRecord(r.HeaderBytes(), nil)
	}
	return r, nil
}

func (s *rottenStore) Record(ctx context.Context, id protocol.ID) (*protocol.Record, bool, error) {
	r, ok, err := s.testStore.Record(ctx, id)
	if err == nil {
		r, err = s.shown(r)
	}
	return r, ok && err == nil, err
}

func (s *rottenStore) ByPrefix(ctx context.Context, prefixes [][]byte) ([]Match, error) {
	matches, err := s.testStore.ByPrefix(ctx, prefixes)
	for i := range matches {
		m := &matches[i]
		m.Record, m.Err = s.shown(m.Record)
	}
	return matches, err
}

func (s *rottenStore) Damaged() (ids []protocol.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range []map[protocol.ID]bool{s.headers, s.values} {
		for id := range part {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *rottenStore) Found() <-chan struct{} { return s.found }

func (s *rottenStore) Repair(_ context.Context, r *protocol.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.headers, r.ID())
	delete(s.values, r.ID())
	return r.CheckCarried()
}

func (s *rottenStore) Unavailable(id protocol.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unavailable[id] = true
}

func (s *rottenStore) isUnavailable(id protocol.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unavailable[id]
}

// newRotten makes a node on such a store; with repairs, it has them repaired.
func (w *world) newRotten(t testing.TB, repairs bool) (*node, *rottenStore) {
	t.Helper()
	var s *rottenStore
	n := w.newNode(t, func(c *Config) {
		s = newRottenStore(c.Store.(*testStore))
		c.PubSub, c.Store = nil, s
		if repairs {
			c.Repairs = s
		}
	})
	return n, s
}

// statuses asks a node for records, and returns the statuses of the items of its answer.
func statuses(t *testing.T, w *world, n *node, width, ancestors int, ids ...protocol.ID) (list []byte) {
	t.Helper()
	h := newHost(t)
	connect(t, h, n.host)
	s, err := h.NewStream(t.Context(), n.host.ID(), fetch.Service.ID(w.network))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Write(fetch.AppendRequest(nil, fetch.Request{IDs: ids, Width: width, Ancestors: ancestors})); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReaderSize(s, stream.MaxFrameItem)
	for {
		first, err := in.Peek(1)
		if err != nil {
			return list
		}
		if _, err := fetch.ReadItem(in); err != nil {
			t.Fatal(err)
		}
		list = append(list, first[0])
	}
}

// TestDamagedIsServed asks for damaged records by both kinds of names: no byte of them is sent, and
// the rest of the answer comes.
func TestDamagedIsServed(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 6)
	n, s := w.newRotten(t, false)
	n.load(t, chain...)
	s.rot(s.headers, chain[1].ID())
	s.rot(s.values, chain[3].ID())
	var ids []protocol.ID
	for _, r := range chain {
		ids = append(ids, r.ID())
	}
	want := []byte{statusComplete, statusDamaged, statusComplete, statusPruned, statusComplete, statusComplete}
	for _, width := range []int{fetch.NameSize, fetch.IDSize} {
		if have := statuses(t, w, n, width, 0, ids...); !slices.Equal(have, want) {
			t.Errorf("width %d: %v, want %v", width, have, want)
		}
	}
	// As ancestors, a pruned one is sent, and the walk ends where a header is damaged.
	if have, want := statuses(t, w, n, fetch.IDSize, 10, chain[5].ID()), []byte{statusComplete, statusComplete, statusPruned, statusComplete}; !slices.Equal(have, want) {
		t.Errorf("ancestors: %v, want %v", have, want)
	}
}

// TestDamagedIsNoFault has a peer list records that it cannot send. It is not blamed, however
// often; another one brings them.
func TestDamagedIsNoFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	chain := w.chain(t, 40)
	bad, s := w.newRotten(t, false)
	bad.load(t, chain...)
	for i, r := range chain {
		s.rot([]map[protocol.ID]bool{s.headers, s.values}[i%2], r.ID())
	}
	var bans []time.Duration
	var mu sync.Mutex
	n := w.newNode(t, func(c *Config) {
		c.PubSub = nil
		c.Drop = func(_ peer.ID, d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			bans = append(bans, d)
		}
	})
	connect(t, n.host, bad.host)
	eventually(t, "it was asked for some", func() bool { return n.requests("answered") >= 3 })
	good := w.newNode(t, fetchOnly)
	good.load(t, chain...)
	connect(t, n.host, good.host)
	eventually(t, "all have come", func() bool { return n.store.attached() == bad.store.attached() })
	mu.Lock()
	defer mu.Unlock()
	if len(bans) > 0 || n.requests("guilty") > 0 {
		t.Errorf("%v, %d requests guilty: a peer was blamed for its disk", bans, n.requests("guilty"))
	}
}

// TestRepairs repairs records from the one peer that has them. Another one lacks them, the copies
// of a third are damaged too, and a fourth sends others in their place.
func TestRepairs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	chain := w.chain(t, 5)
	n, s := w.newRotten(t, true)
	n.load(t, chain...)
	s.rot(s.headers, chain[1].ID(), chain[2].ID())
	s.rot(s.values, chain[3].ID())

	lacks := w.newNode(t, fetchOnly)
	connect(t, n.host, lacks.host)
	eventually(t, "nobody has them", func() bool { return s.isUnavailable(chain[1].ID()) && s.isUnavailable(chain[3].ID()) })

	rotten, other := w.newRotten(t, false)
	rotten.load(t, chain...)
	other.rot(other.headers, chain[1].ID(), chain[3].ID())
	other.rot(other.values, chain[2].ID())
	connect(t, n.host, rotten.host)
	liar := w.responder(t, func(s network.Stream, _ fetch.Request) {
		_, _ = fetch.WriteItem(s, chain[4])
	})
	connect(t, n.host, liar)
	eventually(t, "the liar was asked", func() bool { return n.penalties.Bans(liar.ID()) > 0 })
	if got := len(s.Damaged()); got != 3 {
		t.Fatalf("%d records are damaged, want all 3 still", got)
	}

	good := w.newNode(t, fetchOnly)
	good.load(t, chain...)
	connect(t, n.host, good.host)
	eventually(t, "all are repaired", func() bool { return len(s.Damaged()) == 0 })
	if n.penalties.Bans(rotten.host.ID())+n.penalties.Bans(lacks.host.ID()) > 0 {
		t.Error("a peer was blamed for what it cannot send")
	}
}

// A peer that answers with nothing at all has not answered: the others are asked first from then
// on, and it is not blamed.
func TestRepairsPastEmptyAnswers(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 2)
	n, s := w.newRotten(t, false)
	n.load(t, chain...)
	s.rot(s.headers, chain[1].ID())
	silent := w.responder(t, func(network.Stream, fetch.Request) {})
	connect(t, n.host, silent)
	eventually(t, "it can be asked", func() bool { return n.speaks(silent.ID(), fetch.Service) })
	repairer := n.fetcher.NewRepairer(s, n.fetchPeers())
	repairer.Step(t.Context())
	if !repairer.HasFailed(silent.ID()) {
		t.Error("it counts as a peer that answered")
	}
	if p, ids := repairer.Next([]peer.ID{silent.ID()}); len(ids) > 0 {
		t.Errorf("%s is asked again at once", p)
	}
	if n.penalties.Bans(silent.ID()) > 0 {
		t.Error("it was blamed")
	}
}

// TestWithheldIsNotMissing has a peer list records that it cannot send, real or invented. This node
// stays in sync with the others, is not in agreement with that one, and compares with it no more
// where they are many. Then the peer's disk is repaired.
func TestWithheldIsNotMissing(t *testing.T) {
	w := newWorld(t, nil)
	shared := w.chain(t, 3)
	for name, count := range map[string]int{"few": 5, "many": reconcile.MaxWithheld + 50} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, good := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
			bad, s := w.newRotten(t, false)
			for _, of := range []*node{n, good, bad} {
				of.load(t, shared...)
			}
			var lost []protocol.ID
			for range count {
				r := w.record(t, shared[2])
				bad.load(t, r)
				lost = append(lost, r.ID())
			}
			s.rot(s.headers, lost...)
			for _, of := range []*node{n, good, bad} { // what was loaded by hand is in the sets
				eventually(t, "the set is known", func() bool { return of.Status().Sync.Ready })
			}
			connect(t, n.host, good.host)
			connect(t, n.host, bad.host)
			withheld := func() int { return n.reconciler.Withheld(bad.host.ID()) }
			eventually(t, "the peer has said of all that it cannot send them", func() bool { return withheld() == count })
			eventually(t, "this node is in sync", func() bool {
				st := n.Status().Sync
				return st.State == StateSynced && st.Missing == 0 && st.Agreeing == 1 && st.Peers == 2
			})
			if n.penalties.Bans(bad.host.ID()) > 0 {
				t.Error("the peer was banned")
			}
			paused := n.reconciler.PausedFor(bad.host.ID())
			if many := count > reconcile.MaxWithheld; many != (paused > reconcile.WithheldPause/2) {
				t.Errorf("it is compared with again in %s", paused)
			}
			if count > reconcile.MaxWithheld {
				return
			}
			s.mu.Lock()
			clear(s.headers)
			s.mu.Unlock()
			eventually(t, "they come when they can be sent", func() bool {
				n.reconciler.Demand()
				return n.store.attached() == bad.store.attached()
			})
			eventually(t, "all agree", func() bool { return n.Status().Sync.Agreeing == 2 })
		})
	}
}
