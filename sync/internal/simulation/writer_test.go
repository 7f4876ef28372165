package simulation

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/lf-store/lf/internal/memstore"
	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// compose makes a record with a value of this many bytes, as this node's user would: linked to
// tips, signed, of now.
func (n *node) compose(size int) *protocol.Record { return n.composeAt(size, n.now()) }

// composeAt makes one of another time.
func (n *node) composeAt(size int, at time.Time) *protocol.Record {
	w := n.world
	w.t.Helper()
	d := protocol.Draft{
		Owner: protocol.OwnerOf(n.owner), Timestamp: uint64(at.UnixMilli()),
		Names: []protocol.NamePoint{{Name: w.name}}, Value: make([]byte, size),
	}
	rand.Read(d.Value)
	for _, r := range n.linkable(int(w.network.Params().MinLinks)) {
		d.Links = append(d.Links, r.ID())
		d.Timestamp = max(d.Timestamp, r.Timestamp)
	}
	r := must(w.network.Compose(d))(w.t)
	return must(w.network.Sign(r, n.owner))(w.t)
}

// linkable returns this many attached records: some of the newest tips and, where there are too
// few, what these link to.
func (n *node) linkable(count int) []*protocol.Record {
	w := n.world
	ids := must(n.store.Tips(w.t.Context(), 8))(w.t)
	w.luck.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	for _, g := range w.network.Genesis() {
		ids = append(ids, g.ID())
	}
	var links []*protocol.Record
	for i := 0; len(links) < count; i++ {
		if slices.Contains(ids[:i], ids[i]) {
			continue
		}
		r, ok, err := n.store.Record(w.t.Context(), ids[i])
		if err != nil || !ok {
			w.t.Fatal("a tip is not there", err)
		}
		links = append(links, r)
	}
	return links
}

// write has a node's user publish a record with a value of this many bytes.
func (n *node) write(size int) *protocol.Record {
	w := n.world
	w.t.Helper()
	r := n.compose(size)
	w.journal.write(n.index, r.ID())
	in, err := n.sync.Submit(w.t.Context(), r.EncodeFrame())
	if err != nil || in.Outcome != lfsync.Attached {
		w.t.Fatalf("node %d could not write: %v, %v", n.index, in.Outcome, errors.Join(err, in.Err))
	}
	return r
}

// load puts a record into a node's store as if it had had it for long.
func (n *node) load(r *protocol.Record) {
	if _, err := n.store.Put(n.world.t.Context(), r, 0); err != nil {
		n.world.t.Fatal(err)
	}
}

// writes has random nodes publish this many records at this pace. It returns the bytes of the
// records.
func (w *world) writes(among []*node, count, size int, every time.Duration) (bytes int64) {
	w.t.Helper()
	for range count {
		bytes += int64(among[w.luck.IntN(len(among))].write(size).WireSize())
		time.Sleep(every)
	}
	return bytes
}

// history makes this many records, as of some time before now. It puts them into the stores of
// these nodes as if they had had them for long. They count as written.
func (w *world) history(among []*node, count, size int) (records []*protocol.Record) {
	w.t.Helper()
	for range count {
		r := among[0].compose(size)
		w.journal.write(among[0].index, r.ID())
		for _, n := range among {
			n.load(r)
		}
		records = append(records, r)
	}
	return records
}

// agree waits until all running nodes have all that was written, and returns when they had.
func (w *world) agree(atMost time.Duration) time.Time {
	w.t.Helper()
	for end := time.Now().Add(atMost); w.lacking() > 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.explain()
			w.t.Fatalf("after %v %d nodes lack records", atMost, w.lacking())
		}
	}
	return w.journal.lastChange()
}

// lacking counts the running nodes that do not hold exactly what was written.
func (w *world) lacking() (nodes int) {
	want := len(w.network.Genesis()) + w.journal.count()
	for _, n := range w.nodes {
		if attached, waiting := n.store.Count(); n.stop != nil && (attached != want || waiting > 0) {
			nodes++
		}
	}
	return nodes
}

// explain logs how the nodes stand that lack something.
func (w *world) explain() {
	want := len(w.network.Genesis()) + w.journal.count()
	for _, n := range w.nodes {
		attached, waiting := n.store.Count()
		if n.stop == nil || attached == want && waiting == 0 {
			continue
		}
		st := n.sync.Status()
		w.t.Logf("node %d: %d of %d attached, %d wait; %d connected, %d peers, %d wanted, %d fetches", n.index, attached, want,
			waiting, len(n.host.Network().Peers()), st.Peers, st.Wanted, st.Fetches)
	}
}

// all returns a store's attached records.
func all(s *memstore.Store) (records []*protocol.Record, err error) {
	ctx := context.Background()
	err = s.Scan(ctx, func(items []lfsync.Item) error {
		for _, it := range items {
			r, _, err := s.Record(ctx, it.ID)
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		return nil
	})
	return records, err
}
