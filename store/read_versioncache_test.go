package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// snapshotReader is a transaction that stays open while others write.
type snapshotReader struct {
	ask  chan func(*conn) error
	done chan error
}

func openSnapshot(s *Store) *snapshotReader {
	r := &snapshotReader{make(chan func(*conn) error), make(chan error)}
	began := make(chan struct{})
	go func() {
		r.done <- s.read(context.Background(), func(c *conn) error {
			_, err := c.runsView()
			close(began)
			for ask := range r.ask {
				r.done <- ask(c)
			}
			return err
		})
	}()
	<-began
	return r
}

func (r *snapshotReader) do(ask func(*conn) error) error {
	r.ask <- ask
	return <-r.done
}

func (r *snapshotReader) close() error {
	close(r.ask)
	return <-r.done
}

// listVersions returns the versions under each key, by the cache and without it.
func listVersions(c *conn, composites []int64) (cached, read [][]keyed, err error) {
	for _, into := range []*[][]keyed{&cached, &read} {
		for _, composite := range composites {
			var list []keyed
			err = errors.Join(err, c.eachVersion(versionsUnder(composite), func(v keyed) error {
				list = append(list, v)
				return nil
			}))
			*into = append(*into, list)
		}
		cache := c.versionCache
		c.versionCache = nil
		defer func() { c.versionCache = cache }()
	}
	return cached, read, err
}

// TestVersionCache: readers of new and of old states of the database see under each key what they
// see without the cache, while others write, fail to, and mend.
func TestVersionCache(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c"}
	w := newWorld(t)
	test := t
	rapid.Check(t, func(t *rapid.T) {
		s, err := Open(filepath.Join(test.TempDir(), "lf.db"), w.Network, Options{volatile: true, Readers: 4, tuning: tuningWithRuns()})
		if err != nil {
			t.Fatal(err)
		}
		var snapshots []*snapshotReader
		defer func() {
			for _, r := range snapshots {
				r.close()
			}
			s.Close()
		}()
		var composites []int64
		for _, name := range names {
			id := w.make(spec{sels: []sel{{name, 0}}}).CompositeID()
			composites = append(composites, prefix(id[:]))
		}
		look := func(c *conn) error {
			cached, read, err := listVersions(c, composites)
			if err == nil && !slices.EqualFunc(cached, read, slices.Equal[[]keyed]) {
				err = fmt.Errorf("by the cache %v, in the database %v", cached, read)
			}
			return err
		}
		records := []*protocol.Record{}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0, 1, 2:
				sp := spec{at: uint64(i + 1), owner: rapid.IntRange(0, 2).Draw(t, "owner"), sels: []sel{{rapid.SampledFrom(names).Draw(t, "name"), 0}}}
				if rapid.IntRange(0, 3).Draw(t, "released") == 0 {
					sp.kind = protocol.TypeRelease
				}
				r := w.make(sp)
				mustPut(test, s, r, Attached)
				records = append(records, r)
			case 3:
				undo := errors.New("undo")
				r := w.make(spec{at: uint64(i + 1), owner: 3, sels: []sel{{rapid.SampledFrom(names).Draw(t, "name"), 0}}})
				if err := s.change(context.Background(), func(tx *tx) error {
					_, err := tx.attach(newEntry(r))
					return errors.Join(err, undo)
				}); !errors.Is(err, undo) {
					t.Fatal(err)
				}
			case 4:
				if len(snapshots) < 3 {
					snapshots = append(snapshots, openSnapshot(s))
				}
			case 5:
				for _, r := range snapshots {
					if err := r.do(look); err != nil {
						t.Fatal(err)
					}
				}
			default:
				if len(records) == 0 {
					continue
				}
				mended := rapid.SampledFrom(records).Draw(t, "mended")
				// its row is lost, and put again
				if err := s.change(context.Background(), func(tx *tx) error {
					idx, err := tx.index(mended.ID())
					if err != nil {
						return err
					}
					var row []byte
					if err := tx.versionRows(kindVersions, idx, newEntry(mended), func(b []byte) { row = b }); err != nil {
						return err
					}
					return errors.Join(tx.dropRow(kindVersions, row), tx.putRow(kindVersions, idx, slices.Clone(row)))
				}); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.read(context.Background(), look); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range snapshots {
			if err := r.do(look); err != nil {
				t.Fatal(err)
			}
		}
	})
}
