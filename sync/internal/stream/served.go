package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/penalty"
)

// Served is a stream that a peer has opened and that is being served.
type Served struct {
	network.Stream
	budget  *budget
	limiter *Limiter
}

// Peer is the one at the other end.
func (s *Served) Peer() peer.ID { return s.Conn().RemotePeer() }

// ItemDeadline is when the item that comes next must have come.
func (s *Served) ItemDeadline(ctx context.Context) time.Time {
	return s.limiter.Times.ItemDeadline(ctx)
}

// Begin takes one of the places that all peers share, and the memory to serve, once the request has
// come. So a peer that opens streams and says nothing keeps the others from nothing.
func (s *Served) Begin() (end func(), err error) {
	if err := s.Scope().ReserveMemory(serveMemory, network.ReservationPriorityMedium); err != nil {
		return nil, fmt.Errorf("reserve memory: %w", err)
	}
	if !s.limiter.begin(s.budget) {
		s.Scope().ReleaseMemory(serveMemory)
		return nil, ErrOverloaded
	}
	return func() {
		s.limiter.end(s.budget)
		s.Scope().ReleaseMemory(serveMemory)
	}, nil
}

// Pay waits until the peer may have that many units more. It fails where that is not before the
// deadline.
func (s *Served) Pay(ctx context.Context, units int) error {
	if err := s.limiter.spend(ctx, s.budget, units); err != nil {
		return fmt.Errorf("rate limit: %w", err)
	}
	if err := s.limiter.all.take(ctx, &s.budget.all, min(units, serveRateAll)); err != nil {
		return fmt.Errorf("rate limit of all peers: %w", err)
	}
	return nil
}

// MayCompare reports whether a peer may have another message compared. To compare again and again,
// and to fetch and deliver nothing, is a minor violation.
func (s *Served) MayCompare(junk penalty.Minor) bool {
	l := s.limiter
	l.mu.Lock()
	left := s.budget.compares.left(time.Now())
	l.mu.Unlock()
	if !left {
		l.unserved.Add(1)
		l.Penalties.ReportMinor(s.Peer(), junk)
	}
	return left
}

// PayCompared pays for a message that was compared.
func (s *Served) PayCompared(ctx context.Context, units int) error {
	l := s.limiter
	l.mu.Lock()
	unearned := s.budget.compares.spend(time.Now(), units)
	l.mu.Unlock()
	if unearned > 0 {
		if err := l.unearned.take(ctx, &s.budget.unearned, min(unearned, CompareRateAll)); err != nil {
			return fmt.Errorf("rate limit of comparing: %w", err)
		}
	}
	return s.Pay(ctx, units)
}

// Earned notes that the peer has fetched records: it may compare more.
func (s *Served) Earned(records int) { s.limiter.Earned(s.Peer(), records) }
