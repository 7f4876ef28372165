package runs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// table keeps runs as a database does: a transaction works on a copy.
type table struct {
	version int64
	runs    map[int]Run
	chunks  map[[2]int][]byte
	heads   map[[2]int][]byte
}

func newTable() *table {
	return &table{runs: map[int]Run{}, chunks: map[[2]int][]byte{}, heads: map[[2]int][]byte{}}
}

func (t *table) clone() *table {
	return &table{t.version, maps.Clone(t.runs), maps.Clone(t.chunks), maps.Clone(t.heads)}
}

func (t *table) RunsVersion() (int64, error)      { return t.version, nil }
func (t *table) SetRunsVersion(v int64) error     { t.version = v; return nil }
func (t *table) Runs() ([]Run, error)             { return slices.Collect(maps.Values(t.runs)), nil }
func (t *table) PutRun(r Run) error               { t.runs[r.Number] = r; return nil }
func (t *table) DeleteRun(number int) error       { delete(t.runs, number); return nil }
func (t *table) Chunk(run, n int) ([]byte, error) { return t.chunks[[2]int{run, n}], nil }

func (t *table) PutChunk(run, n int, b []byte) error {
	t.chunks[[2]int{run, n}] = slices.Clone(b)
	return nil
}

func (t *table) PutHead(run, n int, b []byte) error {
	t.heads[[2]int{run, n}] = slices.Clone(b)
	return nil
}

func byPlace(a, b [2]int) int { return slices.Compare(a[:], b[:]) }

func (t *table) places() [][2]int { return slices.SortedFunc(maps.Keys(t.chunks), byPlace) }

func (t *table) DeleteChunks(run, limit int) (n int, err error) {
	for _, p := range t.places() {
		if p[0] == run && n < limit {
			delete(t.chunks, p)
			n++
		}
	}
	return n, nil
}

func (t *table) Head(run int, read func(n int, piece []byte)) error {
	for _, p := range slices.SortedFunc(maps.Keys(t.heads), byPlace) {
		if p[0] == run {
			read(p[1], t.heads[p])
		}
	}
	return nil
}

func (t *table) DeleteHead(run int) error {
	maps.DeleteFunc(t.heads, func(p [2]int, _ []byte) bool { return p[0] == run })
	return nil
}

// testKinds are numbered hashes, rows with the newest first, and rows that several records have.
var testKinds = []Kind{
	{Name: "hashes", Key: 6, Tail: Ascending},
	{Name: "times", Key: 8, Tail: Descending},
	{Name: "names", Key: 8},
}

// state is what a transaction sees: the tables, and the records with their rows by kind.
type state struct {
	*table
	records [][3][][]byte
	damaged *int
}

func newState() state { return state{table: newTable(), damaged: new(int)} }

func (s state) clone() state { return state{s.table.clone(), slices.Clone(s.records), s.damaged} }

func (s state) Last(int) (uint32, error) { return uint32(len(s.records)), nil }
func (s state) Damaged(*DamagedError)    { *s.damaged++ }

func (s state) Context() context.Context { return context.Background() }

