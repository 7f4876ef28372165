package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// beforeBlocks makes the file one of the schema before records were in blocks.
var beforeBlocks = fmt.Sprintf("PRAGMA user_version = %d;", blocksVersion-1)

// chainFile is the file of a store that was closed, with a chain of records.
func chainFile(t *testing.T, count int) (w *world, path string, records []*protocol.Record) {
	t.Helper()
	w, path = newWorld(t), filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	records = w.chain(count)
	mustPutAll(t, s, records, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return w, path, records
}

// TestBlocksKilled moves records into blocks, and is killed between portions. Meanwhile the file of
// the graph is lost, so that a start reads rows and blocks.
func TestBlocksKilled(t *testing.T) {
	t.Parallel()
	w, path, records := chainFile(t, 2*migrationStep+500)
	change(t, path, beforeBlocks)
	for range 2 {
		portions := 0
		o := Options{volatile: true, schema: newSchema()}
		o.schema.portioned = slices.Clone(o.schema.portioned)
		at := slices.IndexFunc(o.schema.portioned, func(p portioned) bool { return p.to == blocksVersion })
		o.schema.portioned[at].portion = func(t *tx, at int64) (int64, error) {
			if portions++; portions > 1 {
				return 0, errKilled
			}
			return t.blockPortion(at)
		}
		if _, err := Open(path, w.Network, o); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		for _, file := range []string{graphSuffix, graphSuffix + "-state"} {
			if err := os.Remove(path + file); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	s := openAt(t, w, path, Options{volatile: true})
	mustBeSound(t, s)
	for _, r := range records {
		if got, _, err := s.Get(t.Context(), r.ID()); err != nil || !bytes.Equal(got.EncodeFrame(), r.EncodeFrame()) {
			t.Fatal(err)
		}
	}
	mustPut(t, s, w.make(spec{at: 1 << 20, links: records[len(records)-1:]}), Attached)
	mustBeSound(t, s)
}

// TestBlocksOfLostRows moves records into blocks of which the disk lost rows. They are damaged, and
// repaired as before.
func TestBlocksOfLostRows(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for _, sql := range []string{"DELETE FROM records WHERE idx = %d", "DELETE FROM records WHERE idx > %d - 3", "DELETE FROM records WHERE idx > %d - 99", "UPDATE records SET header = zeroblob(40) WHERE idx = %d", "UPDATE dag SET id = zeroblob(32) WHERE idx = %d"} {
		idx := f.index(t, "new")
		s, _ := f.open(t, beforeBlocks, fmt.Sprintf(sql, idx))
		if repaired, err := s.Repair(t.Context(), f.records[idx]); err != nil || !repaired && sql[0] == 'D' {
			t.Errorf("%s: repaired %v, %v", sql, repaired, err)
		}
		for _, r := range f.records[1:] {
			if _, err := s.Repair(t.Context(), r); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
		scrubAll(t, s, scrubbed{})
		mustBeSound(t, s)
		for _, want := range f.records[1:] {
			if r, _, err := s.Get(t.Context(), want.ID()); err != nil || r.ID() != want.ID() {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
}

// TestLostBlocks: the disk takes a block of headers and values. All of its records are damaged, and
// repaired one by one.
func TestLostBlocks(t *testing.T) {
	t.Parallel()
	w, path, records := chainFile(t, 200)
	for _, sql := range []string{
		"DELETE FROM record_blocks WHERE first = (SELECT min(first) FROM record_blocks)",
		"DELETE FROM record_blocks WHERE first > 30",
		"UPDATE record_blocks SET sizes = x''",
		"UPDATE record_blocks SET bytes = zeroblob(length(bytes))",
	} {
		broken := filepath.Join(t.TempDir(), "lf.db")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(broken, b, 0o600); err != nil {
			t.Fatal(err)
		}
		change(t, broken, sql)
		s := openAt(t, w, broken, Options{volatile: true})
		var all []*protocol.Record
		all = append(append(all, w.Genesis()...), records...)
		for _, r := range all {
			if _, err := s.Repair(t.Context(), r); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		scrubAll(t, s, scrubbed{})
		mustBeSound(t, s)
		mustPut(t, s, w.make(spec{at: 1 << 20, links: records[199:]}), Attached)
		mustBeSound(t, s)
	}
}

// TestRepairInBlockThatGrew: the writer reads a record in the last block, and others fill that.
// Then the record is repaired. The others stay.
func TestRepairInBlockThatGrew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	records := w.chain(300)
	mustPutAll(t, s, records[:3], nil)
	undo := errors.New("undo")
	// After that the writer knows no block any more.
	if err := s.change(t.Context(), func(*tx) error { return undo }); !errors.Is(err, undo) {
		t.Fatal(err)
	}
	var idx int64
	if err := s.change(t.Context(), func(t *tx) (err error) {
		if idx, err = t.index(records[1].ID()); err != nil {
			return err
		}
		_, _, err = t.nodeAt(idx)
		_, failed := t.frame(idx)
		return errors.Join(err, failed)
	}); err != nil {
		t.Fatal(err)
	}
	mustPutAll(t, s, records[3:], nil)
	if err := s.change(t.Context(), func(t *tx) error {
		return errors.Join(t.setRecord(idx, records[1].HeaderBytes(), records[1].ValueBytes()), t.setIdentity(idx, records[1].ID(), int64(records[1].Timestamp)))
	}); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if got, _, err := s.Get(t.Context(), r.ID()); err != nil || !bytes.Equal(got.EncodeFrame(), r.EncodeFrame()) {
			t.Fatalf("%s: %v", r.ID(), err)
		}
	}
	mustBeSound(t, s)
}
