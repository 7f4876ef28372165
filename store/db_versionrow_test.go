package store

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

func drawKeyed(t *rapid.T, name string) keyed {
	return keyed{
		rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1, 1)).Draw(t, name+" composite"),
		rapid.OneOf(rapid.Int64Range(1, 1<<40), rapid.SampledFrom([]int64{1, 1 << 7, 1<<14 - 1, 1 << 14, 1 << 21, 1<<28 - 1, 1 << 28})).Draw(t, name+" owner"),
		version{
			rapid.OneOf(rapid.Int64Range(0, protocol.MaxTimestamp), rapid.Int64Range(1, 3),
				rapid.SampledFrom([]int64{1<<46 - 1, 1 << 46, protocol.MaxTimestamp})).Draw(t, name+" timestamp"),
			rapid.Int64Range(1, 1<<32-1).Draw(t, name+" index"),
			rapid.Bool().Draw(t, name+" released"),
		},
	}
}

func order(released bool) int {
	if released {
		return 1
	}
	return 0
}

// TestVersionRows holds that rows come back, in the order that ranges promise.
func TestVersionRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawKeyed(t, "a"), drawKeyed(t, "b")
		for i, same := range []func(){
			func() { b.composite = a.composite }, func() { b.owner = a.owner }, func() { b.timestamp = a.timestamp }, func() { b.released = a.released },
		} {
			if rapid.IntRange(0, 4).Draw(t, "same") > i {
				same()
			}
		}
		for _, k := range []keyed{a, b} {
			if have, ok := readKeyed(appendKeyed(nil, k)); !ok || have != k {
				t.Fatalf("%+v came back as %+v, %v", k, have, ok)
			}
		}
		want := cmp.Or(cmp.Compare(a.composite, b.composite), cmp.Compare(a.owner, b.owner), cmp.Compare(b.timestamp, a.timestamp),
			cmp.Compare(order(a.released), order(b.released)), cmp.Compare(a.idx, b.idx))
		if have := bytes.Compare(appendKeyed(nil, a), appendKeyed(nil, b)); have != want {
			t.Fatalf("%+v and %+v compare as %d, want %d", a, b, have, want)
		}
		since, until := b.timestamp, a.timestamp
		if since > until {
			since, until = until, since
		}
		row := appendTime(nil, a.timestamp, a.released)
		inside := bytes.Compare(row, appendBound(nil, until)) >= 0 && bytes.Compare(row, appendBound(nil, since-1)) < 0
		if !inside {
			t.Fatalf("%d is not between %d and %d", a.timestamp, since, until)
		}
	})
}

// FuzzVersionRow holds that no bytes make it panic, and that a row has one form.
func FuzzVersionRow(f *testing.F) {
	f.Add(appendKeyed(nil, keyed{1, 2, version{3, 4, true}}))
	f.Add(appendKeyed(nil, keyed{1, 1 << 40, version{protocol.MaxTimestamp, 4, false}}))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, ok := readKeyed(b)
		if !ok {
			return
		}
		if again, ok := readKeyed(appendKeyed(nil, k)); ok && again != k {
			t.Errorf("%x: %+v, then %+v", b, k, again)
		}
	})
}
