package runs

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// table keeps runs as a database does: a transaction works on a copy.
type table struct {
	version int64
	runs    map[int]Run
	chunks  map[int64][]byte
	filters map[[2]int][]byte
}

func newTable() *table {
	return &table{runs: map[int]Run{}, chunks: map[int64][]byte{}, filters: map[[2]int][]byte{}}
}

func (t *table) clone() *table {
	return &table{t.version, maps.Clone(t.runs), maps.Clone(t.chunks), maps.Clone(t.filters)}
}

func (t *table) RunsVersion() (int64, error)       { return t.version, nil }
func (t *table) SetRunsVersion(v int64) error      { t.version = v; return nil }
func (t *table) Runs() ([]Run, error)              { return slices.Collect(maps.Values(t.runs)), nil }
func (t *table) PutRun(r Run) error                { t.runs[r.Number] = r; return nil }
func (t *table) DeleteRun(number int) error        { delete(t.runs, number); return nil }
func (t *table) PutChunk(at int64, b []byte) error { t.chunks[at] = slices.Clone(b); return nil }
func (t *table) places() []int64                   { return slices.Sorted(maps.Keys(t.chunks)) }

func (t *table) PutFilter(run, n int, b []byte) error {
	t.filters[[2]int{run, n}] = slices.Clone(b)
	return nil
}

func (t *table) ChunkBefore(place int64) (at int64, b []byte, found bool, err error) {
	for p, c := range t.chunks {
		if p <= place && (!found || p > at) {
			at, b, found = p, c, true
		}
	}
	return at, b, found, nil
}

func (t *table) ChunkFrom(place int64) (at int64, b []byte, found bool, err error) {
	for p, c := range t.chunks {
		if p >= place && (!found || p < at) {
			at, b, found = p, c, true
		}
	}
	return at, b, found, nil
}

func (t *table) DeleteChunks(from, end int64, limit int) (n int, err error) {
	for _, p := range t.places() {
		if p >= from && p < end && n < limit {
			delete(t.chunks, p)
			n++
		}
	}
	return n, nil
}

func (t *table) Filter(run int, read func(n int, piece []byte)) error {
	for k, piece := range t.filters {
		if k[0] == run {
			read(k[1], piece)
		}
	}
	return nil
}

func (t *table) DeleteFilter(run int) error {
	maps.DeleteFunc(t.filters, func(k [2]int, _ []byte) bool { return k[0] == run })
	return nil
}

// hashes are what an index of two kinds is of.
type hashes [2][]uint64

func (h *hashes) clone() *hashes { return &hashes{slices.Clone(h[0]), slices.Clone(h[1])} }

func (h *hashes) source(kind int, first, last uint32, yield func(Entry) error) error {
	for n := first; n <= last; n++ {
		if err := yield(Entry{h[kind][n-1], n}); err != nil {
			return err
		}
	}
	return nil
}

func (h *hashes) last(kind int) (uint32, error) { return uint32(len(h[kind])), nil }

// state is what a transaction sees.
type state struct {
	rows *table
	of   *hashes
}

func (s state) clone() state { return state{s.rows.clone(), s.of.clone()} }

func (s state) view(t fataler, x *Index) *View {
	v, err := x.View(s.rows, s.of.source, s.of.last)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return v
}

type fataler interface {
	Fatalf(format string, args ...any)
	Helper()
}

// find looks up a hash in a state, as a reader of it does.
func (s state) find(t fataler, v *View, kind int, key uint64) (list []uint32) {
	t.Helper()
	if err := v.Find(s.rows, kind, key, func(n uint32) (bool, error) {
		if int(n) <= len(s.of[kind]) && s.of[kind][n-1] == key {
			list = append(list, n)
		}
		return true, nil
	}); err != nil {
		t.Fatalf("%v", err)
	}
	slices.Sort(list)
	return list
}

func (s state) mustFind(t fataler, v *View, keys []uint64) {
	t.Helper()
	for kind := range s.of {
		for _, key := range keys {
			var want []uint32
			for n, have := range s.of[kind] {
				if have == key {
					want = append(want, uint32(n+1))
				}
			}
			if have := s.find(t, v, kind, key); !slices.Equal(have, want) {
				t.Fatalf("%x of kind %d leads to %d, want %d", key, kind, have, want)
			}
		}
	}
}

var smallTuning = Tuning{Recent: 5, Fanout: 2, Rate: 8}

