package lfsync

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/lf-store/lf/store"
)

// What one node takes in by Submit comes to a second by gossip, and to a third that knows only the
// second.
func TestGossip(t *testing.T) {
	w := newWorld(t, nil)
	a, b, c := w.newNode(t, nil), w.newNode(t, nil), w.newNode(t, nil)
	connect(t, a.host, b.host)
	connect(t, b.host, c.host)
	eventually(t, "a sees a peer", func() bool { return a.Status().Peers == 1 && c.Status().Peers == 1 })
	eventually(t, "a's mesh", func() bool { return len(a.gossip.topic.ListPeers()) == 1 && len(c.gossip.topic.ListPeers()) == 1 })
	r := w.record(t)
	if in := a.submit(t, r); in.Outcome != Attached {
		t.Fatalf("submitted: %s", in.Outcome)
	}
	eventually(t, "c has the record", func() bool { return c.store.State(r.ID()) == Attached })
	if d := c.drops.In(); d != 0 {
		t.Errorf("%d messages dropped", d)
	}
}

// A node that was away learns from a peer's tips what it missed and fetches it, however deep.
func TestBackfill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a, b := w.newNode(t, fetchOnly), w.newNode(t, fetchOnly)
	chain := w.chain(t, 2000)
	a.load(t, chain...)
	began := time.Now()
	connect(t, b.host, a.host)
	eventually(t, "b has the chain", func() bool { return b.store.State(chain[len(chain)-1].ID()) == Attached })
	t.Logf("%d records in %s", len(chain), time.Since(began).Round(time.Millisecond))
	if got := b.store.attached(); got != a.store.attached() {
		t.Errorf("%d records attached, the other has %d", got, a.store.attached())
	}
	eventually(t, "nothing is wanted", func() bool { return b.Status().Wanted == 0 })
}

// The same into the real store, whose commits, queues and walks through pending records are not the
// fake's.
func TestBackfillIntoStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.newNode(t, fetchOnly)
	chain := w.chain(t, 2000)
	a.load(t, chain...)
	s, err := store.Open(filepath.Join(t.TempDir(), "lf.db"), w.network, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	b := w.newNode(t, func(c *Config) { c.PubSub, c.Store = nil, realStore{s} })
	began := time.Now()
	connect(t, b.host, a.host)
	eventually(t, "b has the chain", func() bool {
		st, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return int(st.Attached) == a.store.attached() && st.Pending == 0
	})
	t.Logf("%d records in %s", len(chain), time.Since(began).Round(time.Millisecond))
	eventually(t, "nothing is wanted", func() bool { return b.Status().Wanted == 0 })
}
