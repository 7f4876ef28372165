package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestObserve: an observer hears what each commit may have changed, before the change returns.
func TestObserve(t *testing.T) {
	t.Parallel()
	w := newTrustWorld(t, nil)
	s := openTest(t, w.world, Options{})
	var heard []Changes
	cancel := s.Observe(func(c *Changes) { heard = append(heard, *c) })
	last := func(count int) *Changes {
		t.Helper()
		if len(heard) != count {
			t.Fatalf("heard %d times, want %d", len(heard), count)
		}
		return &heard[count-1]
	}
	if c := last(1); c.Index != uint64(len(w.Genesis())) {
		t.Fatalf("at first: %+v", c)
	}
	put := func(r *protocol.Record) {
		t.Helper()
		if _, err := s.Put(t.Context(), r, 0); err != nil {
			t.Fatal(err)
		}
	}
	before := last(1).Work
	datum := w.full(spec{kind: protocol.TypeDatum, at: 1, sels: []sel{{"a", 1}}, value: "v"})
	put(datum)
	if c := last(2); !slices.Equal(c.Versions, []*protocol.Record{datum}) || c.Work != before+paid || c.Index != uint64(len(w.Genesis()))+1 {
		t.Fatalf("a datum: %+v", c)
	}
	put(datum)
	last(2) // it was known

	// A record that waits for another changes nothing until that comes. Then both have.
	parent := w.full(spec{kind: protocol.TypeDatum, at: 2, sels: []sel{{"a", 2}}, value: "v"})
	child := w.full(spec{kind: protocol.TypeRelease, at: 3, sels: []sel{{"a", 2}}, links: append(w.Genesis(), parent)})
	put(child)
	last(2)
	put(parent)
	if c := last(3); len(c.Versions) != 2 || c.Versions[0].ID() != parent.ID() || c.Versions[1].ID() != child.ID() {
		t.Fatalf("two at once: %+v", c)
	}

	chain := w.always(t, w.ca, 1)
	put(w.certificate(4, chain))
	if c := last(4); !slices.Contains(c.Certified, w.ownerID(1)) || c.Revoked || len(c.Versions) > 0 {
		t.Fatalf("a certificate: %+v", c)
	}
	put(w.certificate(5, chain))
	if c := last(5); len(c.Certified) > 0 {
		t.Fatalf("the same certificate: %+v", c)
	}
	put(w.commentary(6, 2, protocol.Word{Composite: datum.CompositeID(), Owner: datum.Owner, Objects: true}))
	if c := last(6); len(c.Commentaries) != 1 {
		t.Fatalf("a commentary: %+v", c)
	}
	put(w.revocation(7, ownerCA, w.revoke(t, w.ca, chain, 0, 0)))
	if c := last(7); !c.Revoked {
		t.Fatalf("a revocation: %+v", c)
	}

	failed := errors.New("the disk is full")
	err := s.change(context.Background(), func(t *tx) error {
		if err := t.put(newEntry(w.full(spec{kind: protocol.TypeDatum, at: 8, sels: []sel{{"b", 1}}, value: "v"})), 0, new(Result)); err != nil {
			return err
		}
		return failed
	})
	if c := last(8); !errors.Is(err, failed) || !c.Undone || len(c.Versions) > 0 || c.Work != heard[6].Work {
		t.Fatalf("a batch that failed: %+v, %v", c, err)
	}
	cancel()
	put(w.full(spec{kind: protocol.TypeDatum, at: 9, sels: []sel{{"a", 3}}, value: "v"}))
	last(8)
}
