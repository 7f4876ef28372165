package penalty

import (
	"context"
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/internal/supervisor"
)

// Penalties keeps the violations of peers, and bans peers: their connection is ended, and they are
// refused until a time. It is safe for concurrent use.
//
// One violation is enough. A minor violation may happen to a correct peer: it asks for more than
// its share, or does not answer in time. It is limited where it happens, and leads to a ban when it
// does not stop.
//
// The first ban is short: a program under development makes mistakes, and its author wants to try
// again. Each further one is twice as long. A violation that is reported while a ban lasts was
// under way when the ban began, and adds nothing to it.
type Penalties struct {
	// OnBan carries out a ban. It is called by any goroutine, once a ban. Set it before use.
	OnBan func(Ban)
	// First is the shortest ban for a violation.
	First time.Duration

	host  host.Host
	group *supervisor.Group

	mu    sync.Mutex
	peers *lru.Cache[peer.ID, *peerPenalty]
}

// Ban says that a peer is refused for some time, and why.
type Ban struct {
	Peer     peer.ID
	For      time.Duration
	Protocol string // in which the violation was, as metrics name it
	Reason   error
}

// peerPenalty is what is known of one peer.
type peerPenalty struct {
	minor    *rate.Limiter // the allowance for minor violations
	rejected int           // gossiped messages, each within Forgiveness of the one before
	reject   time.Time     // the last of them
	bans     int
	until    time.Time // the end of the last ban
}

// New returns the penalties of a node. Silent peers are probed in the group; without a host they
// are not.
func New(h host.Host, group *supervisor.Group, onBan func(Ban)) *Penalties {
	peers, err := lru.New[peer.ID, *peerPenalty](maxPeers)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &Penalties{OnBan: onBan, First: firstBan, host: h, group: group, peers: peers}
}

// Banned reports whether a peer must not be used now.
func (p *Penalties) Banned(id peer.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.peers.Peek(id)
	return ok && time.Now().Before(known.until)
}

// Bans counts the bans of a peer that are not forgotten.
func (p *Penalties) Bans(id peer.ID) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.peers.Peek(id); ok {
		return known.bans
	}
	return 0
}

// Report bans a peer if an error wraps a violation. It reports whether that is so.
func (p *Penalties) Report(id peer.ID, protocol string, err error) bool {
	v := ViolationIn(err)
	if v == nil {
		return false
	}
	p.penalize(Ban{id, p.First, protocol, errors.New(v.reason)}, func(*peerPenalty) bool { return true })
	return true
}

// ReportRejected bans a peer that gossiped what is invalid forever more often than gossip's score
// forgives.
func (p *Penalties) ReportRejected(id peer.ID, protocol string, violation error) {
	p.penalize(Ban{id, p.First, protocol, violation}, func(known *peerPenalty) bool {
		now := time.Now()
		if now.Sub(known.reject) > Forgiveness {
			known.rejected = 0
		}
		known.reject = now
		known.rejected++
		return known.rejected >= maxRejected
	})
}

// ReportMinor notes a minor violation, and bans the peer that commits too many.
func (p *Penalties) ReportMinor(id peer.ID, m Minor) {
	p.penalize(Ban{id, minorBan, m.Protocol, errors.New(m.What)}, func(known *peerPenalty) bool {
		return !known.minor.AllowN(time.Now(), m.Weight)
	})
}

// silence is a stream that held a place for as long as an item may take, and came to nothing.
var silence = Minor{8, "streams", "it is silent on streams, again and again"}

// ProbeAndPenalize notes that a peer was silent, if it answers a ping: beyond a link that was cut
// everybody is silent.
func (p *Penalties) ProbeAndPenalize(id peer.ID) {
	if p.host == nil {
		return
	}
	p.group.Go(func(ctx context.Context) error {
		ctx, done := context.WithTimeout(network.WithNoDial(ctx, "see whether it is there"), pingTime)
		defer done()
		if pong, ok := <-ping.Ping(ctx, p.host, id); ok && pong.Error == nil {
			p.ReportMinor(id, silence)
		}
		return nil
	})
}

// penalize bans the peer for at least as long as the ban says if guilty reports true.
func (p *Penalties) penalize(b Ban, guilty func(*peerPenalty) bool) {
	if b.Peer == "" {
		return
	}
	p.mu.Lock()
	now := time.Now()
	known, ok := p.peers.Get(b.Peer)
	if !ok || known.bans > 0 && now.Sub(known.until) > Forgiveness {
		known = &peerPenalty{minor: newAllowance()}
		p.peers.Add(b.Peer, known)
	}
	banned := !now.Before(known.until) && guilty(known)
	if banned {
		b.For = doubled(b.For, known.bans)
		*known = peerPenalty{minor: newAllowance(), bans: known.bans + 1, until: now.Add(b.For)}
	}
	p.mu.Unlock()
	if banned {
		p.OnBan(b)
	}
}

func newAllowance() *rate.Limiter { return rate.NewLimiter(minorRate, minorBurst) }

// doubled doubles a ban for each earlier one, up to longestBan.
func doubled(first time.Duration, earlier int) time.Duration {
	for ; earlier > 0 && first < longestBan; earlier-- {
		first *= 2
	}
	return min(first, longestBan)
}
