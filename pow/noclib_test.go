//go:build !cgo

package pow

import "testing"

// TestUnavailable holds that a build without cgo says so, after it has looked at the puzzle.
func TestUnavailable(t *testing.T) {
	if _, err := Solve(t.Context(), nil, 1, 1, nil); err != ErrUnavailable {
		t.Errorf("got %v", err)
	}
	if _, err := NewSearch(nil, 1); err != ErrUnavailable {
		t.Errorf("got %v", err)
	}
	items := []Item{{fixtureChallenge, fixtureEffort, fixture}, {fixtureChallenge, 1, fixture}, {nil, 0, fixture}}
	if got := VerifyBatch(items); got[0] != nil || got[1] != ErrPartialSum || got[2] != ErrZeroEffort {
		t.Errorf("got %v", got)
	}
}
