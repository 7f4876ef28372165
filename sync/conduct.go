package lfsync

import (
	"context"
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/protocol"
)

// conduct keeps how peers behave, and has those dropped who do not behave: their connection is ended and they are refused for a
// while, longer each time.
//
// A fault, which no correct peer commits, is enough. A nuisance may happen to a correct peer now and then: it asks for more than its
// share, or does not answer in time. It is limited where it happens, and dropped when it does not stop.
type conduct struct {
	drop func(p peer.ID, d time.Duration)

	mu    sync.Mutex
	peers *lru.Cache[peer.ID, *repute]
}

// repute is how one peer has behaved.
type repute struct {
	patience *rate.Limiter // with its nuisances
	rejected int           // gossiped messages
	drops    int
	since    time.Time // the last drop
}

// A nuisance weighs as much as it costs.
type nuisance int

const (
	// nuisanceStream is a stream beyond its share, which was reset: some 100 µs.
	nuisanceStream nuisance = 1
	// nuisanceStall is a stream that held a place for as long as an item may take and came to nothing.
	nuisanceStall nuisance = 8
	// nuisanceDenial is an answer that lacks records which the peer itself listed.
	nuisanceDenial nuisance = 10
)

func newConduct(drop func(peer.ID, time.Duration)) *conduct {
	return &conduct{drop: drop, peers: newCache[peer.ID, *repute](maxBudgets)}
}

// fault drops a peer that broke a protocol.
func (c *conduct) fault(p peer.ID) { c.judge(p, faultPause, func(*repute) bool { return true }) }

// reject drops a peer that gossiped what is invalid for ever once more than the graylist forgives (see the scores in pubsub.go).
func (c *conduct) reject(p peer.ID) {
	c.judge(p, faultPause, func(r *repute) bool {
		r.rejected++
		return r.rejected >= maxRejected
	})
}

// bother notes a nuisance, and drops the peer that is one too often.
func (c *conduct) bother(p peer.ID, n nuisance) {
	c.judge(p, nuisancePause, func(r *repute) bool { return !r.patience.AllowN(time.Now(), int(n)) })
}

// judge drops a peer for at least so long if it is to be.
func (c *conduct) judge(p peer.ID, pause time.Duration, guilty func(*repute) bool) {
	if c.drop == nil || p == "" {
		return
	}
	c.mu.Lock()
	r, ok := c.peers.Get(p)
	if !ok || r.drops > 0 && time.Since(r.since) > forgiveness {
		r = &repute{patience: rate.NewLimiter(nuisanceRate, nuisanceBurst)}
		c.peers.Add(p, r)
	}
	drop := guilty(r)
	if drop {
		pause = backOff(pause, dropMost, r.drops)
		*r = repute{patience: rate.NewLimiter(nuisanceRate, nuisanceBurst), drops: r.drops + 1, since: time.Now()}
	}
	c.mu.Unlock()
	if drop {
		c.drop(p, pause)
	}
}

// blame notes how a stream that was served ended.
func (s *Sync) blame(ctx context.Context, p peer.ID, err error) {
	var fault *guiltyError
	if errors.As(err, &fault) {
		s.conduct.fault(p)
		return
	}
	s.stalled(ctx, p, err)
}

// stalled notes a stream that ended because nothing came, or nothing was read, for too long. That is the peer's doing only if it is
// there: behind a link that was cut everybody is silent.
func (s *Sync) stalled(ctx context.Context, p peer.ID, err error) {
	if err != nil && s.ctx.Err() == nil && (isTimeout(err) || errors.Is(ctx.Err(), context.DeadlineExceeded)) {
		s.reproach(p)
	}
}

// reproach notes that a peer is silent, if it is there.
func (s *Sync) reproach(p peer.ID) {
	if s.conduct.drop == nil || s.host == nil {
		return
	}
	s.spawn(func() {
		ctx, done := context.WithTimeout(network.WithNoDial(s.ctx, "see whether it is there"), aliveTime)
		defer done()
		if pong, ok := <-ping.Ping(ctx, s.host, p); ok && pong.Error == nil {
			s.conduct.bother(p, nuisanceStall)
		}
	})
}

// denied notes that a peer lacks records which it listed itself: attached records are never dropped, so it lied, then or now.
func (s *Sync) denied(p peer.ID, lacking []protocol.ID) {
	c := s.comparer
	c.mu.Lock()
	n := c.ledger.denied(p, lacking)
	c.mu.Unlock()
	if n > 0 {
		s.conduct.bother(p, nuisanceDenial)
	}
}

// dropping says in the log who is dropped, which an operator wants to know.
func (s *Sync) dropping(drop func(peer.ID, time.Duration)) func(peer.ID, time.Duration) {
	if drop == nil {
		return nil
	}
	return func(p peer.ID, d time.Duration) {
		s.log.Warn("dropped a peer that does not behave", "peer", p, "for", d)
		s.metrics.expelled.Inc()
		s.step(func(m *scheduler) { m.shun(p, d) }) // before it goes: then it is still known what only it listed
		drop(p, d)
	}
}
