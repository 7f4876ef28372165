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

// conduct keeps how peers behave, and bans those that do not: their connection is ended, and they
// are refused until a time. It is the one keeper of penalties. Whoever plans with peers is told by
// it.
//
// A fault, which no correct peer commits, is enough. The caller of a stream handler or of a request
// reports it, once. A nuisance may happen to a correct peer now and then: it asks for more than its
// share, or does not answer in time. It is limited where it happens, and leads to a ban when it
// does not stop.
//
// The first ban is short: a program under development makes mistakes, and its author wants to try
// again. Each further one is twice as long. What is reported while a ban lasts was under way when
// it began, and adds nothing to it.
type conduct struct {
	ban func(ban)

	mu    sync.Mutex
	first time.Duration // the shortest ban for a fault
	peers *lru.Cache[peer.ID, *repute]
}

// ban says that a peer is refused for some time, and why.
type ban struct {
	peer     peer.ID
	pause    time.Duration
	protocol string // in which it did not behave, as metrics name it
	reason   error
}

// repute is how one peer has behaved.
type repute struct {
	patience *rate.Limiter // with its nuisances
	rejected int           // gossiped messages, each within forgiveness of the one before
	reject   time.Time     // the last of them
	bans     int
	until    time.Time // the end of the last ban
}

// nuisance is what a correct peer does now and then. It weighs as much as it costs.
type nuisance struct {
	weight         int
	protocol, what string
}

// The nuisances.
var (
	// nuisanceStream is a stream beyond its share, which was reset: some 100 µs.
	nuisanceStream = nuisance{1, "streams", "it opens more streams than its share, again and again"}
	// nuisanceStall is a stream that held a place for as long as an item may take and came to
	// nothing.
	nuisanceStall = nuisance{8, "streams", "it is silent on streams, again and again"}
	// nuisanceJunk is a comparison beyond what a peer may have for nothing.
	nuisanceJunk = nuisance{4, reconcileService, "it compares, and fetches and delivers nothing, again and again"}
	// nuisanceDenial is an answer that lacks records which the peer itself listed.
	nuisanceDenial = nuisance{10, fetchService, "it lacks records that it listed, again and again"}
	// nuisanceInvalid is a listed record that can never be valid: a correct peer does not attach
	// it.
	nuisanceInvalid = nuisance{10, reconcileService, "it lists invalid records, again and again"}
)

func newConduct(do func(ban)) *conduct {
	return &conduct{ban: do, first: faultPause, peers: newCache[peer.ID, *repute](maxBudgets)}
}

// fault bans a peer that broke a protocol.
func (c *conduct) fault(p peer.ID, protocol string, violation error) {
	c.judge(ban{p, c.first, protocol, violation}, func(*repute) bool { return true })
}

// reject bans a peer that gossiped what is invalid forever once more than the graylist forgives
// (see the scores in pubsub.go).
func (c *conduct) reject(p peer.ID, violation error) {
	c.judge(ban{p, c.first, gossipService, violation}, func(r *repute) bool {
		now := time.Now()
		if now.Sub(r.reject) > forgiveness {
			r.rejected = 0
		}
		r.reject = now
		r.rejected++
		return r.rejected >= maxRejected
	})
}

// bother notes a nuisance, and bans the peer that is one too often.
func (c *conduct) bother(p peer.ID, n nuisance) {
	c.judge(ban{p, nuisancePause, n.protocol, errors.New(n.what)}, func(r *repute) bool {
		return !r.patience.AllowN(time.Now(), n.weight)
	})
}

// judge bans a peer for at least as long as b says, if it is guilty.
func (c *conduct) judge(b ban, guilty func(*repute) bool) {
	if b.peer == "" {
		return
	}
	c.mu.Lock()
	now := time.Now()
	r, ok := c.peers.Get(b.peer)
	if !ok || r.bans > 0 && now.Sub(r.until) > forgiveness {
		r = &repute{patience: rate.NewLimiter(nuisanceRate, nuisanceBurst)}
		c.peers.Add(b.peer, r)
	}
	banned := !now.Before(r.until) && guilty(r)
	if banned {
		b.pause = backOff(b.pause, dropMost, r.bans)
		*r = repute{patience: rate.NewLimiter(nuisanceRate, nuisanceBurst), bans: r.bans + 1, until: now.Add(b.pause)}
	}
	c.mu.Unlock()
	if banned {
		c.ban(b)
	}
}

// blame notes how a stream that was served ended.
func (s *Sync) blame(ctx context.Context, p peer.ID, service string, err error) {
	if !s.accuse(p, service, err) {
		s.stalled(ctx, p, err)
	}
}

// accuse reports the fault that ended a stream, if it was one.
func (s *Sync) accuse(p peer.ID, service string, err error) bool {
	var fault *guiltyError
	if !errors.As(err, &fault) {
		return false
	}
	s.conduct.fault(p, service, errors.New(fault.reason))
	return true
}

// stalled notes a stream that ended because nothing came, or nothing was read, for too long. That
// is the peer's doing only if it is there: behind a link that was cut everybody is silent.
func (s *Sync) stalled(ctx context.Context, p peer.ID, err error) {
	if err != nil && s.ctx.Err() == nil && (isTimeout(err) || errors.Is(ctx.Err(), context.DeadlineExceeded)) {
		s.reproach(p)
	}
}

// reproach notes that a peer is silent, if it is there.
func (s *Sync) reproach(p peer.ID) {
	if s.host == nil {
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

// denied notes that a peer lacks records which it listed itself: attached records are never
// dropped, so it lied, then or now.
func (s *Sync) denied(p peer.ID, lacking []protocol.ID) {
	c := s.comparer
	c.mu.Lock()
	n := c.ledger.denied(p, lacking)
	c.mu.Unlock()
	if n > 0 {
		s.conduct.bother(p, nuisanceDenial)
	}
}

// withheld notes that a peer has records which it cannot send now. That is no violation. But who
// lists many such records is not compared with for a while: they may be invented, and listing them
// is free.
func (s *Sync) withheld(p peer.ID, damaged []protocol.ID) {
	if len(damaged) == 0 {
		return
	}
	s.comparer.plan(func(a *agenda) {
		a.tick(s.comparer.now())
		if n := s.comparer.ledger.withhold(p, damaged); n > maxWithheld {
			s.log.Info("a peer cannot send many records that it lists, and is not compared with for some time", "peer", p, "records", n, "for", withheldPause)
			a.postpone(p, withheldPause)
		}
	})
	s.step(func(m *scheduler) { m.withheld(damaged, p) })
}

// banned carries out a ban: it says in the log what the peer did, tells all that plan with it, and
// ends its connections.
func (s *Sync) banned(b ban, drop func(peer.ID, time.Duration)) {
	s.log.Info("banned a peer that broke the protocol", "peer", b.peer, "protocol", b.protocol, "violation", b.reason, "for", b.pause)
	s.metrics.expelled.Inc()
	// before it goes: then it is still known what only it listed
	s.step(func(m *scheduler) { m.shun(b.peer, b.pause) })
	s.comparer.plan(func(a *agenda) {
		a.tick(s.comparer.now())
		a.shun(b.peer, b.pause)
		s.comparer.ledger.drop(b.peer)
	})
	if drop != nil {
		drop(b.peer, b.pause)
	}
}
