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

// TestBlocksKilled moves records into blocks, and is killed between portions. Meanwhile the file of
// the graph is lost, so that a start reads rows and blocks.
func TestBlocksKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	records := w.chain(2*migrationStep + 500)
	mustPutAll(t, s, records, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
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
	s = openAt(t, w, path, Options{volatile: true})
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
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	records := w.chain(200)
	mustPutAll(t, s, records, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
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