func (s state) Derive(kinds []int, first, last uint32, yield func(kind int, number uint32, row []byte) error) error {
	for n := first; n <= last; n++ {
		for _, kind := range kinds {
			for _, row := range s.records[n-1][kind] {
				if err := yield(kind, n, bytes.Clone(row)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

type fataler interface {
	Fatalf(format string, args ...any)
	Helper()
}

func (s state) view(t fataler, x *Index) *View {
	t.Helper()
	v, err := x.View(s)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return v
}

// put has the writer add a record.
func (s *state) put(x *Index, rows [3][][]byte) {
	s.records = append(s.records, rows)
	for kind, list := range rows {
		for _, row := range list {
			x.Add(kind, uint32(len(s.records)), bytes.Clone(row))
		}
	}
}

// all returns the rows of a kind in a range, by looking at all records.
func (s state) all(kind int, r Range) (list [][]byte) {
	for _, of := range s.records {
		for _, row := range of[kind] {
			if bytes.HasPrefix(row, r.Prefix) && bytes.Compare(row, r.From) >= 0 && (r.To == nil || bytes.Compare(row, r.To) < 0) {
				list = append(list, row)
			}
		}
	}
	slices.SortFunc(list, bytes.Compare)
	return slices.CompactFunc(list, bytes.Equal)
}

// scan returns the rows in a range as the index has them.
func (s state) scan(t fataler, v *View, kind int, r Range) (list [][]byte) {
	t.Helper()
	c, err := v.Scan(s, kind, r, uint32(len(s.records)))
	for err == nil {
		var row []byte
		var more bool
		if row, more, err = c.Next(); !more {
			break
		}
		list = append(list, bytes.Clone(row))
	}
	if err != nil {
		t.Fatalf("%v", err)
	}
	return list
}

func (s state) mustScan(t fataler, v *View, kind int, r Range) {
	t.Helper()
	if have, want := s.scan(t, v, kind, r), s.all(kind, r); !slices.EqualFunc(have, want, bytes.Equal) {
		t.Fatalf("rows of %s in %x: %x, want %x", testKinds[kind].Name, r, have, want)
	}
}

// mustEndWith looks for the last row in a range.
func (s state) mustEndWith(t fataler, v *View, kind int, r Range) {
	t.Helper()
	var want []byte
	if all := s.all(kind, r); len(all) > 0 {
		want = all[len(all)-1]
	}
	if have, err := v.Last(s, kind, r, uint32(len(s.records))); err != nil || !bytes.Equal(have, want) {
		t.Fatalf("the last row of %s in %x: %x, want %x, %v", testKinds[kind].Name, r, have, want, err)
	}
}

// rowsOf makes the rows of a record of some names.
func rowsOf(number int, hash, owner, time uint64, names ...string) (rows [3][][]byte) {
	b := binary.BigEndian.AppendUint64(nil, hash)[:6]
	rows[0] = [][]byte{Ascending.AppendNumber(b, uint32(number))}
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, owner), ^time)
	rows[1] = [][]byte{Descending.AppendNumber(b, uint32(number))}
	for _, name := range names {
		rows[2] = append(rows[2], []byte(name))
	}
	return rows
}

var smallTuning = Tuning{Recent: 5, Fanout: 2, Rate: 8}

// TestIndex holds an index to a list, over transactions that are committed or undone, restarts, and
// readers of older states. Keys may be alike, in part or wholly, and rows equal.
func TestIndex(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hash := rapid.OneOf(rapid.Uint64(), rapid.Map(rapid.Uint64Range(0, 9), func(n uint64) uint64 { return n << 13 }), rapid.Just(^uint64(0)))
		name := rapid.OneOf(rapid.StringMatching("[ab]{1,12}"), rapid.StringMatching("aaaaaaaa[abc]{0,40}"))
		x, now := New(testKinds, smallTuning), newState()
		type reader struct {
			state
			*View
		}
		var readers []reader
		bound := func() []byte {
			if n := len(now.records); n > 0 && rapid.Bool().Draw(t, "known") {
				list := now.records[rapid.IntRange(0, n-1).Draw(t, "record")][rapid.IntRange(0, 2).Draw(t, "kind")]
				if len(list) > 0 {
					row := list[rapid.IntRange(0, len(list)-1).Draw(t, "row")]
					return row[:rapid.IntRange(0, len(row)).Draw(t, "part")]
				}
			}
			return []byte(name.Draw(t, "bound"))
		}
		look := func(s state, v *View) {
			r := Range{From: bound()}
			if rapid.Bool().Draw(t, "prefix") {
				r.Prefix = bound()
			}
			if rapid.Bool().Draw(t, "to") {
				r.To = bound()
			}
			for kind := range testKinds {
				s.mustScan(t, v, kind, r)
				s.mustScan(t, v, kind, Range{})
				s.mustEndWith(t, v, kind, r)
				s.mustEndWith(t, v, kind, Range{Prefix: r.Prefix})
				row := bound()
				if has, err := v.Has(s, kind, row, uint32(len(s.records))); err != nil || has != (len(s.all(kind, Range{From: row, To: append(slices.Clip(row), 0)})) > 0) {
					t.Fatalf("%x of kind %d: %v, %v", row, kind, has, err)
				}
			}
		}
		write := func(commit bool) {
			next := now.clone()
			x.Begin(now.view(t, x))
			for range rapid.IntRange(0, 9).Draw(t, "records") {
				next.put(x, rowsOf(len(next.records)+1, hash.Draw(t, "hash"), rapid.Uint64Range(0, 2).Draw(t, "owner"), hash.Draw(t, "time"),
					rapid.SliceOfN(name, 0, 3).Draw(t, "names")...))
			}
			look(next, x.Head())
			if err := x.Work(next, uint32(len(next.records))); err != nil {
				t.Fatalf("%v", err)
			}
			look(next, x.Head())
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
			"restart":  func(*rapid.T) { x = New(testKinds, smallTuning) },
			"flush": func(t *rapid.T) {
				next := now.clone()
				x.Begin(now.view(t, x))
				if err := x.Flush(next, uint32(len(next.records))); err != nil {
					t.Fatalf("%v", err)
				}
				x.Commit()
				now = next
			},
			"read": func(t *rapid.T) { readers = append(readers, reader{now, now.view(t, x)}) },
			"late": func(t *rapid.T) { // a reader that asks only now
				if len(readers) > 0 {
					look(readers[0].state, readers[0].state.view(t, x))
				}
			},
			"": func(t *rapid.T) {
				look(now, now.view(t, x))
				for _, r := range readers {
					look(r.state, r.View)
				}
				readers = readers[max(len(readers)-2, 0):]
				if n := len(now.runs); n > 60 {
					t.Fatalf("%d runs of %d records", n, len(now.records))
				}
				if *now.damaged > 0 {
					t.Fatalf("%d times something was damaged", *now.damaged)
				}
			},
		})
	})
}

