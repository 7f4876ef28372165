package synthetic

import (
	"encoding/hex"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

func idsOf(records []*protocol.Record) (ids []protocol.ID) {
	for _, r := range records {
		ids = append(ids, r.ID())
	}
	return ids
}

func mustMake(t testing.TB, mix Mix, count int) (*Maker, []*protocol.Record) {
	t.Helper()
	m, err := NewMaker(mix)
	if err != nil {
		t.Fatal(err)
	}
	records, err := m.Make(count)
	if err != nil {
		t.Fatal(err)
	}
	return m, records
}

// TestRecords: each record is valid, links two of those before it, and is under the key that Point
// tells. All but the newest are linked.
func TestRecords(t *testing.T) {
	t.Parallel()
	for name, mix := range map[string]Mix{
		"series": {Owners: 20, Ordinals: 5, UnderWay: 8, Updates: 10}, "own keys": {Owners: 20, Ordinals: 1, UnderWay: 50},
		"fewer owners than under way": {Owners: 1, Ordinals: 3, UnderWay: 5, Updates: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, records := mustMake(t, mix, 500)
			for i, err := range m.Network().CheckBatch(records, nil) {
				if err != nil {
					t.Fatalf("record %d: %v", i, err)
				}
			}
			linked, keys := map[protocol.ID]bool{}, map[protocol.CompositeID]bool{}
			stamps := map[protocol.ID]uint64{}
			for _, g := range m.Network().Genesis() {
				stamps[g.ID()] = g.Timestamp
			}
			for i, r := range records {
				for _, link := range r.Links {
					if at, made := stamps[link]; !made || at >= r.Timestamp {
						t.Fatalf("record %d links %s of %d", i, link, at)
					}
					linked[link] = true
				}
				stamps[r.ID()] = r.Timestamp
				keys[r.CompositeID()] = true
				if p, err := m.Point(i); err != nil || p != (protocol.SelectorPoint{Key: r.Selectors[0].Key, Ordinal: r.Selectors[0].Ordinal}) {
					t.Fatalf("record %d: Point tells %v, %v", i, p, err)
				}
			}
			for i, r := range records[:len(records)-2*mix.UnderWay] {
				if !linked[r.ID()] {
					t.Fatalf("no record links record %d", i)
				}
			}
			if updates := len(records) - len(keys); (updates > 0) != (mix.Updates > 0) {
				t.Errorf("%d records are under a key of an earlier one", updates)
			}
		})
	}
}

// TestSameEachTime: a home that was filled yesterday goes on today, so the records may not change.
func TestSameEachTime(t *testing.T) {
	t.Parallel()
	for want, mix := range map[string]Mix{"29005ed9bcfa66c8": Series(), "3d2c813710f1717a": OwnKeys()} {
		_, records := mustMake(t, mix, 1100)
		last := records[len(records)-1].ID()
		if got := hex.EncodeToString(last[:8]); got != want {
			t.Errorf("the last record of %+v is %s, want %s", mix, got, want)
		}
	}
}

// TestResume: however the records are parted, and wherever a maker is replaced by another one, they
// are the same.
func TestResume(t *testing.T) {
	t.Parallel()
	mix := Mix{Owners: 7, Ordinals: 3, UnderWay: 4, Updates: 5}
	whole, records := mustMake(t, mix, 25)
	want := idsOf(records)
	rapid.Check(t, func(t *rapid.T) {
		m, err := NewMaker(mix)
		if err != nil {
			t.Fatal(err)
		}
		var got []protocol.ID
		for len(got) < len(want) {
			if rapid.IntRange(0, 3).Draw(t, "resume") == 0 {
				if m, err = NewMaker(mix); err != nil {
					t.Fatal(err)
				}
				if err := m.Resume(len(got), got[len(got)-min(len(got), m.Window(len(got))):]); err != nil {
					t.Fatal(err)
				}
			}
			some, err := m.Make(min(rapid.IntRange(0, 11).Draw(t, "count"), len(want)-len(got)))
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, idsOf(some)...); m.Made() != len(got) {
				t.Fatalf("%d are made, and Made tells %d", len(got), m.Made())
			}
		}
		if !slices.Equal(got, want) {
			t.Fatal("the records differ from those that were made at once")
		}
	})
	if err := whole.Resume(3, nil); err == nil {
		t.Error("a maker goes on without knowing the newest records")
	}
}

func TestMixes(t *testing.T) {
	t.Parallel()
	for _, mix := range []Mix{{}, {Owners: 1, Ordinals: 1, UnderWay: 1}, {Owners: 1, Ordinals: 1, UnderWay: 2, Updates: -1}} {
		if _, err := NewMaker(mix); err == nil {
			t.Errorf("%+v is taken", mix)
		}
	}
}

// TestUnsigned: unsigned records have the sizes of signed ones.
func TestUnsigned(t *testing.T) {
	t.Parallel()
	mix := Mix{Owners: 20, Ordinals: 5, UnderWay: 8, Updates: 10}
	_, signed := mustMake(t, mix, 100)
	mix.Unsigned = true
	m, unsigned := mustMake(t, mix, 100)
	for i, r := range unsigned {
		if r.WireSize() != signed[i].WireSize() || r.Timestamp != signed[i].Timestamp || len(r.Links) != len(signed[i].Links) {
			t.Fatalf("record %d has %d bytes, and %d signed", i, r.WireSize(), signed[i].WireSize())
		}
		if p, err := m.Point(i); err != nil || p.Key != r.Selectors[0].Key || p.Ordinal != r.Selectors[0].Ordinal {
			t.Fatalf("record %d: Point tells %v, %v", i, p, err)
		}
	}
}

// BenchmarkMake makes records and tells what they take on the wire.
func BenchmarkMake(b *testing.B) {
	for name, unsigned := range map[string]bool{"signed": false, "unsigned": true} {
		b.Run(name, func(b *testing.B) {
			mix := Series()
			mix.Unsigned = unsigned
			wire := 0
			_, records := mustMake(b, mix, b.N)
			for _, r := range records {
				wire += r.WireSize()
			}
			b.ReportMetric(float64(wire)/float64(b.N), "wire-B/record")
		})
	}
}
