package store

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// mustReadAll gets all records but those left out, and each as it was.
func (f *rotten) mustReadAll(t testing.TB, s *Store, but ...int64) {
	t.Helper()
	for i, want := range f.records[1:] {
		r, _, err := s.Get(t.Context(), want.ID())
		if damaged := slices.Contains(but, int64(i)+1); damaged != isDamaged(err, want.ID(), true) {
			t.Errorf("record %d: %v", i+1, err)
		} else if !damaged && (err != nil || !bytes.Equal(r.EncodeFrame(), want.EncodeFrame())) {
			t.Errorf("record %d: %v", i+1, err)
		}
	}
}

// TestDamagedReferences damages what records are unpacked with. They are read all the same, the set
// stays what it is, and the scrub mends what is damaged.
func TestDamagedReferences(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for _, sql := range []string{
		"UPDATE dictionary SET word = zeroblob(32)", "UPDATE dictionary SET word = x'00'", "UPDATE dictionary SET word = (SELECT word FROM dictionary WHERE number = 1)",
		"UPDATE dag SET id = zeroblob(32)", "UPDATE dag SET id = x'00'", "UPDATE dag SET id = (SELECT id FROM dag WHERE idx = 4)",
		"UPDATE dag SET timestamp = timestamp + 3", "UPDATE dag SET timestamp = 0", "UPDATE dag SET sum = 5",
		"UPDATE dag SET id = zeroblob(32), timestamp = 0; UPDATE dictionary SET word = zeroblob(32)",
		// the checksums know the IDs
		"DELETE FROM run_chunks; UPDATE dag SET id = zeroblob(32) WHERE idx > 5",
	} {
		t.Run(sql, func(t *testing.T) {
			s, _ := f.open(t, sql)
			if items := scanned(t, s); !slices.Equal(unnumbered(items), itemsOf(f.records[1:])) {
				t.Errorf("the set has changed: %v", items)
			}
			if sql[0] != 'D' { // without the index of IDs no record is found by its own
				f.mustReadAll(t, s)
			}
			for range 2 {
				scrubAll(t, s, scrubbed{})
			}
			f.mustReadAll(t, s)
			if d := s.Damage(); len(d.Records) > 0 || d.Rows == 0 {
				t.Errorf("%+v", d)
			}
			mustBeSound(t, s)
		})
	}
}

// TestLostWords loses the words. One record from a peer brings back those that it needs, and with
// them the others that need no more.
func TestLostWords(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	s, _ := f.open(t, "DELETE FROM dictionary")
	lost := func() (lost []int64) {
		for i, r := range f.records[1:] {
			if _, _, err := s.Get(t.Context(), r.ID()); asDamaged(err) != nil {
				lost = append(lost, int64(i)+1)
			}
		}
		return lost
	}
	before := lost()
	repair := func(idx int64) {
		if repaired, err := s.Repair(t.Context(), f.records[idx]); !repaired || err != nil {
			t.Fatal(idx, repaired, err)
		}
	}
	repair(f.index(t, "value 5"))
	after := lost()
	if len(before) < 12 || len(after) > len(before)-10 || slices.Contains(after, f.index(t, "value 5")+1) {
		t.Errorf("%v were lost, and %v after one was repaired", before, after)
	}
	for _, idx := range after {
		if slices.Contains(lost(), idx) {
			repair(idx)
		}
	}
	// The others are sound again: a peer's copy is not needed, and the scrub notices it.
	sound := f.records[f.index(t, "value 5")+1]
	known := len(s.Damage().Records)
	if repaired, err := s.Repair(t.Context(), sound); repaired || err != nil || len(s.Damage().Records) != known-1 {
		t.Errorf("%v, %v, %d of %d are still called damaged", repaired, err, len(s.Damage().Records), known)
	}
	scrubAll(t, s, scrubbed{})
	if d := s.Damage(); len(d.Records) > 0 {
		t.Errorf("%+v", d)
	}
	f.mustReadAll(t, s)
	mustBeSound(t, s)
}

