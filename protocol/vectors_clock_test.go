package protocol_test

import (
	"errors"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// clockVector is a record's timestamp as a node sees it whose clock shows now. The record goes "on"
// to the next rule, is "held" until Until, or "dropped".
type clockVector struct {
	Network   string `json:"network"`
	Now       uint64 `json:"now"`
	Timestamp uint64 `json:"timestamp"`
	Outcome   string `json:"outcome"`
	Until     uint64 `json:"until"`
}

// TestVectorsClock holds the rule of the clock to SPEC.md's words, at both ends of each of its
// ranges.
func TestVectorsClock(t *testing.T) {
	t.Parallel()
	networks := vectorNetworks(t)
	const hour = 3_600_000
	var made []clockVector
	for _, now := range []uint64{0, 1_800_000_000_000, protocol.MaxTimestamp} {
		for _, ahead := range []int64{-1_700_000_000_000, -1, 0, 1, 120_000, 120_001, hour, 24*hour + 120_000, 24*hour + 120_001, 100 * 365 * 24 * hour} {
			v := clockVector{Network: "free", Now: now, Timestamp: uint64(int64(now) + ahead), Outcome: "on"}
			if int64(now)+ahead < 1 || v.Timestamp > protocol.MaxTimestamp {
				continue
			}
			switch drift := networks[v.Network].Params().ClockDrift; {
			case v.Timestamp <= now+drift:
			case v.Timestamp <= now+drift+24*hour:
				v.Outcome, v.Until = "held", v.Timestamp-drift
			default:
				v.Outcome = "dropped"
			}
			made = append(made, v)
		}
	}
	current(t, "clock.json", made)
	seen := map[string]int{}
	for _, v := range made {
		seen[v.Outcome]++
		until, err := networks[v.Network].HoldUntil(&protocol.Header{Timestamp: v.Timestamp}, v.Now)
		if dropped := errors.Is(err, protocol.ErrTooFarAhead); dropped != (v.Outcome == "dropped") || until != v.Until {
			t.Errorf("%+v: %d, %v", v, until, err)
		}
	}
	if seen["on"] < 3 || seen["held"] < 3 || seen["dropped"] < 3 {
		t.Errorf("%v", seen)
	}
}
