package store

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// drawRecords makes a small graph with all that can go wrong in it. It has few names, ordinals,
// owners and times, so that everything meets. There are twins, releases, tombstones, types that are
// never answered, and records older than a link.
func drawRecords(t *rapid.T, w *world) []*protocol.Record {
	var records []*protocol.Record
	known := slices.Clone(w.Genesis())
	for range rapid.IntRange(1, 25).Draw(t, "records") {
		s := spec{
			kind: rapid.SampledFrom([]protocol.Type{
				protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeDatum, protocol.TypeRelease, protocol.TypeCommentary,
			}).Draw(t, "type"),
			owner: rapid.IntRange(0, 2).Draw(t, "owner"),
		}
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(max(0, len(known)-8), len(known)-1), 2, 3, rapid.ID[int]).Draw(t, "links") {
			s.links = append(s.links, known[i])
			s.at = max(s.at, known[i].Timestamp-testTime)
		}
		s.at += rapid.Uint64Range(0, 2).Draw(t, "later")
		if s.at > 0 && rapid.IntRange(0, 15).Draw(t, "stale") == 0 {
			s.at-- // perhaps before a link: then it, and all that builds on it, never attaches
		}
		s.sels = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) sel {
			return sel{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), rapid.Uint64Range(0, 3).Draw(t, "ordinal")}
		}), 1, 4, rapid.ID[sel]).Draw(t, "selectors")
		if s.kind == protocol.TypeDatum && rapid.IntRange(0, 4).Draw(t, "tombstone") > 0 {
			s.value = "v"
		}
		r := w.make(s)
		if r.ID() == (protocol.ID{}) || slices.ContainsFunc(known, func(k *protocol.Record) bool { return k.ID() == r.ID() }) {
			continue
		}
		known, records = append(known, r), append(records, r)
		if rapid.IntRange(0, 5).Draw(t, "twin") == 0 {
			twin := twinOf(r, byte(len(known)))
			known, records = append(known, twin), append(records, twin)
		}
	}
	return records
}

// twinOf is the same signed body with other work. The store does not verify work.
func twinOf(r *protocol.Record, nonce byte) *protocol.Record {
	h := r.Header
	h.Work = &protocol.Work{Nonce: [8]byte{nonce}, Effort: 1}
	twin, err := protocol.NewRecord(h, r.ValueBytes())
	if err != nil {
		panic(err)
	}
	return twin
}

func drawQuery(t *rapid.T, w *world) Query {
	q := Query{
		Open:    rapid.Bool().Draw(t, "open"),
		History: rapid.Bool().Draw(t, "history"),
		Limit:   rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "limit"),
	}
	for range rapid.IntRange(1, 3).Draw(t, "ranges") {
		from := rapid.Uint64Range(0, 3).Draw(t, "from")
		to := rapid.SampledFrom([]uint64{from, from + 1, 3, protocol.MaxOrdinal}).Draw(t, "to")
		q.Where = append(q.Where, w.where(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), from, max(from, to)))
	}
	if rapid.IntRange(0, 3).Draw(t, "timed") == 0 {
		q.Since = testTime + rapid.Uint64Range(0, 10).Draw(t, "since")
	}
	if rapid.IntRange(0, 2).Draw(t, "timed") == 0 {
		q.Until = testTime + rapid.Uint64Range(0, 20).Draw(t, "until")
	}
	if rapid.IntRange(0, 3).Draw(t, "owned") == 0 {
		q.Owners = []protocol.Owner{w.ownerID(rapid.IntRange(0, 3).Draw(t, "of"))}
	}
	return q
}

// shuffled is a random arrival: any order, with some records coming twice.
func shuffled(t *rapid.T, records []*protocol.Record) []*protocol.Record {
	seed := rapid.Uint64().Draw(t, "order")
	rng := rand.New(rand.NewPCG(seed, 0))
	order := append(slices.Clone(records), records[:rng.IntN(len(records))]...)
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// rapidStore opens a store whose directory goes with the rapid case.
func rapidStore(t *rapid.T, w *world, o Options) *Store {
	dir, err := os.MkdirTemp("", "lf-store")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(dir, "lf.db"), w.Network, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := s.Check(context.Background(), func(p string) { t.Error("check:", p) }); err != nil {
			t.Error("check:", err)
		}
		s.Close()
		os.RemoveAll(dir)
	})
	return s
}

func putShuffled(t *rapid.T, s *Store, records []*protocol.Record) {
	for i, r := range shuffled(t, records) {
		if _, err := s.Put(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
		if i%8 == 0 {
			if _, err := s.Check(t.Context(), func(p string) { t.Error("check on the way:", p) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A record that waits for an invalid one waits in vain if that was refused before it came,
	// until somebody sends that again.
	for _, r := range slices.Backward(records) {
		if _, err := s.Put(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// hasty changes its way as early as it can.
var hasty = tuning{selective: 2, seekAfter: 1, rootsCompared: 1, rootsRead: 1, versionsParted: 1, manyClaims: 1, crowded: 1, rankPortion: 1,
	runs: runs.Tuning{Recent: 3, Fanout: 2, Rate: 8}}

// TestModel compares the store with the model: what attaches, what waits, what is missing, and many
// queries. It does so for one order of arrival and then for another.
func TestModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 4 {
		w.owner(i)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{records: drawRecords(t, w)}
		stores := []*Store{rapidStore(t, w, Options{volatile: true}), rapidStore(t, w, Options{volatile: true, tuning: hasty})}
		for _, s := range stores {
			putShuffled(t, s, m.records)
			compareStates(t, w, m, s)
		}
		for range 15 {
			q := drawQuery(t, w)
			for _, s := range stores {
				compareAnswers(t, w, m, s, q)
			}
		}
	})
}

// comparePages follows a page to the end of its list, which must be what one large page has.
func comparePages(t *rapid.T, w *world, m *model, s *Store, q Query, page Answers) {
	var paged []modelAnswer
	whole := q
	whole.Limit = 1000
	for page.More {
		paged = append(paged, idsOfAnswers(q, page)...)
		q.After = &page.Keys[len(page.Keys)-1].Position
		var err error
		if page, err = s.Query(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	paged = append(paged, idsOfAnswers(q, page)...)
	if want, _ := m.query(w, whole); !equalAnswers(paged, want) {
		t.Fatalf("query %+v, all pages\n have %+v\n want %+v", q, paged, want)
	}
}

func compareStates(t *rapid.T, w *world, m *model, s *Store) {
	attached, waiting := m.attached(w), m.waiting(w)
	wanted := map[protocol.ID]bool{}
	for _, r := range m.records {
		_, info, err := s.Get(t.Context(), r.ID())
		want := State(0)
		switch {
		case attached[r.ID()] != nil:
			want = Attached
		case waiting[r.ID()]:
			want = Pending
			for _, l := range r.Links {
				if attached[l] == nil && !waiting[l] {
					wanted[l] = true
				}
			}
		}
		if info.State != want || (err != nil) != (want == 0) {
			t.Fatalf("record %s is %v (%v), want %v", r.ID(), info.State, err, want)
		}
	}
	missing, err := s.Missing(t.Context(), 100)
	if err != nil || len(missing) != len(wanted) || slices.ContainsFunc(missing, func(id protocol.ID) bool { return !wanted[id] }) {
		t.Fatalf("missing %v (%v), want %v", missing, err, wanted)
	}
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Attached != uint64(len(attached)) || stats.Pending != uint64(len(waiting)) {
		t.Fatalf("%+v (%v), want %d attached and %d pending", stats, err, len(attached), len(waiting))
	}
}
