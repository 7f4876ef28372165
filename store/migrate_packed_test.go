package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/packed"
)

// unpackAll writes the headers of all attached records in a file as they travel, and all versions
// into the table old_versions.
func unpackAll(t testing.TB, path string, n *protocol.Network) {
	t.Helper()
	s := newStore(path, n, Options{volatile: true})
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	defer s.abandon()
	if err := s.transact((*tx).unpackAll); err != nil {
		t.Fatal(err)
	}
}

func (t *tx) unpackAll() error {
	for idx := int64(1); idx <= t.meta.attached; idx++ {
		r, err := t.frame(idx)
		if err != nil {
			return err
		}
		if err := t.setRecord(idx, r.HeaderBytes(), r.ValueBytes()); err != nil {
			return err
		}
	}
	if err := t.script(`DROP TABLE IF EXISTS old_versions;
		CREATE TABLE old_versions (composite INTEGER NOT NULL, owner INTEGER NOT NULL, timestamp INTEGER NOT NULL,
			idx INTEGER NOT NULL, released INTEGER NOT NULL, PRIMARY KEY (composite, owner, timestamp DESC, idx)) WITHOUT ROWID, STRICT`); err != nil {
		return err
	}
	return t.eachVersion(everyVersion(), func(v keyed) error {
		_, err := t.exec("INSERT INTO old_versions VALUES (?, ?, ?, ?, ?)", v.composite, v.owner, v.timestamp, v.idx, v.released)
		return err
	})
}

// identifyAll makes all checksums.
func (t *tx) identifyAll() error {
	for idx := int64(1); idx <= t.meta.attached; idx++ {
		r, err := t.frame(idx)
		if err != nil {
			return err
		}
		if err := t.identify(idx, r); err != nil {
			return err
		}
	}
	return nil
}

// packedRows counts the records with a packed header.
func packedRows(t testing.TB, s *Store) (count int) {
	t.Helper()
	if err := s.read(t.Context(), func(c *conn) error {
		return c.eachStored(0, math.MaxInt64, func(_ int64, s stored) error {
			if packed.IsPacked(s.header) {
				count++
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	return count
}

// beforePacked makes the file one of the schema before headers were packed.
var beforePacked = withoutVersionRuns + withoutWrittenRuns + withoutPacked + fmt.Sprintf("PRAGMA user_version = %d;", packedVersion-1)

// TestMigratePacked packs the headers of an old file. Records that are damaged stay so, and are
// known and repaired as before. A wrong ID is mended.
func TestMigratePacked(t *testing.T) {
	t.Parallel()
	f := rottenStore(t).plain(t)
	s, _ := f.open(t, beforePacked)
	mustBeSound(t, s)
	if n := packedRows(t, s); n != len(f.records)-1 {
		t.Errorf("%d of %d headers are packed", n, len(f.records)-1)
	}
	for kind, sql := range rotKinds {
		if strings.HasPrefix(kind, "header,") {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			at := f.index(t, "new")
			s, _ := f.open(t, beforePacked, fmt.Sprintf(sql, at))
			for i, r := range f.records[1:] {
				got, _, err := s.Get(t.Context(), r.ID())
				if int64(i)+1 == at {
					if !isDamaged(err, r.ID(), strings.HasPrefix(kind, "header")) {
						t.Errorf("the damaged one: %v", err)
					}
				} else if err != nil || !bytes.Equal(got.EncodeFrame(), r.EncodeFrame()) {
					t.Errorf("record %d: %v", i+1, err)
				}
			}
			if repaired, err := s.Repair(t.Context(), f.records[at]); !repaired || err != nil {
				t.Fatal(repaired, err)
			}
			mustBeSound(t, s)
		})
	}
	s, _ = f.open(t, beforePacked, fmt.Sprintf("UPDATE dag SET id = zeroblob(32) WHERE idx = %d", f.index(t, "new")),
		fmt.Sprintf("UPDATE dag SET timestamp = timestamp + 7 WHERE idx = %d", f.index(t, "old")))
	scrubAll(t, s, scrubbed{})
	mustBeSound(t, s)
}

// TestPackingKilled kills the migration between any two portions. It goes on, and no record is lost
// or packed twice; the graph is rebuilt from records in both tables.
func TestPackingKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "lf.db")
	s := openAt(t, w, path, Options{volatile: true})
	const chain = 2*migrationStep + 500
	records := w.chain(chain)
	mustPutAll(t, s, records, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	unpackAll(t, path, w.Network)
	change(t, path, beforePacked)
	for range 2 {
		portions := 0
		o := Options{volatile: true, schema: newSchema()}
		o.schema.portioned = slices.Clone(o.schema.portioned)
		at := slices.IndexFunc(o.schema.portioned, func(p portioned) bool { return p.to == packedVersion })
		o.schema.portioned[at].portion = func(t *tx, at int64) (int64, error) {
			if portions++; portions > 1 {
				return 0, errKilled
			}
			return t.packPortion(at)
		}
		if _, err := Open(path, w.Network, o); !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	change(t, path, "UPDATE dag SET node = x'01' WHERE idx IN (3, 2400)")
	s = openAt(t, w, path, Options{volatile: true})
	mustBeSound(t, s)
	if n := packedRows(t, s); n != chain+len(w.Genesis()) {
		t.Errorf("%d headers are packed", n)
	}
	for _, r := range records {
		if got, _, err := s.Get(t.Context(), r.ID()); err != nil || !bytes.Equal(got.EncodeFrame(), r.EncodeFrame()) {
			t.Fatal(err)
		}
	}
}

// BenchmarkMigratePacked packs the headers of a database with 20,000 records. It says what of the
// file is in use after that.
func BenchmarkMigratePacked(b *testing.B) {
	w := newWorld(b)
	path := filepath.Join(b.TempDir(), "lf.db")
	s, err := Open(path, w.Network, Options{volatile: true})
	if err != nil {
		b.Fatal(err)
	}
	records := benchRecords(w, 20_000)
	mustPutAll(b, s, records, nil)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	unpackAll(b, path, w.Network)
	if c, err := openConn(path, "rw"); err != nil || c.changeRows(beforePacked+"VACUUM") != nil || c.close() != nil {
		b.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	free := int64(0)
	for b.Loop() {
		if err := os.WriteFile(path, old, 0o600); err != nil {
			b.Fatal(err)
		}
		if s, err = Open(path, w.Network, Options{volatile: true}); err != nil {
			b.Fatal(err)
		}
		if free, err = s.writer.number("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	n := float64(len(records))
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/record")
	b.ReportMetric(float64(len(old))/n, "old-B/record")
	b.ReportMetric(float64(info.Size())/n, "new-B/record")
	b.ReportMetric(float64(info.Size()-free)/n, "used-B/record")
}
