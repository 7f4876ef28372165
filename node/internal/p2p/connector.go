package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
)

// seedTag is the seeds' protection in the connection manager.
const seedTag = "lf-seed"

// Connector stays connected to the seeds and to peers added by hand, and looks for other peers of
// the network when it has lost them. It runs a redialer: one goroutine owns it and feeds it with
// libp2p's events, with the clock, and with how dials ended.
type Connector struct {
	host  *Host
	seeds map[peer.ID]peer.AddrInfo
	// added are the peers that were added by hand. Only the loop changes it.
	mu    sync.RWMutex
	added map[peer.ID]peer.AddrInfo
	// lost are the addresses of the other peers in the redialer.
	lost     map[peer.ID][]ma.Multiaddr
	redialer *redialer
	// problems are what the last dials of seeds and added peers failed at.
	problems   map[peer.ID]string
	identified identified
	log        *slog.Logger
	events     event.Subscription
	dialed     chan dialResult
	asked      chan func()
	ended      chan struct{}
	dialing    int
	dials      sync.WaitGroup
}

type dialResult struct {
	peer peer.ID
	err  error
}

// NewConnector makes a connector that dials the seeds, and peers that were added by hand, as soon
// as it runs. It does so by the wall clock, whatever clock the records go by.
func NewConnector(h *Host, seeds, added []peer.AddrInfo) (*Connector, error) {
	events, err := h.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerIdentificationFailed),
		new(event.EvtLocalAddressesUpdated), new(event.EvtLocalReachabilityChanged),
	})
	if err != nil {
		return nil, fmt.Errorf("seeds: %w", err)
	}
	k := &Connector{
		host: h, seeds: make(map[peer.ID]peer.AddrInfo, len(seeds)), added: map[peer.ID]peer.AddrInfo{}, lost: map[peer.ID][]ma.Multiaddr{},
		problems: make(map[peer.ID]string, len(seeds)), identified: identified{},
		log: h.config.Logger, events: events,
		dialed: make(chan dialResult, MaxDials), // no dial waits for the loop, which may have ended
		asked:  make(chan func()), ended: make(chan struct{}),
	}
	ids := make([]peer.ID, len(seeds))
	for i, s := range seeds {
		ids[i], k.seeds[s.ID] = s.ID, s
		h.ConnManager().Protect(s.ID, seedTag)
		h.Peerstore().AddAddrs(s.ID, s.Addrs, peerstore.PermanentAddrTTL)
	}
	k.redialer = newRedialer(ids, time.Now(), nil)
	for _, at := range added {
		k.keep(at)
	}
	return k, nil
}

// IsSeed reports whether a peer is a seed.
func (k *Connector) IsSeed(p peer.ID) bool {
	_, ok := k.seeds[p]
	return ok
}

// isKept reports whether a peer is dialed without limit.
func (k *Connector) isKept(p peer.ID) bool { return k.IsSeed(p) || k.IsAdded(p) }

// addressOf is where a peer that is kept can be dialed.
func (k *Connector) addressOf(p peer.ID) peer.AddrInfo {
	if at, ok := k.seeds[p]; ok {
		return at
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.added[p]
}

// Dials tells how it stands with the peers to stay connected to, the seeds first; none after the
// end of Run.
func (k *Connector) Dials() []api.DialState {
	list := []api.DialState{}
	for _, d := range k.facts() {
		list = append(list, api.DialState{
			Peer: d.peer.String(), Seed: k.IsSeed(d.peer), Added: k.IsAdded(d.peer), Connected: d.Connected, Failures: d.Failures, Next: api.Millis(d.Due), Problem: d.Problem,
		})
	}
	return list
}

// Histories are how the dials of the peers to stay connected to went.
func (k *Connector) Histories() map[peer.ID]DialHistory {
	with := map[peer.ID]DialHistory{}
	for _, f := range k.facts() {
		with[f.peer] = f.DialHistory
	}
	return with
}

func (k *Connector) facts() (list []dialFacts) {
	_ = k.do(func() { list = k.dialFacts() }) // none after the end
	return list
}

// do has the loop call something and waits for that. It returns ErrConnectorEnded after the end of
// Run.
func (k *Connector) do(call func()) error {
	done := make(chan struct{})
	select {
	case k.asked <- func() { call(); close(done) }:
		<-done
		return nil
	case <-k.ended:
		return ErrConnectorEnded
	}
}

func (k *Connector) dialFacts() []dialFacts {
	list := k.redialer.facts()
	for i := range list {
		if f := &list[i]; !f.Connected {
			f.Problem = k.problems[f.peer]
		}
	}
	return list
}

// Run dials until its context ends. Connections stay as they are.
func (k *Connector) Run(ctx context.Context) error {
	defer k.events.Close()
	defer k.dials.Wait()
	defer close(k.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case e, open := <-k.events.Out():
			if !open {
				return nil
			}
			k.happened(e)
		case r := <-k.dialed:
			k.dialEnded(r)
		case tell := <-k.asked:
			tell()
		}
		k.dialDue(ctx)
		if next := k.redialer.next(); !next.IsZero() && k.dialing < MaxDials {
			timer.Reset(max(time.Until(next), 0))
		}
	}
}

