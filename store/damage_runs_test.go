package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// TestScrubRows takes rows out of the runs, and adds wrong ones, early and late ones. The check
// finds each, and the scrub mends it.
func TestScrubRows(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for kind := range kinds {
		for _, name := range []string{"value 5", "old", "release", "tip", "lone"} {
			if kind == kindReleases && name != "release" {
				continue // it has no row
			}
			idx := f.index(t, name)
			for what, spoil := range map[string]func(t *tx, row []byte) error{
				"lost": func(t *tx, row []byte) error { return t.dropRow(kind, row) },
				"extra": func(t *tx, row []byte) error {
					row[2] ^= 9
					return t.putRow(kind, idx, row)
				},
			} {
				if kind == kindSelectors && name != "lone" && what == "extra" {
					continue // it does no harm, see TestStrangers
				}
				t.Run(fmt.Sprintf("%s, %s, %s", kinds[kind].Name, name, what), func(t *testing.T) {
					s, log := f.open(t)
					mustScrub(t, s, log, kind, func(t *tx) (failed error) {
						if err := t.rowsOfRecord(kind, idx, newEntry(f.records[idx]), func(row []byte) { failed = spoil(t, row) }); err != nil {
							return err
						}
						return failed
					})
				})
			}
		}
	}
}

// mustScrub has the check find what a change spoils, and the scrub mend it.
func mustScrub(t *testing.T, s *Store, log fmt.Stringer, kind int, spoil func(*tx) error) {
	t.Helper()
	if err := s.change(t.Context(), spoil); err != nil {
		t.Fatal(err)
	}
	if summary, err := s.Check(t.Context(), func(string) {}); err != nil || summary.Problems == 0 {
		t.Fatal("the check finds nothing", err)
	}
	scrubAll(t, s, scrubbed{})
	mustBeSound(t, s)
	if d := s.Damage(); d.Rows == 0 || len(d.Problems) > 0 || len(d.Records) > 0 || !strings.Contains(log.String(), kinds[kind].Name) {
		t.Errorf("%+v, %s", d, log)
	}
}

// TestRepairedVersion repairs a record that was damaged when the runs were made from the records.
// Meanwhile it was not among the versions, and another owner claimed its key as if nobody had.
func TestRepairedVersion(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for _, name := range []string{"tip", "release", "new"} {
		idx := f.index(t, name)
		s, _ := f.open(t, "DELETE FROM runs; DELETE FROM run_chunks; DELETE FROM run_heads", fmt.Sprintf(rotKinds["header empty"], idx))
		hurt := f.records[idx]
		sels := map[string][]sel{"tip": {{"tip", 0}}, "release": {{"gone", 0}}, "new": {{"key", 0}}}[name]
		another := f.w.make(spec{at: 90, owner: 4, sels: sels, value: "another", links: f.records[idx-2 : idx]})
		more := f.w.make(spec{at: 91, owner: 3, sels: sels, value: "one more", links: f.records[idx-2 : idx]})
		mustPut(t, s, another, Attached)
		mustPut(t, s, more, Attached)
		// Another record links them: the mark of a tip stays as it was.
		mustPut(t, s, f.w.make(spec{at: 92, links: []*protocol.Record{another, more}}), Attached)
		if repaired, err := s.Repair(t.Context(), hurt); !repaired || err != nil {
			t.Fatal(name, repaired, err)
		}
		mustBeSound(t, s)
		scrubAll(t, s, scrubbed{})
		mustBeSound(t, s)
	}
}