// grown is an index of some thousand records.
func grown(t testing.TB, n int, tuning Tuning) (*Index, state) {
	t.Helper()
	x, s := New(testKinds, tuning), newState()
	random := rand.New(rand.NewPCG(1, 2))
	for len(s.records) < n {
		v, err := x.View(s)
		if err != nil {
			t.Fatal(err)
		}
		x.Begin(v)
		for range 100 {
			name := binary.BigEndian.AppendUint64([]byte("name"), mix(random.Uint64N(uint64(n))))
			s.put(x, rowsOf(len(s.records)+1, random.Uint64(), random.Uint64N(30), 1<<40+uint64(len(s.records)), string(name)))
		}
		if err := x.Work(s, uint32(len(s.records))); err != nil {
			t.Fatal(err)
		}
		x.Commit()
	}
	return x, s
}

var damageTuning = Tuning{Recent: 800, Fanout: 4, Rate: 8}

// mustHaveAll compares all rows of all kinds with those of the records, some keys one by one.
func (s state) mustHaveAll(t testing.TB, v *View) {
	t.Helper()
	for kind := range testKinds {
		s.mustScan(t, v, kind, Range{})
		s.mustEndWith(t, v, kind, Range{})
		for n := 0; n < len(s.records); n += 41 {
			row := s.records[n][kind][0]
			s.mustScan(t, v, kind, Range{Prefix: row[:testKinds[kind].Key]})
			s.mustEndWith(t, v, kind, Range{Prefix: row[:testKinds[kind].Key]})
			if has, err := v.Has(s, kind, row, All); err != nil || !has {
				t.Fatalf("%x: %v", row, err)
			}
		}
	}
}

// mustBeSound checks all runs row by row.
func (s state) mustBeSound(t testing.TB, v *View) {
	t.Helper()
	for kind := range testKinds {
		list, _ := v.Runs(kind)
		for _, r := range list {
			n := 0
			if err := v.Check(s, r, func(row []byte, found bool) error {
				if n++; !found {
					t.Fatalf("%x of run %+v is not found", row, r)
				}
				return nil
			}); err != nil || n != r.Rows {
				t.Fatalf("%d rows of run %+v, %v", n, r, err)
			}
			for n := range r.Chunks {
				if sound, err := v.index.IsSound(s, r, n); err != nil || !sound {
					t.Fatalf("chunk %d of %+v, %v", n, r, err)
				}
			}
		}
	}
}

