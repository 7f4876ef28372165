package store

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestHistoryPages pages through the versions of a claim: some with equal timestamps, some twins,
// a release among them, and what comes meanwhile.
func TestHistoryPages(t *testing.T) {
	t.Parallel()
	w := newTrustWorld(t, nil)
	s := openTest(t, w.world, Options{volatile: true})
	var want []*protocol.Record
	put := func(at uint64, kind protocol.Type, value string) *protocol.Record {
		r := worked(w.make(spec{at: at, owner: 1, kind: kind, sels: []sel{{"a", 0}}, value: value}), paid)
		mustPut(t, s, r, Attached)
		return r
	}
	for i := range 9 {
		put(uint64(i+1), protocol.TypeDatum, fmt.Sprint("withdrawn ", i))
	}
	put(9, protocol.TypeRelease, "")
	for i := range 350 {
		r := put(uint64(10+i/3), protocol.TypeDatum, fmt.Sprint("value ", i))
		if i%10 == 0 {
			mustPut(t, s, worked(r, paid+1), Attached) // a twin
			if twin := worked(r, paid+1); twin.ID().Compare(r.ID()) > 0 {
				r = twin
			}
		}
		want = append(want, r)
	}
	slices.SortFunc(want, func(a, b *protocol.Record) int {
		x, y := a.SignedHash(), b.SignedHash()
		return cmp.Or(cmp.Compare(b.Timestamp, a.Timestamp), bytes.Compare(y[:], x[:]))
	})
	q := Query{Where: []Range{w.where("a", 0, 0)}, History: true}
	var got []protocol.ID
	for pages := 1; ; pages++ {
		a := mustQuery(t, s, q)
		if len(a.Keys) != 1 || len(a.Keys[0].Claims) != 1 {
			t.Fatalf("%+v", a)
		}
		c := a.Keys[0].Claims[0]
		if q.HistoryAfter == nil {
			got = append(got, c.Record.ID())
			// What comes meanwhile is on no page.
			put(1000, protocol.TypeDatum, "newer")
		}
		for _, v := range c.Older {
			got = append(got, v.Record.ID())
		}
		if c.MoreOlder != (pages < 4) || len(c.Older) > 100 {
			t.Fatalf("page %d: %d versions, more: %t", pages, len(c.Older), c.MoreOlder)
		}
		if !c.MoreOlder {
			break
		}
		at := c.Older[len(c.Older)-1].Position()
		q.HistoryAfter = &at
	}
	if !slices.EqualFunc(got, want, func(id protocol.ID, r *protocol.Record) bool { return id == r.ID() }) {
		t.Errorf("%d versions, want %d", len(got), len(want))
	}
	// After a version that is not here come those before its time.
	q.HistoryAfter = &VersionPosition{Timestamp: testTime + 12, Prefix: [8]byte{1}}
	if c := mustQuery(t, s, q).Keys[0].Claims[0]; len(c.Older) != 6 || c.Older[0].Record.Timestamp != testTime+11 || c.MoreOlder {
		t.Errorf("after a version that is not here: %d versions", len(c.Older))
	}
	q.HistoryAfter = &VersionPosition{}
	if c := mustQuery(t, s, q).Keys[0].Claims[0]; len(c.Older) != 0 {
		t.Errorf("after the end: %d versions", len(c.Older))
	}
}
