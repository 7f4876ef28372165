package store

import (
	"errors"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestAttached holds that all attached records come once, parents first, in several chunks, and
// that the caller's error ends it.
func TestAttached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := openTest(t, w, Options{volatile: true})
	chain := w.chain(3*attachedChunk + 7)
	if _, err := s.PutAll(t.Context(), chain, nil); err != nil {
		t.Fatal(err)
	}
	seen := map[protocol.ID]bool{}
	chunks := 0
	if err := s.Attached(t.Context(), func(chunk []*protocol.Record) error {
		chunks++
		for _, r := range chunk {
			for _, l := range r.Links {
				if !seen[l] {
					t.Errorf("%s comes before %s", r.ID(), l)
				}
			}
			if seen[r.ID()] {
				t.Errorf("%s comes twice", r.ID())
			}
			seen[r.ID()] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if all := len(chain) + len(w.Genesis()); len(seen) != all || chunks < 4 {
		t.Errorf("%d records of %d in %d chunks", len(seen), all, chunks)
	}
	enough := errors.New("enough")
	if err := s.Attached(t.Context(), func([]*protocol.Record) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}