// TestDamage changes and loses chunks. Every answer is whole all the same, damage is told, and the
// chunk can be written again.
func TestDamage(t *testing.T) {
	t.Parallel()
	_, sound := grown(t, 2500, damageTuning)
	places := sound.places()
	kinds := map[string]func(rows *table, at [2]int){
		"flipped": func(rows *table, at [2]int) { rows.chunks[at][len(rows.chunks[at])/2] ^= 4 },
		"cut":     func(rows *table, at [2]int) { rows.chunks[at] = rows.chunks[at][:30] },
		"empty":   func(rows *table, at [2]int) { rows.chunks[at] = nil },
		"lost":    func(rows *table, at [2]int) { delete(rows.chunks, at) },
		"swapped": func(rows *table, at [2]int) { rows.chunks[at] = rows.chunks[places[len(places)-1]] },
	}
	for name, spoil := range kinds {
		for _, at := range [][2]int{places[0], places[len(places)/2], places[len(places)-2]} {
			s := sound.clone()
			s.damaged = new(int)
			s.chunks[at] = slices.Clone(s.chunks[at])
			spoil(s.table, at)
			x := New(testKinds, damageTuning)
			v := s.view(t, x)
			s.mustHaveAll(t, v)
			if *s.damaged != 1 {
				t.Errorf("%s: damage was told %d times", name, *s.damaged)
			}
			x.Begin(v)
			for _, r := range s.runs {
				for n := range r.Chunks {
					if sound, err := x.IsSound(s, r, n); err != nil || sound == ([2]int{r.Number, n} == at) {
						t.Fatal(name, r, n, err)
					}
				}
			}
			if err := errors.Join(v.Prepare(s, s.runs[at[0]], at[1]), x.Rewrite(s, s.runs[at[0]], at[1])); err != nil {
				t.Fatal(err)
			}
			x.Commit()
			if !bytes.Equal(s.chunks[at], sound.chunks[at]) {
				t.Errorf("%s: the chunk is not as it was", name)
			}
			s.mustBeSound(t, s.view(t, New(testKinds, damageTuning)))
		}
	}
}

// TestMend indexes records some rows of which are not known yet, and has others that are wrong.
// Mended one by one, the index is as if it had been right.
func TestMend(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		right := smallState(60)
		wrong := right.clone()
		type lack struct{ n, kind int }
		var lacks []lack
		for range rapid.IntRange(1, 12).Draw(t, "wrong") {
			l := lack{rapid.IntRange(0, len(right.records)-1).Draw(t, "record"), rapid.IntRange(0, 2).Draw(t, "kind")}
			if rapid.Bool().Draw(t, "lost") {
				wrong.records[l.n][l.kind] = nil
			} else {
				wrong.records[l.n][l.kind] = append(slices.Clone(wrong.records[l.n][l.kind]), wrongRow(l.n, l.kind))
			}
			lacks = append(lacks, l)
		}
		s := newState()
		x := New(testKinds, smallTuning)
		for _, rows := range wrong.records {
			x.Begin(s.view(t, x))
			s.put(x, rows)
			if err := x.Work(s, uint32(len(s.records))); err != nil {
				t.Fatalf("%v", err)
			}
			x.Commit()
		}
		if rapid.Bool().Draw(t, "restart") {
			x = New(testKinds, smallTuning)
		}
		undone := s.clone()
		mend := func(s state) {
			x.Begin(s.view(t, x))
			for _, l := range lacks {
				if err := x.Drop(s, l.kind, wrongRow(l.n, l.kind)); err != nil {
					t.Fatalf("%v", err)
				}
				for _, row := range right.records[l.n][l.kind] {
					if err := x.Put(s, l.kind, uint32(l.n+1), bytes.Clone(row)); err != nil {
						t.Fatalf("%v", err)
					}
				}
			}
		}
		mend(undone)
		x.Rollback()
		for kind := range testKinds {
			s.mustScan(t, s.view(t, x), kind, Range{})
		}
		mend(s)
		s.records = right.records
		if err := x.Work(s, uint32(len(s.records))); err != nil {
			t.Fatalf("%v", err)
		}
		x.Commit()
		for _, x := range []*Index{x, New(testKinds, smallTuning)} {
			v := s.view(t, x)
			for kind := range testKinds {
				s.mustScan(t, v, kind, Range{})
				for _, of := range s.records {
					for _, row := range of[kind] {
						s.mustScan(t, v, kind, Range{Prefix: row})
					}
				}
			}
		}
	})
}

