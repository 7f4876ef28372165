package lf

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

const (
	// renewMost bounds how long before the end of a record's pulses its value is set again. It is a
	// tenth of the time for which the record pays.
	renewMost = 72 * time.Hour
	// renewAgain is the pause after an attempt that failed.
	renewAgain = 10 * time.Minute
)

// Renew has [Client.KeepAlive] set a value again, with new work, before its record can have no
// further pulses. That is when a tenth of the record's time is left, at most three days. The
// options that say how records are made hold for that, too. tell, which may be nil, learns what
// became of it, on another goroutine than [OnPulse]. After an error it is tried again in ten
// minutes.
func Renew(tell func(Key, *Written, error)) PulseOption {
	return pulseOption(func(p *pulsing) {
		if p.renew = tell; tell == nil {
			p.renew = func(Key, *Written, error) {}
		}
	})
}

// errOvertaken says that somebody has set a newer value, so that the old one need not be set again.
var errOvertaken = errors.New("a newer value was set meanwhile")

// renewals sets values again, one at a time.
type renewals struct {
	*pulser
	running sync.WaitGroup
	one     sync.Mutex
}

// renewal is when a claim's record is due to be made again.
type renewal struct {
	mu      sync.Mutex
	under   bool // it is being made
	earlier time.Time
}

// consider begins to set a value again if it is time. The caller must wait for running.
func (r *renewals) consider(ctx context.Context, of *renewal, done *Pulsed) {
	if r.renew == nil || done.answer == nil || done.Ends.IsZero() {
		return
	}
	now := time.Now()
	ahead := min(done.Ends.Sub(done.answer.Time)/10, renewMost)
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.under || now.Before(of.earlier) || done.Ends.Sub(now) > ahead {
		return
	}
	of.under = true
	answer := done.answer
	r.running.Go(func() {
		written, err := r.again(ctx, answer)
		if !errors.Is(err, errOvertaken) && ctx.Err() == nil {
			r.renew(answer.Key, written, err)
		}
		of.mu.Lock()
		defer of.mu.Unlock()
		of.under, of.earlier = false, time.Now().Add(renewAgain)
	})
}

// again sets a value again. Somebody may set a newer one while this one waits for its turn, and
// that one must stay. So again looks for one when it composes the record. What is set later is
// newer anyway.
func (r *renewals) again(ctx context.Context, a *Answer) (*Written, error) {
	r.one.Lock()
	defer r.one.Unlock()
	if a.Sealed {
		return nil, fmt.Errorf("%s: set it again: %w", a.Key, ErrSealed)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := r.writing
	w.owner, w.secret = "", r.author.secret
	w.composed = func(*protocol.Record) {
		newest, err := r.author.previous(ctx, a.Key)
		switch {
		case err != nil:
			cancel(err)
		case newest == nil || newest.Record != a.Record:
			cancel(errOvertaken)
		}
	}
	done, err := r.write(ctx, statement{kind: protocol.TypeDatum, key: a.KeyAsSet(), value: a.Value}, &w)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: set it again (its record pays for pulses until %s): %w", a.Key, text.LocalTime(r.lastPulse(a)), err)
	}
	return done, nil
}

// lastPulse is when an answer's record can have no further pulses, in ms.
func (p *pulser) lastPulse(a *Answer) uint64 {
	last, _, _ := p.network.PulseTerm(a.record)
	return 1000 * last
}
