package pulse

import (
	"time"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
)

// Claim is what a pulse counts for: what one owner says under one composite key.
type Claim struct {
	Composite protocol.CompositeID
	Owner     protocol.Owner
}

// Facts are what of a record its pulses need.
type Facts struct {
	Record protocol.ID
	Claim
	Index uint64
	// Effort is what the record paid, 0 where it needed no work. Last is the last second of which
	// it may have a pulse.
	Effort uint32
	Last   uint64
	// Stands says that the record may have pulses now.
	Stands bool
	read   time.Time
}

// factsOf are the facts of a record as the store has it.
func factsOf(n *protocol.Network, p intake.Pulsed, now time.Time) *Facts {
	r := p.Record
	f := &Facts{Record: r.ID(), Claim: Claim{r.CompositeID(), r.Owner}, Index: p.Index, read: now}
	last, paid, ok := n.PulseTerm(r)
	f.Last, f.Stands = last, ok && p.Stands
	if paid {
		f.Effort = r.Effort()
	}
	return f
}

// isStale reports whether the record is to be read again.
func (f *Facts) isStale(now time.Time) bool { return now.Sub(f.read) > factsTime }
