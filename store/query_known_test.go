package store

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestKnown: records that the asker knows are not read from the disk. The answer is the same, and
// damage there does no harm.
func TestKnown(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	known := map[uint64]*protocol.Record{}
	for i, r := range f.records[1:] {
		known[uint64(i+1)] = r
	}
	sound, _ := f.open(t)
	broken, _ := f.plain(t).open(t, fmt.Sprintf(rotKinds["header empty"], f.index(t, "new")), fmt.Sprintf(rotKinds["value zero"], f.index(t, "tip")))
	for _, name := range []string{"key", "tip", "gone"} {
		q := Query{Where: []Range{f.w.where(name, 0, 0)}, Explain: true}
		want := mustQuery(t, sound, q)
		if q.Known = known; !alike(mustQuery(t, broken, q), want) {
			t.Errorf("%s: other answers by what is known", name)
		}
		delete(known, uint64(f.index(t, "new")))
		if damaged := mustQuery(t, broken, q).Keys[0].Damaged != nil; damaged != (name == "key") {
			t.Errorf("%s: a record that is not known is damaged: %v", name, damaged)
		}
		known[uint64(f.index(t, "new"))] = f.records[f.index(t, "new")]
	}
}

// TestExplainContested: keys that several claim are explained, and no others.
func TestExplainContested(t *testing.T) {
	t.Parallel()
	f := rottenStore(t)
	s, _ := f.open(t)
	for name, contested := range map[string]bool{"key": true, "tip": false, "gone": false} {
		q := Query{Where: []Range{f.w.where(name, 0, 0)}}
		plain := mustQuery(t, s, q)
		q.Explain = true
		explained := mustQuery(t, s, q)
		q.Explain, q.ExplainContested = false, true
		want := plain
		if contested {
			want = explained
		}
		if got := mustQuery(t, s, q); !alike(got, want) || alike(plain, explained) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// alike compares answers, records by their IDs.
func alike(a, b Answers) bool {
	if len(a.Keys) != len(b.Keys) {
		return false
	}
	for i := range a.Keys {
		x, y := a.Keys[i], b.Keys[i]
		if x.Total != y.Total || x.Composite != y.Composite || len(x.Claims) != len(y.Claims) {
			return false
		}
		for j := range x.Claims {
			p, q := x.Claims[j], y.Claims[j]
			if p.Record.ID() != q.Record.ID() {
				return false
			}
			if p.Record, q.Record = nil, nil; !reflect.DeepEqual(p, q) {
				return false
			}
		}
	}
	return true
}