// TestDamagedSource damages the record that has a word written out: those that use the word too are
// read by the dictionary.
func TestDamagedSource(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for _, name := range []string{"old", "given up"} {
		idx := f.index(t, name)
		s, _ := f.open(t, fmt.Sprintf("UPDATE records SET header = zeroblob(300) WHERE idx = %d", idx))
		f.mustReadAll(t, s, idx)
	}
}

// TestReferencesProperty overwrites random bytes in rows, IDs, times, checksums and words. Each
// record is then read as it was, or is said to be damaged, and never another one. After the scrub,
// and with what peers have, all are sound.
func TestReferencesProperty(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	sound, _ := f.open(t)
	columns := []string{"records.header", "records.value", "dag.id", "dag.timestamp", "dag.sum", "dictionary.word", "dictionary.source",
		"graph_blocks.ids", "graph_blocks.times", "graph_blocks.nodes", "record_blocks.sizes", "record_blocks.bytes"}
	rapid.Check(t, func(rt *rapid.T) {
		var sql []string
		for range rapid.IntRange(1, 6).Draw(rt, "rows") {
			sql = append(sql, drawDamage(rt, sound, rapid.SampledFrom(columns).Draw(rt, "column")))
		}
		s, _ := f.open(t, sql...)
		defer s.Close()
		for i := range 3 {
			for _, want := range f.records[1:] {
				r, _, err := s.Get(t.Context(), want.ID())
				if asDamaged(err) == nil && (err != nil || !bytes.Equal(r.EncodeFrame(), want.EncodeFrame())) {
					rt.Fatalf("after %q: %v", sql, err)
				}
				if i > 0 && asDamaged(err) != nil {
					if _, err := s.Repair(t.Context(), want); err != nil {
						rt.Fatalf("after %q: %v", sql, err)
					}
				}
			}
			scrubAll(t, s, scrubbed{})
		}
		for _, want := range f.records[1:] {
			if _, _, err := s.Get(t.Context(), want.ID()); err != nil {
				rt.Fatalf("after %q and repairs: %v", sql, err)
			}
		}
		if !slices.Equal(unnumbered(scanned(t, s)), itemsOf(f.records[1:])) {
			rt.Fatalf("after %q: the set has changed", sql)
		}
	})
}

// drawDamage changes a column of one row: a bit of a number, or bytes.
func drawDamage(rt *rapid.T, s *Store, column string) string {
	table, name, _ := strings.Cut(column, ".")
	key := "idx"
	switch table {
	case "dictionary", "runs":
		key = "number"
	case "run_chunks", "run_heads":
		key = "place"
	case "graph_blocks", "record_blocks":
		key = "first"
	}
	var keys []int64
	var have []byte
	row := int64(0)
	if err := s.read(rt.Context(), func(c *conn) (err error) {
		if aboutRows.MatchString(table) {
			row = rapid.Int64Range(1, int64(c.dag.Len())).Draw(rt, "row")
			s, _, err := c.stored(row)
			have = map[string][]byte{"header": s.header, "value": s.value, "id": s.id}[name]
			return err
		}
		if keys, err = c.numbers("SELECT " + key + " FROM " + table); err != nil {
			return err
		}
		row = rapid.SampledFrom(keys).Draw(rt, "row")
		_, err = c.one(func(r *rows) { have = bytes.Clone(r.blob(0)) }, "SELECT "+name+" FROM "+table+" WHERE "+key+" = ?", row)
		return err
	}); err != nil {
		rt.Fatal(err)
	}
	if len(have) == 0 { // a number, or no value
		return fmt.Sprintf("UPDATE %s SET %s = %s + %d WHERE %s = %d AND typeof(%s) = 'integer'", table, name, name, rapid.SampledFrom([]int64{1, -1}).Draw(rt, "sign")<<rapid.IntRange(0, 40).Draw(rt, "bit"), key, row, name)
	}
	have[rapid.IntRange(0, len(have)-1).Draw(rt, "at")] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
	return fmt.Sprintf("UPDATE %s SET %s = x'%x' WHERE %s = %d", table, name, have, key, row)
}
