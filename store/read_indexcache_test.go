package store

import (
	"context"
	"errors"
	"fmt"
	"math"
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

// looked is what a transaction sees of some keys.
type looked struct {
	versions [][]keyed
	ordinals []uint64
}

func (l looked) isLike(o looked) bool {
	return slices.EqualFunc(l.versions, o.versions, slices.Equal[[]keyed]) && slices.Equal(l.ordinals, o.ordinals)
}

// lookAt returns the versions under each key, and the ordinals in some spans, by the cache and
// without it.
func lookAt(s *Store, c *conn, composites []int64, spans []Range) (cached, read looked, err error) {
	for _, into := range []*looked{&cached, &read} {
		for _, span := range spans {
			x := s.newSearch(context.Background(), Query{Where: []Range{span}})
			x.conn = c
			m, failed := x.merge(x.where[0], span.Key, math.MinInt64)
			err = errors.Join(err, failed)
			for more := err == nil; more; {
				var p proposal
				p, more, failed = m.next()
				err = errors.Join(err, failed)
				into.ordinals = append(into.ordinals, p.ordinal, uint64(p.composite))
			}
		}
		for _, composite := range composites {
			var list []keyed
			err = errors.Join(err, c.eachVersion(versionsUnder(composite), func(v keyed) error {
				list = append(list, v)
				return nil
			}))
			into.versions = append(into.versions, list)
		}
		cache := c.indexCache
		c.indexCache = nil
		defer func() { c.indexCache = cache }()
	}
	return cached, read, err
}

// TestIndexCache: readers of new and of old states of the database see of each key what they see
// without the cache. Meanwhile others write, fail to, and mend.
func TestIndexCache(t *testing.T) {
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
		spans := []Range{w.where("a", 0, 1), w.where("a", 1, 3), w.where("b", 0, 9)}
		for _, name := range names {
			id := w.make(spec{sels: []sel{{name, 0}}}).CompositeID()
			composites = append(composites, prefix(id[:]))
		}
		look := func(c *conn) error {
			cached, read, err := lookAt(s, c, composites, spans)
			if err == nil && !cached.isLike(read) {
				err = fmt.Errorf("by the cache %v, in the database %v", cached, read)
			}
			return err
		}
		records := []*protocol.Record{}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0, 1, 2:
				sp := spec{at: uint64(i + 1), owner: rapid.IntRange(0, 2).Draw(t, "owner"), sels: []sel{{rapid.SampledFrom(names).Draw(t, "name"), rapid.Uint64Range(0, 3).Draw(t, "ordinal")}}}
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