// TestIndex holds an index to a list, over transactions that are committed or undone, restarts, and
// readers of older states. Hashes may be alike, in part or wholly.
func TestIndex(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(rapid.Uint64(), rapid.Map(rapid.Uint64Range(0, 9), func(n uint64) uint64 { return n << 13 }), rapid.Just(^uint64(0)))
		x := New([]int{48, 64}, smallTuning)
		now := state{newTable(), &hashes{}}
		type reader struct {
			state
			*View
		}
		var readers []reader
		keys := []uint64{0, 1 << 20}
		write := func(commit bool) {
			next := now.clone()
			x.Begin(now.view(t, x))
			for range rapid.IntRange(0, 9).Draw(t, "entries") {
				kind, key := rapid.IntRange(0, 1).Draw(t, "kind"), key.Draw(t, "key")
				next.of[kind], keys = append(next.of[kind], key), append(keys, key)
				x.Add(kind, Entry{key, uint32(len(next.of[kind]))})
			}
			next.mustFind(t, x.Head(), keys[max(len(keys)-9, 0):])
			if err := x.Work(next.rows); err != nil {
				t.Fatalf("%v", err)
			}
			next.mustFind(t, x.Head(), keys[max(len(keys)-9, 0):])
			if commit {
				x.Commit()
				now = next
			} else {
				x.Rollback()
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"commit":   func(*rapid.T) { write(true) },
			"more":     func(*rapid.T) { write(true) },
			"rollback": func(*rapid.T) { write(false) },
			"restart":  func(*rapid.T) { x = New([]int{48, 64}, smallTuning) },
			"read":     func(t *rapid.T) { readers = append(readers, reader{now, now.view(t, x)}) },
			"late": func(t *rapid.T) { // a reader that asks only now
				if len(readers) > 0 {
					r := readers[0]
					r.mustFind(t, r.state.view(t, x), keys[max(len(keys)-30, 0):])
				}
			},
			"": func(t *rapid.T) {
				some := append(slices.Clone(keys[:min(len(keys), 4)]), keys[max(len(keys)-12, 0):]...)
				now.mustFind(t, now.view(t, x), some)
				for _, r := range readers {
					r.mustFind(t, r.View, some)
				}
				readers = readers[max(len(readers)-2, 0):]
				if n := len(now.rows.runs); n > 40 {
					t.Fatalf("%d runs of %d and %d entries", n, len(now.of[0]), len(now.of[1]))
				}
			},
		})
	})
}

// grown is an index of some thousand hashes.
func grown(t testing.TB, n int, tuning Tuning) (*Index, state) {
	t.Helper()
	x, s := New([]int{48, 64}, tuning), state{newTable(), &hashes{}}
	for len(s.of[0]) < n {
		v, err := x.View(s.rows, s.of.source, s.of.last)
		if err != nil {
			t.Fatal(err)
		}
		x.Begin(v)
		for range 100 {
			key := mix(uint64(len(s.of[0]) + 1))
			for kind := range s.of {
				s.of[kind] = append(s.of[kind], key)
				x.Add(kind, Entry{key, uint32(len(s.of[kind]))})
			}
		}
		if err := x.Work(s.rows); err != nil {
			t.Fatal(err)
		}
		x.Commit()
	}
	return x, s
}

// TestDamage changes and loses chunks. No look-up finds less than there is without an error; the
// range that is damaged can be made again; and merges wait for that.
func TestDamage(t *testing.T) {
	t.Parallel()
	_, sound := grown(t, 2500, Tuning{Recent: 800, Fanout: 4, Rate: 8})
	places := sound.rows.places()
	kinds := map[string]func(rows *table, at int64){
		"flipped": func(rows *table, at int64) { rows.chunks[at][len(rows.chunks[at])/2] ^= 4 },
		"cut":     func(rows *table, at int64) { rows.chunks[at] = rows.chunks[at][:30] },
		"empty":   func(rows *table, at int64) { rows.chunks[at] = nil },
		"lost":    func(rows *table, at int64) { delete(rows.chunks, at) },
		"swapped": func(rows *table, at int64) { rows.chunks[at] = rows.chunks[places[len(places)-1]] },
	}
	for name, spoil := range kinds {
		for _, at := range []int64{places[0], places[len(places)/2], places[len(places)-2]} {
			s := sound.clone()
			s.rows.chunks[at] = slices.Clone(s.rows.chunks[at])
			spoil(s.rows, at)
			x := New([]int{48, 64}, Tuning{Recent: 800, Fanout: 2, Rate: 8})
			v := s.view(t, x)
			repairAll(t, x, v, s)
			s.mustFind(t, v, s.of[0][:50])
			list, _ := v.Runs(0)
			for _, r := range list {
				n := 0
				if err := v.Check(s.rows, r, func(e Entry, filtered bool) error {
					if n++; !filtered || s.of[0][e.Number-1]>>16 != e.Key>>16 {
						t.Fatalf("%+v, %v", e, filtered)
					}
					return nil
				}); err != nil || n != r.entries() {
					t.Fatalf("%s: %d entries of %d, %v", name, n, r.entries(), err)
				}
			}
		}
	}
}

