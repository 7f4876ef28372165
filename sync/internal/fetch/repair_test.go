package fetch

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// TestRepairPlan asks each peer once, for few records at a time, and again after a while.
func TestRepairPlan(t *testing.T) {
	var damaged []protocol.ID
	for i := range maxRepairAsked + 5 {
		damaged = append(damaged, protocol.ID{byte(i), byte(i >> 8)})
	}
	peers := []peer.ID{"A", "B"}
	p := newRepairPlan(repairPatience)
	now := time.Duration(0)
	ask := func(want peer.ID, count int) []protocol.ID {
		t.Helper()
		p.see(now, damaged)
		from, ids := p.next(now, damaged, peers)
		if from != want || len(ids) != count {
			t.Fatalf("%d of %q, want %d of %q", len(ids), from, count, want)
		}
		return ids
	}
	if ids := p.unavailable(now, nil, peers); ids != nil {
		t.Error(ids)
	}
	ids := ask("A", maxRepairAsked)
	p.answered(now, "A", ids)
	p.answered(now, "A", ask("A", 5))
	if got := p.unavailable(now, damaged, peers); len(got) > 0 {
		t.Errorf("unavailable before B was asked: %d", len(got))
	}
	ask("B", maxRepairAsked)
	p.fail(now, "B")
	ask("", 0)
	now += repairRetry
	p.answered(now, "B", ask("B", maxRepairAsked))
	if got := p.unavailable(now, damaged, peers); len(got) != maxRepairAsked {
		t.Errorf("%d unavailable, want %d", len(got), maxRepairAsked)
	}
	p.answered(now, "B", ask("B", 5))
	if got := p.unavailable(now, damaged, peers); len(got) != len(damaged) {
		t.Errorf("%d unavailable, want all", len(got))
	}
	peers = append(peers, "C") // a new peer is asked at once
	ask("C", maxRepairAsked)
	damaged = damaged[:3] // what is repaired is not asked for
	p.answered(now, "C", ask("C", 3))
	ask("", 0)
	now += repairAgain
	ask("A", 3)

	// Without a peer it has patience.
	p, now = newRepairPlan(repairPatience), 0
	p.see(now, damaged)
	if got := p.unavailable(now, damaged, nil); len(got) > 0 {
		t.Error("gave up at once")
	}
	if got := p.unavailable(repairPatience, damaged, nil); len(got) != 3 {
		t.Error("never gives up")
	}
}
