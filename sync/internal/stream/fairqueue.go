package stream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/lf-store/lf/internal/heap"
)

// fairQueue gives out what all peers together may use, in equal parts among those that wait for it.
// A peer that asks on ten streams, or that came first, gets no more than another one. It is
// start-time fair queueing: on a clock that counts units, each payment begins where the last one of
// its peer ended. The payment that begins first is next. It is made at once, and the next one waits
// until its units are there. So a peer that asks for little is back in the queue by then.
type fairQueue struct {
	limiter *rate.Limiter

	mu      sync.Mutex
	clock   float64              // where the payment began that was made last
	waiting *heap.Heap[*payment] // by where they begin
	// the next payment is made when the units of the last one are there
	timed bool
}

// share is how far one peer's payments have come in a queue, which guards it.
type share struct{ paidTo float64 }

// payment waits for its turn.
type payment struct {
	begins float64
	units  int
	number int           // in the heap, -1 when it is not in it any more
	made   chan struct{} // closed
}

func newFairQueue(perSecond int) *fairQueue {
	return &fairQueue{
		limiter: rate.NewLimiter(rate.Limit(perSecond), perSecond),
		waiting: heap.New(func(a, b *payment) bool { return a.begins < b.begins }, func(p *payment, to int) { p.number = to }),
	}
}

// take waits for units, at most as many as there are in a second.
func (s *fairQueue) take(ctx context.Context, of *share, units int) error {
	s.mu.Lock()
	p := &payment{begins: max(of.paidTo, s.clock), units: units, made: make(chan struct{})}
	of.paidTo = p.begins + float64(units)
	s.waiting.Push(p)
	s.pay()
	s.mu.Unlock()
	select {
	case <-p.made:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.number < 0 {
		return nil
	}
	s.waiting.Remove(p.number)
	return fmt.Errorf("wait for a share: %w", ctx.Err())
}

// pay makes the payments for which there are units; the caller holds the lock.
func (s *fairQueue) pay() {
	for s.waiting.Len() > 0 && !s.timed {
		now := time.Now()
		if lack := -s.limiter.TokensAt(now); lack > 0 {
			s.timed = true
			time.AfterFunc(time.Duration(lack/float64(s.limiter.Limit())*float64(time.Second))+1, s.payLater)
			return
		}
		p := s.waiting.Pop()
		s.clock = p.begins
		s.limiter.ReserveN(now, p.units)
		close(p.made)
	}
}

func (s *fairQueue) payLater() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timed = false
	s.pay()
}

// comparingSpent is what a peer had compared and what nothing came of: it neither fetched nor
// delivered records for it. A peer that compares for the sake of comparing has soon used its
// allowance up, and takes nothing from others.
type comparingSpent struct{ spending }

// left reports whether there is some left.
func (a *comparingSpent) left(now time.Time) bool {
	a.refill(now)
	return a.units < CompareBurst
}

func (a *comparingSpent) refill(now time.Time) { a.forget(now, CompareRate) }

// spend notes units of comparing, and returns how many of them are not earned yet. What one message
// costs may exceed the allowance.
func (a *comparingSpent) spend(now time.Time, units int) (unearned int) {
	a.refill(now)
	a.units += float64(units)
	return int(max(0, min(a.units, float64(units))))
}

// earn notes records that the peer fetched or delivered. Some of what they are worth is kept for
// the next comparison.
func (a *comparingSpent) earn(records int) {
	a.units = max(-CompareBurst, a.units-float64(records)*CompareEarned)
}
