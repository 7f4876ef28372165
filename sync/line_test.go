package lfsync

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
)

func (w *world) incoming(t testing.TB, records ...*protocol.Record) []*incoming {
	t.Helper()
	var ps []*incoming
	for _, r := range records {
		ps = append(ps, &incoming{record: r, from: Source{Via: ViaFetch}, asked: true, queued: queued{size: int64(r.WireSize()) + recordMemory}})
	}
	return ps
}

// admit puts records into the queue as a fetch does.
func (l *commitQueue) admit(t testing.TB, ps []*incoming) []*incoming {
	t.Helper()
	for _, p := range ps {
		if err := l.reserve(t.Context(), p.size); err != nil {
			t.Fatal(err)
		}
	}
	return l.enter(ps)
}

// empty reports whether all room is free and nothing is left.
func (l *commitQueue) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.inside) > 0 || len(l.blocked) > 0 || l.ready.Len() > 0 || !l.room.TryAcquire(fetchBytes) {
		return false
	}
	l.room.Release(fetchBytes)
	return true
}

// However the batches of a graph come, are checked, fail, come twice or are forgone, records leave
// parents first and each once. The room they took is given back.
func TestCommitQueueKeepsOrder(t *testing.T) {
	w := newWorld(t, nil)
	var all []*protocol.Record
	for i := range 60 {
		var links []*protocol.Record
		for range min(i, 1+i%2) {
			if l := all[max(0, i-1-w.serial*7%9)]; !slices.Contains(links, l) {
				links = append(links, l)
			}
		}
		all = append(all, w.record(t, links...))
	}
	rapid.Check(t, func(rt *rapid.T) {
		l := newCommitQueue()
		asked := make(map[protocol.ID]bool) // what is still to come
		for _, r := range all {
			asked[r.ID()] = true
		}
		order := rapid.Permutation(all).Draw(rt, "order")
		var checking [][]*incoming
		var left []protocol.ID
		gone := make(map[protocol.ID]bool) // invalid, or given up
		leave := func() {
			for _, p := range l.take() {
				id := p.record.ID()
				for _, link := range p.record.Links {
					if !gone[link] && !slices.Contains(left, link) && !w.network.IsGenesis(link) {
						rt.Fatalf("a record leaves before its ancestor")
					}
				}
				if slices.Contains(left, id) {
					rt.Fatalf("a record leaves twice")
				}
				left = append(left, id)
				l.room.Release(p.size)
			}
		}
		for len(order) > 0 || len(checking) > 0 {
			switch n := rapid.IntRange(0, 9).Draw(rt, "step"); {
			case n < 4 && len(order) > 0: // a batch comes
				size := min(len(order), rapid.IntRange(1, 8).Draw(rt, "size"))
				ps := l.admit(t, w.incoming(t, order[:size]...))
				ps = append(ps, l.admit(t, w.incoming(t, order[0]))...) // twice
				for _, p := range ps {
					delete(asked, p.record.ID())
				}
				checking = append(checking, ps)
				order = order[size:]
			case n < 8 && len(checking) > 0: // one has been checked
				i := rapid.IntRange(0, len(checking)-1).Draw(rt, "which")
				ps := checking[i]
				checking = slices.Delete(checking, i, i+1)
				if n == 7 {
					gone[ps[0].record.ID()] = true
					l.leave(ps[:1])
					ps = ps[1:]
				}
				l.pass(ps, func(id protocol.ID) bool { return asked[id] })
			case n == 8 && len(order) > 1: // one will not come
				id := order[0].ID()
				order = order[1:]
				delete(asked, id)
				gone[id] = true
				l.skip([]protocol.ID{id})
			default:
				leave()
			}
		}
		leave()
		if len(left)+len(gone) != len(all) || !l.empty() {
			rt.Fatalf("%d of %d have left, %d will not come; empty: %t", len(left), len(all), len(gone), l.empty())
		}
	})
}

// A batch that waits for room gets it, though all that is in the queue waits for a record that does
// not come. What has waited for too long leaves, too.
func TestCommitQueueNeverSticks(t *testing.T) {
	w := newWorld(t, nil)
	chain := w.chain(t, 3)
	coming := func(id protocol.ID) bool { return id == chain[0].ID() }
	l := newCommitQueue()
	l.pass(l.admit(t, w.incoming(t, chain[1:]...)), coming)
	if ps := l.take(); len(ps) > 0 {
		t.Fatalf("%d records did not wait for their ancestor", len(ps))
	}
	l.flushStale(time.Now())
	if ps := l.take(); len(ps) > 0 {
		t.Fatal("what just came has waited for too long")
	}
	got := make(chan error)
	go func() { got <- l.reserve(t.Context(), fetchBytes) }()
	eventually(t, "somebody waits", func() bool { return l.waiters.Load() > 0 })
	ps := l.take()
	if len(ps) != 2 || ps[0].record != chain[1] {
		t.Fatalf("%d records make room", len(ps))
	}
	for _, p := range ps {
		l.room.Release(p.size)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	l.room.Release(fetchBytes)

	l.pass(l.admit(t, w.incoming(t, chain[1:]...)), coming)
	l.flushStale(time.Now().Add(blockTime))
	if ps := l.take(); len(ps) != 2 {
		t.Errorf("%d records left after a long time", len(ps))
	}
}

// A store that fails for a while, and streams that are cut, lose nothing and leave nothing in the
// queue.
func TestBulkSurvives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	chain := w.chain(t, 1500)
	cut := rand.New(rand.NewPCG(1, 2)) // no secrets
	var mu sync.Mutex
	a := w.newNode(t, fetchOnly)
	a.load(t, chain...)
	serve := a.limiter.Handler(fetch.Service, a.fetcher.Serve)
	a.host.SetStreamHandler(fetch.Service.ID(w.network), func(s network.Stream) {
		mu.Lock()
		left := cut.IntN(400 << 10)
		mu.Unlock()
		serve(&severed{Stream: s, left: left})
	})
	b := w.newNode(t, fetchOnly)
	b.store.mu.Lock()
	b.store.failPut = context.DeadlineExceeded
	b.store.mu.Unlock()
	connect(t, b.host, a.host)
	eventually(t, "the store fails", func() bool {
		b.store.mu.Lock()
		defer b.store.mu.Unlock()
		return b.store.puts > 3
	})
	b.store.mu.Lock()
	b.store.failPut = nil
	b.store.mu.Unlock()
	eventually(t, "all is here", func() bool { return b.store.attached() == a.store.attached() })
	eventually(t, "nothing is left behind", func() bool { return b.admission.queue.empty() && b.Status().Wanted == 0 })
}

// severed is a stream that breaks when so much was written.
type severed struct {
	network.Stream
	left int
}

func (s *severed) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		_ = s.Reset()
		return 0, network.ErrReset
	}
	return s.Stream.Write(p)
}

// What arrives out of order by several answers reaches the store in order: next to nothing becomes
// pending.
func TestHardlyAnythingIsPending(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	chain := w.chain(t, 1500)
	n := w.newNode(t, fetchOnly)
	for range 3 {
		p := w.newNode(t, fetchOnly)
		p.load(t, chain...)
		connect(t, n.host, p.host)
	}
	eventually(t, "all is here", func() bool { return n.store.State(chain[1499].ID()) == Attached })
	if pending := n.store.pended(); pending > 150 {
		t.Errorf("%d of 1,500 records were pending", pending)
	}
}
