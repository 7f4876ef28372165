package push

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// TestRequestsAreBounded holds that made-up announcements cost so much memory and no more, and are
// forgotten when they end.
func TestRequestsAreBounded(t *testing.T) {
	a := newRequests()
	var all [][]*request
	for i := range 2 * maxRequests / MaxPushed {
		ids := make([]protocol.ID, MaxPushed)
		for j := range ids {
			binary.BigEndian.PutUint64(ids[j][:], uint64(i*MaxPushed+j))
		}
		mine, others := a.begin(ids, time.Now().Add(requestTime), true)
		if len(mine) != MaxPushed || len(others) != 0 {
			t.Fatalf("%d are mine, %d others'", len(mine), len(others))
		}
		all = append(all, mine)
	}
	if len(a.inFlight) != maxRequests {
		t.Errorf("%d are remembered", len(a.inFlight))
	}
	if _, others := a.begin([]protocol.ID{all[0][0].id}, time.Now().Add(requestTime), true); len(others) != 1 {
		t.Error("what is asked for is not known")
	}
	// a peer that has waited for long enough
	theirs, _ := a.begin([]protocol.ID{all[0][0].id}, time.Now().Add(requestTime), false)
	for _, mine := range all {
		a.end(mine)
		a.end(mine)
	}
	if len(a.inFlight) != 1 || a.inFlight[theirs[0].id] != theirs[0] {
		t.Errorf("%d are left", len(a.inFlight))
	}
}
