package lf

import (
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestLastWrites holds that of two writes of one owner under one key the second is later, and that
// few writes are remembered.
func TestLastWrites(t *testing.T) {
	t.Parallel()
	var l lastWrites
	a, b := protocol.Owner{1}, protocol.Owner{2}
	for i, step := range []struct {
		owner            protocol.Owner
		least, now, want uint64
	}{
		{a, 10, 10, 10}, {a, 10, 10, 11}, {b, 10, 10, 10}, {a, 10, 10, 12}, {a, 20, 20, 20}, {a, 15, 20, 21},
	} {
		if got := l.next(protocol.CompositeID{}, step.owner, step.least, step.now); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
	for i := range 5000 {
		l.next(protocol.CompositeID{byte(i), byte(i >> 8)}, a, uint64(100+i), uint64(100+i))
	}
	if len(l.known) > maxLastWrites {
		t.Errorf("%d writes remembered", len(l.known))
	}
}
