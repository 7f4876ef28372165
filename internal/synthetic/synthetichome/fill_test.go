package synthetichome

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/synthetic"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// TestFill: a home is filled in parts, one of which is interrupted, and has the records that were
// asked for. One with records of another mix is left alone.
func TestFill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mix := synthetic.Mix{Owners: 10, Ordinals: 5, UnderWay: 8, Updates: 10}
	var heard int
	for _, count := range []int{0, 3, 11, 100, 50} { // fewer than it has: nothing to do
		if err := Fill(t.Context(), dir, mix, count, func(done int) { heard = done }); err != nil {
			t.Fatal(err)
		}
	}
	if heard != 100 {
		t.Errorf("heard of %d records last, not of 100", heard)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	err := Fill(ctx, dir, mix, 100_000, func(int) { interrupt() })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	other := mix
	other.Ordinals = 4
	if err := Fill(t.Context(), dir, other, 100, nil); err == nil || !strings.Contains(err.Error(), "choose another folder") {
		t.Errorf("another mix: %v", err)
	}
	mustHold(t, dir, mix)
}

// mustHold compares all records of a home with those of a mix.
func mustHold(t *testing.T, dir string, mix synthetic.Mix) {
	t.Helper()
	maker, err := synthetic.NewMaker(mix)
	if err != nil {
		t.Fatal(err)
	}
	h, err := home.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(h.Database(), maker.Network(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var held []protocol.ID
	if err := s.Scan(t.Context(), func(items []store.Item) error {
		for _, item := range items {
			held = append(held, item.ID)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	held = held[len(maker.Network().Genesis()):]
	if len(held) < 100 {
		t.Errorf("the home has %d records", len(held))
	}
	want, err := maker.Make(len(held))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range want {
		if held[i] != r.ID() {
			t.Fatalf("record %d of the home is another one", i)
		}
	}
}
