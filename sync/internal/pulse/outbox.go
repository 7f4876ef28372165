package pulse

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/stream"
)

// outbox has the pulses that wait for one peer that is reached through a relay only. It is pure.
type outbox struct {
	waiting map[Claim]waitingPulse
	due     time.Time
	sending bool
	failed  int           // how often sending failed in a row
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

// take returns what is to be sent now, nil if nothing is. It is to be answered by sent or again.
func (o *outbox) take(now time.Time) (batch map[Claim]waitingPulse) {
	if o.sending || len(o.waiting) == 0 || now.Before(o.due) {
		return nil
	}
	batch = map[Claim]waitingPulse{}
	for c, w := range o.waiting {
		if !o.budget.AllowN(now, 1) {
			o.due = now.Add(spentTime)
			break
		}
		batch[c] = w
		delete(o.waiting, c)
	}
	if len(batch) == 0 {
		return nil
	}
	o.sending = true
	return batch
}

// sent notes that the peer has dealt with what was taken.
func (o *outbox) sent() { o.sending, o.failed = false, 0 }

// again has what was taken sent once more, after a pause, unless newer pulses wait. It returns how
// many pulses are given up.
func (o *outbox) again(batch map[Claim]waitingPulse, now time.Time) (dropped int) {
	o.sending = false
	if o.failed++; o.failed > maxRetries {
		o.failed = 0
		return len(batch)
	}
	for c, w := range batch {
		if _, newer := o.waiting[c]; newer || len(o.waiting) >= MaxPush {
			dropped++
			continue
		}
		o.waiting[c] = w
	}
	o.due = now.Add(stream.BackOff(retryPush, time.Minute, o.failed-1))
	return dropped
}
