package syncstore

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	seeded "math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lf-store/lf/internal/memstore"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// The simulations count because their store in memory does the same as the real one. Here both get
// the same random histories in random order. After each step everything that lfsync can see of them
// is compared.
func TestSimulatedStoreIsLikeTheRealOne(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newHistories(t, seed)
			for len(h.ahead) > 0 {
				h.step()
				h.compare()
			}
			if h.outcomes[lfsync.Attached] == 0 || h.outcomes[lfsync.Pending] == 0 || h.outcomes[lfsync.Refused] == 0 ||
				h.outcomes[lfsync.Held] == 0 || h.outcomes[lfsync.Known] == 0 {
				t.Errorf("not everything happened: %v", h.outcomes)
			}
		})
	}
}

// histories are two stores that get the same records.
type histories struct {
	*testing.T
	real, simulated lfsync.Store
	luck            *seeded.Rand
	network         *protocol.Network
	records         []*protocol.Record
	ahead           []*protocol.Record // those that come
	now             uint64
	outcomes        map[lfsync.Outcome]int
	told            [2][]lfsync.Item // by Follow
}

func newHistories(t *testing.T, seed uint64) *histories {
	t.Helper()
	h := &histories{T: t, luck: seeded.New(seeded.NewPCG(seed, 0)), now: 1_000_000, outcomes: make(map[lfsync.Outcome]int)}
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "simulation", 0, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	var err error
	if h.network, err = protocol.NewNetwork(p, h.now, rand.Reader); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(t.TempDir(), "lf.db"), h.network, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h.real, h.simulated = Store{s}, memstore.New(h.network)
	for i, s := range h.stores() {
		t.Cleanup(s.Follow(func(items []lfsync.Item) { h.told[i] = append(h.told[i], items...) }))
	}
	h.write(120)
	h.ahead = slices.Clone(h.records)
	return h
}

func (h *histories) stores() [2]lfsync.Store { return [2]lfsync.Store{h.real, h.simulated} }

// write makes the records: each links to two of the last few before it. Some are older than what
// they link to, which shows when they attach, and have a descendant, which then never can.
func (h *histories) write(count int) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		h.Fatal(err)
	}
	name, err := h.network.DeriveName("horse")
	if err != nil {
		h.Fatal(err)
	}
	sound := slices.Clone(h.network.Genesis())
	record := func(timestamp uint64, links ...*protocol.Record) *protocol.Record {
		d := protocol.Draft{
			Owner: protocol.OwnerOf(key), Timestamp: timestamp, Names: []protocol.NamePoint{{Name: name}},
			Value: fmt.Append(nil, "value", len(h.records)),
		}
		for _, r := range links {
			d.Links = append(d.Links, r.ID())
		}
		r, err := h.network.Compose(d)
		if err == nil {
			r, err = h.network.Sign(r, key)
		}
		if err != nil {
			h.Fatal(err)
		}
		h.records = append(h.records, r)
		return r
	}
	for i := range uint64(count) {
		last := sound[max(0, len(sound)-5):]
		k := h.luck.Perm(len(last))
		a, b := last[k[0]], last[k[1]]
		if h.luck.IntN(8) == 0 {
			record(h.now+i, record(5, a, b), a)
		}
		sound = append(sound, record(h.now+i, a, b))
	}
}

// some are the next records, hardly one of them in its turn, and now and then one that came before.
func (h *histories) some(n int) (rs []*protocol.Record, holds []uint64) {
	for range n {
		i := h.luck.IntN(min(16, len(h.ahead)))
		r := h.ahead[i]
		h.ahead = slices.Delete(h.ahead, i, i+1)
		if h.luck.IntN(4) == 0 {
			h.ahead = slices.Insert(h.ahead, h.luck.IntN(len(h.ahead)+1), r)
		}
		var hold uint64
		if h.luck.IntN(10) == 0 {
			hold = h.now + uint64(h.luck.IntN(200))
		}
		rs, holds = append(rs, r), append(holds, hold)
	}
	return rs, holds
}

func (h *histories) step() {
	switch h.luck.IntN(5) {
	case 0:
		h.now += uint64(h.luck.IntN(50))
		h.release()
	case 1:
		rs, holds := h.some(1 + h.luck.IntN(min(10, len(h.ahead))))
		var results [2][]lfsync.Stored
		for i, s := range h.stores() {
			var err error
			if results[i], err = s.PutAll(h.Context(), rs, holds); err != nil {
				h.Fatal(err)
			}
		}
		for k := range rs {
			h.sameStored(results[0][k], results[1][k])
		}
	default:
		rs, holds := h.some(1)
		var results [2]lfsync.Stored
		for i, s := range h.stores() {
			var err error
			if results[i], err = s.Put(h.Context(), rs[0], holds[0]); err != nil {
				h.Fatal(err)
			}
		}
		h.sameStored(results[0], results[1])
	}
}