// repairAll looks up something of every chunk, and repairs what is damaged.
func repairAll(t *testing.T, x *Index, v *View, s state) {
	t.Helper()
	repaired := 0
	for kind := range s.of {
		for i := 0; i < len(s.of[kind]); i += 7 { // some of each chunk
			key, found := s.of[kind][i], false
			look := func() error {
				return v.Find(s.rows, kind, key, func(n uint32) (bool, error) {
					found = found || n == uint32(i+1)
					return true, nil
				})
			}
			var d *DamagedError
			if err := look(); errors.As(err, &d) {
				from, until, broken, err := d.Run.Broken(s.rows, d.At)
				if err != nil || !broken {
					t.Fatal(broken, err)
				}
				var entries []Entry
				if err := s.of.source(kind, d.Run.First, d.Run.Last, func(e Entry) error {
					if e.Key >= from && (until == 0 || e.Key < until) {
						entries = append(entries, e)
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				if there, err := x.Repair(s.rows, d.Run, from, until, entries); !there || err != nil {
					t.Fatal(there, err)
				}
				repaired++
				if err := look(); err != nil {
					t.Fatal(err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if !found {
				t.Fatalf("%x is not found", key)
			}
		}
	}
	if repaired == 0 || repaired > 3 {
		t.Fatalf("%d repairs", repaired)
	}
}

// TestMergeMeetsDamage: records go on being added where a merge meets damage.
func TestMergeMeetsDamage(t *testing.T) {
	t.Parallel()
	x, s := grown(t, 400, Tuning{Recent: 100, Fanout: 5, Rate: 1})
	for at := range s.rows.chunks {
		s.rows.chunks[at] = []byte("rotten")
	}
	for range 4 {
		x.Begin(s.view(t, x))
		for range 100 {
			s.of[0] = append(s.of[0], 7)
			x.Add(0, Entry{7, uint32(len(s.of[0]))})
		}
		if err := x.Work(s.rows); err != nil {
			t.Fatal(err)
		}
		x.Commit()
	}
	if !x.stuck {
		t.Error("a merge went on over damage")
	}
}

// TestIncomplete tells an index that lacks a run.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	_, s := grown(t, 2000, Tuning{Recent: 300, Fanout: 4, Rate: 8})
	for number, r := range s.rows.runs {
		if r.State != Live {
			continue
		}
		cut := s.clone()
		delete(cut.rows.runs, number)
		if _, err := New([]int{48, 64}, DefaultTuning).View(cut.rows, cut.of.source, cut.of.last); !errors.Is(err, ErrIncomplete) && r.Last != lastOf(s, r.Kind) {
			t.Errorf("without run %+v: %v", r, err)
		}
	}
	// A filter that is damaged is made again.
	for k := range s.rows.filters {
		s.rows.filters[k][9] ^= 1
	}
	x := New([]int{48, 64}, DefaultTuning)
	s.mustFind(t, s.view(t, x), s.of[0][:100])
}

// lastOf is the last number that is in a run of a kind.
func lastOf(s state, kind int) (last uint32) {
	for _, r := range s.rows.runs {
		if r.Kind == kind && r.State == Live {
			last = max(last, r.Last)
		}
	}
	return last
}

// FuzzChunk reads chunks that anybody made.
func FuzzChunk(f *testing.F) {
	_, s := grown(f, 2000, Tuning{Recent: 1000, Fanout: 4, Rate: 8})
	for _, b := range s.rows.chunks {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed := slices.Clone(b)
		if len(sealed) >= 4 {
			seal(1<<48, sealed)
		}
		for _, b := range [][]byte{b, sealed} {
			r, err := readChunk(1<<48, b)
			for n := 0; err == nil; n++ {
				var more bool
				if _, more, err = r.entry(); !more {
					break
				}
				if n > len(b) {
					t.Fatal("more entries than bytes")
				}
			}
		}
	})
}

func TestFilter(t *testing.T) {
	t.Parallel()
	f := newFilter(10_000)
	for i := range uint64(10_000) {
		f.add(mix(i) << 16)
	}
	wrong := 0
	for i := range uint64(20_000) {
		has := f.has(mix(i) << 16)
		if i < 10_000 && !has {
			t.Fatal("an entry is not found")
		}
		if i >= 10_000 && has {
			wrong++
		}
	}
	if wrong > 300 {
		t.Errorf("%d of 10,000 absent keys seem to be there", wrong)
	}
}

func BenchmarkFilter(b *testing.B) {
	f := newFilter(1_000_000)
	for i := 0; b.Loop(); i++ {
		f.has(uint64(i) << 16)
	}
}