// TestScrubVersions puts wrong versions in the place of right ones, of a contested claim and of a
// release. What the claims rank by is as before when the scrub has mended them.
func TestScrubVersions(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for _, name := range []string{"new", "release", "lone"} {
		idx := f.index(t, name)
		for what, spoil := range map[string]func(*keyed){
			"time":    func(v *keyed) { v.timestamp -= 100 },
			"release": func(v *keyed) { v.released = !v.released },
			"owner":   func(v *keyed) { v.owner++ },
			"key":     func(v *keyed) { v.composite++ },
			"record":  func(v *keyed) { v.idx = 4 },
		} {
			for _, kind := range []int{kindVersions, kindReleases} {
				if kind == kindReleases && name != "release" {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, %s", kinds[kind].Name, name, what), func(t *testing.T) {
					s, log := f.open(t)
					mustScrub(t, s, log, kind, func(t *tx) (failed error) {
						if err := t.versionRows(kind, idx, newEntry(f.records[idx]), func(row []byte) {
							wrong, _ := readKeyed(row)
							spoil(&wrong)
							failed = errors.Join(t.dropRow(kind, row), t.putRow(kind, wrong.idx, appendKeyed(nil, wrong)))
						}); err != nil {
							return err
						}
						return failed
					})
					scrubAll(t, s, scrubbed{})
					mustBeSound(t, s)
				})
			}
		}
	}
}

// TestRunsProperty overwrites random bytes of the runs. Look-ups by ID, by owner and by selector
// say what they said before, and the scrub makes all of it sound.
func TestRunsProperty(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	sound, _ := f.open(t)
	want := f.tell(t, sound)
	columns := []string{"run_chunks.chunk", "run_heads.piece", "runs.kind", "runs.level", "runs.state", "runs.first", "runs.last", "runs.rows",
		"runs.keys", "runs.chunks", "runs.blocks"}
	rapid.Check(t, func(rt *rapid.T) {
		var sql []string
		for range rapid.IntRange(1, 6).Draw(rt, "rows") {
			column := rapid.SampledFrom(columns[:2]).Draw(rt, "blob")
			if rapid.IntRange(0, 3).Draw(rt, "number") == 0 {
				column = rapid.SampledFrom(columns[2:]).Draw(rt, "column")
			}
			sql = append(sql, drawDamage(rt, sound, column))
		}
		s, _ := f.open(t, sql...)
		defer s.Close()
		for what, told := range f.tell(t, s) {
			if !slices.Equal(told, want[what]) {
				rt.Fatalf("after %q %s tells %v, want %v", sql, what, told, want[what])
			}
		}
		scrubAll(t, s, scrubbed{})
		if summary, err := s.Check(rt.Context(), func(p string) { rt.Errorf("after %q: %s", sql, p) }); err != nil || summary.Problems > 0 {
			rt.Fatal(summary, err)
		}
		for what, told := range f.tell(t, s) {
			if !slices.Equal(told, want[what]) {
				rt.Fatalf("after %q and a scrub %s tells %v, want %v", sql, what, told, want[what])
			}
		}
	})
}

// tell looks up all that is found by runs, and says which records were.
func (f *rotten) tell(t *testing.T, s *Store) map[string][]string {
	t.Helper()
	told := map[string][]string{}
	for _, r := range f.records[1:] {
		_, info, err := s.Get(t.Context(), r.ID())
		told["an ID"] = append(told["an ID"], fmt.Sprint(info.Index, err))
		for _, sel := range r.Selectors {
			for _, q := range []Query{{Open: true, History: true}, {}} {
				q.Where = []Range{{sel.Key, 0, 1 << 20}}
				for _, k := range mustQuery(t, s, q).Keys {
					for _, c := range k.Claims {
						told["a selector"] = append(told["a selector"], c.Record.ID().String())
					}
				}
			}
		}
	}
	owners := map[protocol.Owner]bool{}
	for _, r := range f.records[1:] {
		if owners[r.Owner] {
			continue
		}
		owners[r.Owner] = true
		for _, w := range allWritten(t, s, r.Owner, 3) {
			told["an owner"] = append(told["an owner"], w.ID().String())
		}
	}
	return told
}

// TestDeriveGivesUp: who gave up waiting does not have rows derived, and the index is as it was.
func TestDeriveGivesUp(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	s, _ := f.open(t, "UPDATE run_chunks SET chunk = zeroblob(length(chunk))")
	gone, giveUp := context.WithCancel(t.Context())
	err := s.read(gone, func(c *conn) error {
		giveUp()
		return c.eachVersion(everyVersion(), func(keyed) error { return nil })
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	scrubAll(t, s, scrubbed{})
	mustBeSound(t, s)
}