func wrongRow(n, kind int) []byte {
	row := []byte("a wrong row of some length")
	if tail := testKinds[kind].Tail; tail != Bytes {
		row = tail.AppendNumber(row, uint32(n+1))
	}
	return row
}

// smallState has a few records, and no index.
func smallState(n int) state {
	s := newState()
	for i := range n {
		name := binary.BigEndian.AppendUint64(nil, mix(uint64(i)+1))
		s.records = append(s.records, rowsOf(i+1, mix(uint64(i)), uint64(i%3), uint64(i), string(name)))
	}
	return s
}

// TestMergeMeetsDamage: records go on being added where a merge meets damage, which is told. After
// a repair merges go on.
func TestMergeMeetsDamage(t *testing.T) {
	t.Parallel()
	x, s := grown(t, 400, Tuning{Recent: 100, Fanout: 5, Rate: 1})
	for at := range s.chunks {
		s.chunks[at] = []byte("rotten")
	}
	add := func() {
		x.Begin(s.view(t, x))
		for range 100 {
			n := len(s.records) + 1
			s.put(x, rowsOf(n, 7, 7, uint64(n), "name"))
		}
		if err := x.Work(s, uint32(len(s.records))); err != nil {
			t.Fatal(err)
		}
		x.Commit()
	}
	for range 4 {
		add()
	}
	if !x.stuck || *s.damaged == 0 {
		t.Error("a merge went on over damage")
	}
	x.Begin(s.view(t, x))
	for _, r := range s.runs {
		for n := range r.Chunks {
			if sound, _ := x.IsSound(s, r, n); sound {
				continue
			}
			if err := x.Rewrite(s, r, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	x.Commit()
	runs := len(s.runs)
	x.tuning.Rate = 20
	for range 20 {
		add()
	}
	if x.stuck || len(s.runs) > runs+20 {
		t.Errorf("%d runs, before %d: merges do not go on", len(s.runs), runs)
	}
	s.mustHaveAll(t, s.view(t, x))
}

// TestIncomplete tells an index that lacks a run.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	_, s := grown(t, 2000, Tuning{Recent: 300, Fanout: 4, Rate: 8})
	for number, r := range s.runs {
		if r.State != Live {
			continue
		}
		cut := s.clone()
		delete(cut.runs, number)
		_, err := New(testKinds, DefaultTuning).View(cut)
		if last := s.runs[number].Last == lastOf(s, r.Kind); last != (err == nil) || !last && !errors.Is(err, ErrIncomplete) {
			t.Errorf("without run %+v: %v", r, err)
		}
		for _, spoil := range []func(*Run){
			func(r *Run) { r.First++ }, func(r *Run) { r.Last++ }, func(r *Run) { r.Last = 1 << 31 }, func(r *Run) { r.Kind = 3 },
			func(r *Run) { r.Blocks = 1 << 40 }, func(r *Run) { r.Chunks = 1 << 40 }, func(r *Run) { r.Chunks-- }, func(r *Run) { r.Chunks++ },
		} {
			r, spoilt := r, s.clone()
			spoil(&r)
			spoilt.runs[number] = r
			if _, err := New(testKinds, DefaultTuning).View(spoilt); !errors.Is(err, ErrIncomplete) {
				t.Errorf("with run %+v: %v", r, err)
			}
		}
	}
	// A head that is damaged is made again.
	for k := range s.heads {
		s.heads[k][9] ^= 1
	}
	v := s.view(t, New(testKinds, DefaultTuning))
	s.mustHaveAll(t, v)
	s.mustBeSound(t, v)
}

// lastOf is the last record that is in a run of a kind.
func lastOf(s state, kind int) (last uint32) {
	for _, r := range s.runs {
		if r.Kind == kind && r.State == Live {
			last = max(last, r.Last)
		}
	}
	return last
}

// TestInMemory derives what the tables lack.
func TestInMemory(t *testing.T) {
	t.Parallel()
	_, s := grown(t, 1000, Tuning{Recent: 300, Fanout: 4, Rate: 8})
	clear(s.runs)
	x := New(testKinds, DefaultTuning)
	v, err := x.InMemory(s)
	if err != nil {
		t.Fatal(err)
	}
	s.mustHaveAll(t, v)
}

// TestSeek goes to each row of a chunk, to what is before and after it, and on from there. It finds
// what a walk over all rows finds.
func TestSeek(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// few letters, so that rows have much in common
		body := rapid.SliceOfN(rapid.ByteRange('a', 'c'), 1, 20)
		drawn := rapid.SliceOfNDistinct(body, 1, 60, func(b []byte) string { return string(b) }).Draw(t, "rows")
		slices.SortFunc(drawn, bytes.Compare)
		run := Run{Number: 1, First: 1, Last: 999}
		var chunk []byte
		w := newChunkWriter(&run, Ascending, func(_ int, b []byte) error { chunk = slices.Clone(b); return nil })
		var rows [][]byte
		for i, b := range drawn {
			rows = append(rows, Ascending.AppendNumber(slices.Clone(b), uint32(i+1)))
		}
		slices.SortFunc(rows, bytes.Compare)
		for _, row := range rows {
			if err := w.add(row); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		wanted := append(rapid.SliceOfN(body, 1, 9).Draw(t, "others"), rows...)
		for _, row := range wanted {
			c, err := readChunk(&run, 0, Ascending, chunk)
			if err != nil {
				t.Fatal(err)
			}
			at, _ := slices.BinarySearchFunc(rows, row, bytes.Compare)
			more, err := c.seek(row)
			for ; more && err == nil; at++ {
				if at == len(rows) || !bytes.Equal(c.row, rows[at]) {
					t.Fatalf("from %q on: row %d is %q", row, at, c.row)
				}
				more, err = c.next()
			}
			if err != nil || at != len(rows) {
				t.Fatalf("from %q on: it ends at %d of %d, %v", row, at, len(rows), err)
			}
		}
	})
}

// FuzzChunk reads chunks that anybody made.
func FuzzChunk(f *testing.F) {
	_, s := grown(f, 2000, Tuning{Recent: 1000, Fanout: 4, Rate: 8})
	for _, b := range s.chunks {
		f.Add(b, []byte("name"))
	}
	f.Fuzz(func(t *testing.T, b, row []byte) {
		run := Run{Number: 1, First: 1, Last: 99}
		sealed := slices.Clone(b)
		if len(sealed) >= 4 {
			seal(run.place(0), sealed)
		}
		for _, b := range [][]byte{b, sealed} {
			for _, tail := range []Tail{Bytes, Ascending, Descending} {
				c, err := readChunk(&run, 0, tail, b)
				if err == nil {
					seeker := c
					_, _ = seeker.seek(row)
				}
				for n := 0; err == nil; n++ {
					var more bool
					if more, err = c.next(); !more {
						break
					}
					if n > len(b) {
						t.Fatal("more rows than bytes")
					}
				}
			}
		}
	})
}

// TestFences reads fences that are cut or changed.
func TestFences(t *testing.T) {
	t.Parallel()
	var f fences
	for _, fence := range []string{"", "b", "bb", "d"} {
		f.add([]byte(fence))
	}
	for row, want := range map[string]int{"": 0, "a": 0, "b": 1, "ba": 1, "bb": 2, "c": 2, "d": 3, "z": 3} {
		if n := f.find([]byte(row)); n != want || !f.has(n, []byte(row)) || f.has(n+1-2*(n&1), []byte(row)) {
			t.Errorf("%q is in chunk %d, want %d", row, n, want)
		}
	}
	b := f.appendTo(nil)
	for n := range b {
		if (&fences{}).read(b[:n], f.len()) {
			t.Errorf("%d bytes of %d are read", n, len(b))
		}
	}
	if !(&fences{}).read(b, f.len()) || (&fences{}).read(b, f.len()+1) || (&fences{}).read(b, f.len()-1) {
		t.Error("fences are read that are too many or too few")
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*filter{"exact": newFilter(10_000), "folded": foldable(75_000)} {
		for i := range uint64(10_000) {
			f.add(mix(i) << 16)
		}
		f.fold(10_000)
		wrong := 0
		for i := range uint64(20_000) {
			has := f.has(mix(i) << 16)
			if i < 10_000 && !has {
				t.Fatal("a key is not found")
			}
			if i >= 10_000 && has {
				wrong++
			}
		}
		if wrong > 300 || len(f.words) > 2*len(newFilter(10_000).words) {
			t.Errorf("%s: %d of 10,000 absent keys seem to be there, in %d words", name, wrong, len(f.words))
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	f := newFilter(1_000_000)
	for i := 0; b.Loop(); i++ {
		f.has(uint64(i) << 16)
	}
}

// BenchmarkIndex adds records, and looks up keys that are there.
func BenchmarkIndex(b *testing.B) {
	b.Run("add", func(b *testing.B) {
		grown(b, b.N, DefaultTuning)
	})
	x, s := grown(b, 300_000, DefaultTuning)
	v := s.view(b, x)
	for kind := range testKinds {
		b.Run(testKinds[kind].Name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if has, err := v.Has(s, kind, s.records[i*7919%len(s.records)][kind][0], All); err != nil || !has {
					b.Fatal(has, err)
				}
			}
		})
	}
}

// slowRows derives when it is told to, and counts how often.
type slowRows struct {
	state
	ctx     context.Context
	derived *atomic.Int32
	begin   chan struct{}
}

func (s slowRows) Context() context.Context { return s.ctx }

func (s slowRows) Derive(kinds []int, first, last uint32, yield func(kind int, number uint32, row []byte) error) error {
	s.derived.Add(1)
	<-s.begin
	return s.state.Derive(kinds, first, last, yield)
}

// TestDeriveOnce has several readers meet a damaged chunk at once. One derives its rows. Another
// one gives up waiting.
func TestDeriveOnce(t *testing.T) {
	t.Parallel()
	x, s := grown(t, 1000, damageTuning)
	v := s.view(t, x)
	run := v.sets[0].runs[0].Run
	s.chunks[[2]int{run.Number, 0}][7] ^= 1
	ctx, giveUp := context.WithCancel(t.Context())
	slow := slowRows{s, t.Context(), new(atomic.Int32), make(chan struct{})}
	impatient := slow
	impatient.ctx = ctx
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := v.Prepare(slow, run, 0); err != nil {
				t.Error(err)
			}
		})
	}
	for slow.derived.Load() == 0 {
		runtime.Gosched()
	}
	giveUp()
	if err := v.Prepare(impatient, run, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	close(slow.begin)
	all.Wait()
	if n := slow.derived.Load(); n != 1 {
		t.Errorf("derived %d times", n)
	}
}

// BenchmarkMerge merges eight runs of hashes: what a row costs without the database.
func BenchmarkMerge(b *testing.B) {
	const rows = 160_000
	x, s := grown(b, rows, Tuning{Recent: rows / 8, Fanout: 8, Rate: 0})
	x.Begin(s.view(b, x))
	merged := 0
	for b.Loop() {
		if begun, err := x.beginMerge(s); err != nil || !begun {
			b.Fatal(begun, err)
		}
		done, err := x.merge.step(s, rows)
		if err != nil {
			b.Fatal(err)
		}
		merged += done
		x.abandon()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(merged), "ns/row")
	b.ReportMetric(0, "ns/op")
}