// happened tells the redialer about an event of libp2p's.
func (k *Connector) happened(e any) {
	switch e := e.(type) {
	case event.EvtPeerConnectednessChanged:
		k.connectedness(e)
	case event.EvtPeerIdentificationCompleted:
		k.identified.add(e.Conn)
	case event.EvtPeerIdentificationFailed:
		k.hangUp(e)
	default: // other addresses, another reachability
		k.redialer.networkChanged(time.Now())
	}
}

// connectedness takes the first connection after none at all for a sign, as good as a new address,
// that the network is back.
func (k *Connector) connectedness(e event.EvtPeerConnectednessChanged) {
	now := time.Now()
	connected := e.Connectedness != network.NotConnected
	if connected {
		delete(k.problems, e.Peer)
	} else {
		k.identified.forgetClosed(e.Peer)
	}
	k.redialer.connectedness(e.Peer, now, connected, e.Connectedness == network.Limited)
	switch {
	case connected && len(k.host.Network().Peers()) == 1 && !k.IsSeed(e.Peer):
		k.redialer.networkChanged(now)
	case connected:
	case k.IsSeed(e.Peer):
		k.log.Info("lost the connection to a seed", "peer", e.Peer)
	case k.IsAdded(e.Peer):
		k.log.Info("lost the connection to a peer that was added by hand", "peer", e.Peer)
	default:
		k.seek(e.Peer, now)
	}
}

// seek has a peer that was lost dialed again, where it was last.
func (k *Connector) seek(p peer.ID, now time.Time) {
	addrs := k.worthSeeking(p)
	if len(addrs) == 0 {
		return
	}
	k.redialer.lost(p, now, !slices.ContainsFunc(addrs, func(a ma.Multiaddr) bool { return !IsCircuit(a) }))
	k.lost[p] = addrs
	maps.DeleteFunc(k.lost, func(p peer.ID, _ []ma.Multiaddr) bool { return !k.redialer.has(p) })
	k.log.Debug("lost a peer", "peer", p)
}

func (k *Connector) dialDue(ctx context.Context) {
	for _, p := range k.redialer.tick(time.Now(), MaxDials-k.dialing) {
		k.dialing++
		at := peer.AddrInfo{ID: p, Addrs: k.lost[p]}
		if k.isKept(p) {
			at = k.addressOf(p)
		}
		k.dials.Go(func() { k.dialed <- dialResult{p, k.dial(ctx, at)} })
	}
}

func (k *Connector) dial(ctx context.Context, at peer.AddrInfo) error {
	// names are resolved first
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "seed"), 2*DialTimeout)
	defer cancel()
	if until := k.host.refused.end(at.ID); time.Now().Before(until) {
		return &refusedError{until}
	}
	clearBackoff(k.host, at.ID)
	return k.host.Connect(ctx, at)
}

// dialEnded goes by whether there is a connection now: one that was made may be gone again.
func (k *Connector) dialEnded(r dialResult) {
	k.dialing--
	now, failures := time.Now(), k.redialer.failures(r.peer)
	state := k.host.Network().Connectedness(r.peer)
	ok := state != network.NotConnected
	k.redialer.dialed(r.peer, now, ok, state == network.Limited)
	if !ok && k.isKept(r.peer) {
		k.problems[r.peer] = DialProblem(r.err)
	}
	var refused *refusedError
	switch {
	case !k.IsSeed(r.peer) || errors.As(r.err, &refused):
		k.log.Debug("dialed a peer", "peer", r.peer, "found", ok, "error", r.err)
	case ok:
		k.log.Info("connected to a seed", "peer", r.peer)
	case failures == 0: // once is news
		k.log.Warn("cannot reach a seed, will keep trying", "peer", r.peer, "addresses", k.seeds[r.peer].Addrs, "error", r.err)
	default:
		k.log.Debug("cannot reach a seed", "peer", r.peer, "failures", failures+1, "error", r.err)
	}
}

// worthSeeking returns where a peer can be dialed that was just lost, if it is of this network. A
// node with many connections closes some by itself, and needs none back.
func (k *Connector) worthSeeking(p peer.ID) (at []ma.Multiaddr) {
	if !k.host.Speaks(p) || !k.host.refused.allow(p) || len(k.host.Network().Peers()) >= k.host.config.Profile.sizes().low {
		return nil
	}
	for _, a := range k.host.Peerstore().Addrs(p) {
		if len(at) < maxKnownAddrs && k.host.MayDial(a) {
			at = append(at, a)
		}
	}
	return at
}
