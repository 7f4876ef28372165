package pulse

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/lf-store/lf/protocol"
)

// outbox has the pulses that wait for one peer that is reached through a relay only. It is pure.
type outbox struct {
	waiting map[Claim]waitingPulse
	due     time.Time
	sending bool
	budget  *rate.Limiter // of all pulses to that peer
}

type waitingPulse struct {
	protocol.Pulse
	effort uint32
}

func newOutbox() *outbox {
	return &outbox{waiting: map[Claim]waitingPulse{}, budget: rate.NewLimiter(rate.Limit(relayRate)/60, MaxPush)}
}

// add has a pulse wait. Where there are too many, those that paid least make way. It returns how
// many were dropped.
func (o *outbox) add(p protocol.Pulse, f *Facts, now time.Time) (dropped int) {
	if _, waits := o.waiting[f.Claim]; !waits && len(o.waiting) >= MaxPush {
		least, effort := f.Claim, f.Effort
		for c, w := range o.waiting {
			if w.effort < effort {
				least, effort = c, w.effort
			}
		}
		if least == f.Claim {
			return 1
		}
		delete(o.waiting, least)
		dropped = 1
	}
	if len(o.waiting) == 0 {
		o.due = now.Add(gatherTime)
	}
	o.waiting[f.Claim] = waitingPulse{p, f.Effort}
	return dropped
}

// take returns what is to be sent now, nil if nothing is. What it returned is to be answered by
// sent.
func (o *outbox) take(now time.Time) (batch []protocol.Pulse) {
	if o.sending || len(o.waiting) == 0 || now.Before(o.due) {
		return nil
	}
	for c, w := range o.waiting {
		if !o.budget.AllowN(now, 1) {
			o.due = now.Add(spentTime)
			break
		}
		batch = append(batch, w.Pulse)
		delete(o.waiting, c)
	}
	o.sending = batch != nil
	return batch
}