func (h *histories) release() {
	var results [2]lfsync.Stored
	for i, s := range h.stores() {
		var err error
		if results[i], err = s.Release(h.Context(), h.now); err != nil {
			h.Fatal(err)
		}
	}
	sameSet(h.T, "released and attached", results[0].Attached, results[1].Attached)
	sameSet(h.T, "missing after a release", results[0].Missing, results[1].Missing)
}

func (h *histories) sameStored(real, simulated lfsync.Stored) {
	h.Helper()
	h.outcomes[real.Outcome]++
	if real.Outcome != simulated.Outcome || real.State != simulated.State || real.Index != simulated.Index {
		h.Fatalf("the real store: %v, %v, index %d; the simulated: %v, %v, index %d", real.Outcome, real.State, real.Index,
			simulated.Outcome, simulated.State, simulated.Index)
	}
	var a, b *protocol.InvalidError
	if (real.Err == nil) != (simulated.Err == nil) || errors.As(real.Err, &a) != errors.As(simulated.Err, &b) {
		h.Fatalf("the real store refuses for %v, the simulated for %v", real.Err, simulated.Err)
	}
	sameSet(h.T, "attached", real.Attached, simulated.Attached)
	sameSet(h.T, "missing", real.Missing, simulated.Missing)
}

// compare compares what can be asked.
func (h *histories) compare() {
	h.Helper()
	ids := make([]protocol.ID, len(h.records))
	for i, r := range h.records {
		ids[i] = r.ID()
	}
	var unknown, missing [2][]protocol.ID
	var scanned [2][]lfsync.Item
	for i, s := range h.stores() {
		unknown[i] = ask(h.T, func(ctx context.Context) ([]protocol.ID, error) { return s.Unknown(ctx, ids) })
		missing[i] = ask(h.T, func(ctx context.Context) ([]protocol.ID, error) { return s.Missing(ctx, 1<<10) })
		ask(h.T, func(ctx context.Context) (any, error) {
			return nil, s.Scan(ctx, func(items []lfsync.Item) error { scanned[i] = append(scanned[i], items...); return nil })
		})
		if g := len(h.network.Genesis()); !slices.Equal(scanned[i][g:], h.told[i]) {
			h.Fatalf("store %d told its followers of something else than it attached", i)
		}
	}
	sameSet(h.T, "unknown", unknown[0], unknown[1])
	sameSet(h.T, "missing in the end", missing[0], missing[1])
	sameSet(h.T, "scanned", idsOf(scanned[0]), idsOf(scanned[1]))
	h.parentsFirst(scanned[1])
	h.sameRecords(ids[h.luck.IntN(len(ids))])
}

func (h *histories) sameRecords(id protocol.ID) {
	h.Helper()
	var found [2]bool
	for i, s := range h.stores() {
		r, ok, err := s.Record(h.Context(), id)
		if err != nil || ok && r.ID() != id {
			h.Fatal("not the record that was asked for", err)
		}
		found[i] = ok
		by, err := s.ByPrefix(h.Context(), [][]byte{id[:8]})
		if err != nil || (by[0].Count == 1) != ok || ok && by[0].Record.ID() != id {
			h.Fatalf("store %d has record %s: %v; by how its ID begins it finds %+v: %v", i, id, ok, by, err)
		}
	}
	if found[0] != found[1] {
		h.Fatalf("record %s is in the real store: %v, in the simulated: %v", id, found[0], found[1])
	}
}

func (h *histories) parentsFirst(items []lfsync.Item) {
	h.Helper()
	at := make(map[protocol.ID]int)
	for i, it := range items {
		at[it.ID] = i
	}
	for _, r := range h.records {
		for _, link := range r.Links {
			i, is := at[r.ID()]
			if p, ok := at[link]; is && (!ok || p > i) {
				h.Fatalf("record %s is attached before its ancestor %s", r.ID(), link)
			}
		}
	}
}

func ask[T any](t *testing.T, of func(context.Context) (T, error)) T {
	t.Helper()
	v, err := of(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func idsOf(items []lfsync.Item) []protocol.ID {
	ids := make([]protocol.ID, len(items))
	for i, it := range items {
		ids[i] = it.ID
	}
	return ids
}

func sameSet(t *testing.T, what string, real, simulated []protocol.ID) {
	t.Helper()
	a, b := make(map[protocol.ID]bool), make(map[protocol.ID]bool)
	for _, id := range real {
		a[id] = true
	}
	for _, id := range simulated {
		b[id] = true
	}
	if !maps.Equal(a, b) {
		t.Fatalf("%s: the real store says %v, the simulated %v", what, real, simulated)
	}
}
