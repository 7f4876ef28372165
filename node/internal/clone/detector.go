package clone

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"golang.org/x/time/rate"

	"github.com/lf-store/lf/protocol"
)

// Config is what a [Detector] needs.
type Config struct {
	Network *protocol.Network
	Host    host.Host // the node's own
	Key     ed25519.PrivateKey
	// Stranger makes a host with a throw-away identity that listens nowhere and dials what the node
	// itself may dial.
	Stranger func() (host.Host, error)
	// Violation is told of a peer that asked what no correct one asks.
	Violation func(peer.ID, error)
	Logger    *slog.Logger
}

// Detector looks for clones and answers theirs. A nil one ignores offers and knows of no clone.
type Detector struct {
	network   *protocol.Network
	host      host.Host
	key       ed25519.PrivateKey
	stranger  func() (host.Host, error)
	violation func(peer.ID, error)
	log       *slog.Logger
	nonce     nonce
	answers   *rate.Limiter
	wake      chan struct{}
	ctx       context.Context
	cancel    context.CancelFunc
	done      sync.WaitGroup

	mu   sync.Mutex
	plan *plan
}

// New starts a detector.
func New(c Config) *Detector {
	d := &Detector{
		network: c.Network, host: c.Host, key: c.Key, stranger: c.Stranger, violation: c.Violation, log: c.Logger,
		nonce: newNonce(), answers: rate.NewLimiter(answersRate, answersBurst), wake: make(chan struct{}, 1), plan: newPlan(),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	c.Host.SetStreamHandler(Protocol(c.Network), d.serve)
	d.done.Go(d.run)
	return d
}

// Close ends what is under way.
func (d *Detector) Close() error {
	d.host.RemoveStreamHandler(Protocol(d.network))
	d.cancel()
	d.done.Wait()
	return nil
}

func (d *Detector) public() ed25519.PublicKey {
	key, _ := d.key.Public().(ed25519.PublicKey) // it is one
	return key
}

// Offer takes in addresses that somebody names for the node's own ID. Those of the node itself are
// no news, and those at relays lead to whichever clone asked the relay last.
func (d *Detector) Offer(from Source, addrs []ma.Multiaddr) {
	if d == nil || len(addrs) == 0 {
		return
	}
	own := d.own()
	var list []string
	for _, a := range addrs {
		a, _ = peer.SplitAddr(a)
		if _, err := a.ValueForProtocol(ma.P_CIRCUIT); len(a) > 0 && err != nil && !ma.Contains(own, a) {
			list = append(list, a.String())
		}
	}
	if len(list) == 0 {
		return
	}
	d.mu.Lock()
	d.plan.offer(from, list, time.Now())
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// own are the addresses that lead to this process, as far as it knows.
func (d *Detector) own() []ma.Multiaddr {
	own := slices.Concat(d.host.Addrs(), d.host.Network().ListenAddresses())
	if resolved, err := d.host.Network().InterfaceListenAddresses(); err == nil {
		own = append(own, resolved...)
	}
	return own
}

// Sighting tells of a clone, if there is one.
func (d *Detector) Sighting() (Sighting, bool) {
	if d == nil {
		return Sighting{}, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.plan.sighting(time.Now())
}

// run asks what is due, one round after the other.
func (d *Detector) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-timer.C:
		case <-d.wake:
		}
		d.mu.Lock()
		ask := d.plan.round(time.Now())
		d.mu.Unlock()
		d.askAll(ask)
		d.mu.Lock()
		due := d.plan.due()
		d.mu.Unlock()
		if !due.IsZero() {
			timer.Reset(max(time.Until(due), 0))
		}
	}
}

// askAll asks at all addresses of a round at the same time and waits for them.
func (d *Detector) askAll(addresses []string) {
	var asking sync.WaitGroup
	for _, a := range addresses {
		asking.Go(func() {
			v, err := d.ask(d.ctx, a)
			if d.ctx.Err() != nil {
				return
			}
			d.log.Debug("asked at an address that was named for this node's own ID", "address", a, "self", v == oneself, "clone", v == another, "error", err)
			d.mu.Lock()
			news := d.plan.answered(a, v, time.Now())
			d.mu.Unlock()
			d.warn(news, a)
		})
	}
	asking.Wait()
}

// askedBy notes that a clone asked this node.
func (d *Detector) askedBy(from string) {
	d.mu.Lock()
	news := d.plan.asked(from, time.Now())
	d.mu.Unlock()
	d.warn(news, from)
}

// Advice is what to do about a clone.
const Advice = "stop one of the two. Where this home is a copy, stop this node, move identity.pem out of the home and start it again: it makes a new identity"

func (d *Detector) warn(news bool, address string) {
	if news {
		d.log.Warn("another running node has this node's identity: others take the two for one, and each gets only part of what is sent",
			"peer", d.host.ID(), "address", address, "do", Advice)
	}
}
