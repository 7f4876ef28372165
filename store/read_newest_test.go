package store

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

func (w *world) points(names ...sel) []protocol.SelectorPoint {
	points := make([]protocol.SelectorPoint, len(names))
	for i, n := range names {
		points[i] = protocol.SelectorPoint{Key: w.name(n.name).Selector(), Ordinal: n.ordinal}
	}
	return points
}

func mustNewest(t interface {
	Helper()
	Fatal(...any)
	Context() context.Context
}, s *Store, owner protocol.Owner, points []protocol.SelectorPoint) uint64 {
	t.Helper()
	at, err := s.Newest(t.Context(), owner, points)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestNewest holds what is told of an owner's newest version to what queries answer, over random
// histories with releases, tombstones and versions of one moment.
func TestNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := []sel{{"a", 1}, {"b", 2}}
	kinds := []protocol.Type{protocol.TypeDatum, protocol.TypeDatum, protocol.TypeRelease}
	rapid.Check(t, func(rt *rapid.T) {
		s := openTest(t, w, Options{volatile: true})
		defer s.Close()
		var mine []*protocol.Record
		for i := range rapid.IntRange(0, 8).Draw(rt, "records") {
			one := spec{owner: rapid.IntRange(0, 1).Draw(rt, "owner"), at: rapid.Uint64Range(1, 5).Draw(rt, "at"), kind: rapid.SampledFrom(kinds).Draw(rt, "kind"), sels: key}
			if one.kind == protocol.TypeDatum {
				one.value = string(rune('a' + i))
			}
			if rapid.IntRange(0, 4).Draw(rt, "under another key") == 0 {
				one.sels = key[:1]
			}
			r := w.make(one)
			if mustPutAny(t, s, r).Outcome == Attached && one.owner == 0 && len(one.sels) == 2 {
				mine = append(mine, r)
			}
		}
		var newest uint64
		for _, r := range mine {
			newest = max(newest, r.Timestamp)
		}
		if got := mustNewest(rt, s, w.ownerID(0), w.points(key...)); got != newest {
			rt.Fatalf("the newest is of %d, want %d", got, newest)
		}
		if got := mustNewest(rt, s, w.ownerID(7), w.points(key...)); got != 0 {
			rt.Fatalf("an owner who wrote nothing: %d", got)
		}
		answers := mustQuery(t, s, Query{Where: []Range{w.where("a", 1, 1), w.where("b", 2, 2)}, Owners: []protocol.Owner{w.ownerID(0)}})
		for _, r := range mine {
			superseded, err := s.Superseded(rt.Context(), r)
			if err != nil {
				rt.Fatal(err)
			}
			answers := len(answers.Keys) > 0 && answers.Keys[0].Claims[0].Record.SignedHash() == r.SignedHash()
			if r.Type == protocol.TypeDatum && superseded == answers {
				rt.Fatalf("superseded %t, and it answers %t", superseded, answers)
			}
			if r.Type == protocol.TypeRelease && r.Timestamp == newest && superseded != twoReleases(mine, r) {
				rt.Fatalf("the newest release is superseded: %t", superseded)
			}
		}
	})
}

// twoReleases reports whether another release of the same moment comes before this one.
func twoReleases(all []*protocol.Record, r *protocol.Record) bool {
	for _, other := range all {
		if other.Type == r.Type && other.Timestamp == r.Timestamp && supersedes(&Version{Record: other}, r) {
			return true
		}
	}
	return false
}

// TestNewestIsVisible: a version that is hidden counts for nothing, and what is damaged is no
// ground to build on.
func TestNewestIsVisible(t *testing.T) {
	t.Parallel()
	c := newCertified(t, nil)
	leaf := c.always(t, c.ca, 0)
	chain := c.carry(leaf)
	before := c.put(c.make(spec{at: 5 * oneDay, sels: []sel{{"a", 0}}, value: "before", links: []*protocol.Record{chain, c.Genesis()[0]}}))
	after := c.put(c.make(spec{at: 11 * oneDay, sels: []sel{{"a", 0}}, value: "after", links: []*protocol.Record{chain, c.Genesis()[0]}}))
	want := func(newest *protocol.Record, superseded bool) {
		t.Helper()
		if got := mustNewest(t, c.Store, c.ownerID(0), c.points(sel{"a", 0})); got != newest.Timestamp {
			t.Errorf("the newest is of %d, want %d", got, newest.Timestamp)
		}
		if got, err := c.Superseded(t.Context(), before); err != nil || got != superseded {
			t.Errorf("superseded: %t, %v", got, err)
		}
	}
	want(after, true)
	c.put(c.revocation(13*oneDay, ownerCA, c.revoke(t, c.ca, leaf, 0, testTime+10*oneDay), before))
	want(before, false)
}

// TestNewestDamaged tells nothing of a damaged record.
func TestNewestDamaged(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	for kind, sql := range rotKinds {
		idx := f.index(t, "new")
		s, _ := f.form(t, kind).open(t, fmt.Sprintf(sql, idx))
		r := f.records[idx]
		_, err := s.Newest(t.Context(), r.Owner, f.w.points(sel{"key", 0}))
		if !isDamaged(err, r.ID(), strings.HasPrefix(kind, "header")) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
