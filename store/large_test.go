package store

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/lf-store/lf/internal/synthetic"
	"github.com/lf-store/lf/internal/usage"
	"github.com/lf-store/lf/protocol"
)

// largeRecords is how many records TestRecordCosts stores, the last three quarters of which are
// measured.
var largeRecords = flag.Int("large", 100_000, "records that TestRecordCosts stores")

// recordCosts is what a record takes of what does not depend on the machine.
type recordCosts struct {
	disk    float64 // bytes of the database, its log apart
	derived float64 // bytes of what is derived from it
	written float64 // bytes written, the log included
	pages   float64 // pages of 4 KiB read
	allocs  float64
}

// TestRecordCosts holds what a record costs of everything but time, when it comes with many others
// and there are 100,000. Bounds are what it is now and a few percent. What is measured
// begins and ends with a checkpoint of the log, and has several of the graph in it.
func TestRecordCosts(t *testing.T) {
	for name, c := range map[string]struct {
		mix   synthetic.Mix
		bound recordCosts
	}{
		"series":   {synthetic.Series(), recordCosts{disk: 308, derived: 76, written: 800, pages: 0.11, allocs: 29}},
		"own keys": {synthetic.OwnKeys(), recordCosts{disk: 350, derived: 76, written: 870, pages: 0.11, allocs: 29}},
	} {
		t.Run(name, func(t *testing.T) {
			got := costsOf(t, c.mix, *largeRecords)
			t.Logf("a record takes %.1f B on the disk and %.1f B in derived files, %.0f B written, %.2f pages read, %.1f allocations", got.disk, got.derived, got.written, got.pages, got.allocs)
			for what, v := range map[string][2]float64{
				"bytes on the disk": {got.disk, c.bound.disk}, "bytes in derived files": {got.derived, c.bound.derived}, "bytes written": {got.written, c.bound.written},
				"pages read": {got.pages, c.bound.pages}, "allocations": {got.allocs, c.bound.allocs},
			} {
				if raceEnabled && what == "allocations" {
					continue // the detector has some of its own
				}
				if v[0] > v[1] {
					t.Errorf("a record takes %.2f %s, more than %.2f", v[0], what, v[1])
				}
			}
		})
	}
}

// costsOf stores unsigned records of a mix and returns what each of the last three quarters of them
// cost.
func costsOf(t *testing.T, mix synthetic.Mix, count int) (c recordCosts) {
	t.Helper()
	mix.Unsigned = true
	maker, err := synthetic.NewMaker(mix)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := Open(filepath.Join(dir, "lf.db"), maker.Network(), Options{volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	measured := count / 4 * 3
	for left := count - measured; left > 0; left -= batchRecords {
		mustPutAll(t, s, mustMake(t, maker, min(left, batchRecords)), nil)
	}
	records := mustMake(t, maker, measured)
	checkpoint(t, s)
	used, allocs := measure(t, func() {
		defer checkpoint(t, s)
		for some := range slices.Chunk(records, batchRecords) {
			mustPutAll(t, s, some, nil)
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	n := float64(measured)
	return recordCosts{
		disk: float64(sizeOf(t, dir, "lf.db")) / float64(count), derived: float64(sizeOf(t, dir, "lf.db-*")) / float64(count), written: float64(used.Written) / n,
		pages: float64(used.Read) / 4096 / n, allocs: float64(allocs) / n,
	}
}

// checkpoint moves all that is in the database's log to where it belongs.
func checkpoint(t *testing.T, s *Store) {
	t.Helper()
	c, err := openConn(s.path, "rw")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if _, err := c.one(nil, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
}

func mustMake(t *testing.T, maker *synthetic.Maker, count int) []*protocol.Record {
	t.Helper()
	records, err := maker.Make(count)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// measure returns what the process uses for something, and how often it allocates memory.
func measure(t *testing.T, do func()) (used usage.Usage, allocs uint64) {
	t.Helper()
	var before, after runtime.MemStats
	start, err := usage.Self()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	end, err := usage.Self()
	if err != nil {
		t.Fatal(err)
	}
	return end.Sub(start), after.Mallocs - before.Mallocs
}

// sizeOf is the size of the files in a folder that match a pattern.
func sizeOf(t *testing.T, dir, pattern string) (size int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
