package stream

import (
	"context"
	"errors"
	"time"

	"github.com/lf-store/lf/internal/supervisor"
)

var errSpent = errors.New("the peer may have no more before the deadline")

// spending is what a peer had of this node, in units. It is forgotten with time; below 0 is what it
// earned ahead.
type spending struct {
	units float64
	at    time.Time
}

func (s *spending) forget(now time.Time, perSecond float64) {
	s.units = max(min(0, s.units), s.units-perSecond*max(0, now.Sub(s.at).Seconds()))
	s.at = now
}

// serve notes units, and returns how long the peer must wait for them. It may have some at once.
func (s *spending) serve(now time.Time, units, atOnce float64) (wait time.Duration) {
	s.forget(now, ServeRate)
	s.units += units
	return time.Duration(max(0, s.units-atOnce) / ServeRate * float64(time.Second))
}

// spend waits until a peer may have that many units more, or gives them back.
func (l *Limiter) spend(ctx context.Context, b *budget, units int) error {
	now := time.Now()
	l.mu.Lock()
	wait := b.served.serve(now, float64(units), l.atOnce())
	l.mu.Unlock()
	if wait == 0 {
		return nil
	}
	err := errSpent
	if end, ok := ctx.Deadline(); !ok || !now.Add(wait).After(end) {
		err = supervisor.Sleep(ctx, wait)
	}
	if err != nil {
		l.mu.Lock()
		b.served.units = max(0, b.served.units-float64(units)) // some was forgotten meanwhile
		l.mu.Unlock()
	}
	return err
}

// atOnce is how many units a peer may have at once: those of the whole set, or ServeBurst.
func (l *Limiter) atOnce() float64 {
	if l.Records == nil {
		return ServeBurst
	}
	return max(ServeBurst, serveRecord*float64(l.Records()))
}
