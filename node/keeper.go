package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// seedTag is the seeds' protection in the connection manager.
const seedTag = "lf-seed"

// keeper stays connected to the seeds. It runs the schedule: one goroutine owns it and feeds it with libp2p's events,
// with the clock, and with how dials ended.
type keeper struct {
	host     host.Host
	seeds    map[peer.ID]peer.AddrInfo
	schedule *schedule
	log      *slog.Logger
	events   event.Subscription
	dialed   chan dialResult
	dialing  int
	cancel   context.CancelFunc
	done     sync.WaitGroup
}

type dialResult struct {
	peer peer.ID
	err  error
}

// newKeeper starts to dial the seeds. It does so by the wall clock, whatever clock the records go by.
func newKeeper(h host.Host, seeds []peer.AddrInfo, log *slog.Logger) (*keeper, error) {
	events, err := h.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationFailed),
		new(event.EvtLocalAddressesUpdated), new(event.EvtLocalReachabilityChanged),
	})
	if err != nil {
		return nil, fmt.Errorf("seeds: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{
		host: h, seeds: make(map[peer.ID]peer.AddrInfo, len(seeds)), log: log, events: events, cancel: cancel,
		dialed: make(chan dialResult, maxDials), // no dial waits for the loop, which may have ended
	}
	ids := make([]peer.ID, len(seeds))
	for i, s := range seeds {
		ids[i], k.seeds[s.ID] = s.ID, s
		h.ConnManager().Protect(s.ID, seedTag)
		h.Peerstore().AddAddrs(s.ID, s.Addrs, peerstore.PermanentAddrTTL)
	}
	k.schedule = newSchedule(ids, time.Now(), nil)
	k.done.Go(func() { k.run(ctx) })
	return k, nil
}

// Close ends dials that are under way and waits for them. Connections stay as they are.
func (k *keeper) Close() error {
	k.cancel()
	k.done.Wait()
	if err := k.events.Close(); err != nil {
		return fmt.Errorf("seeds: %w", err)
	}
	return nil
}

func (k *keeper) isSeed(p peer.ID) bool {
	_, ok := k.seeds[p]
	return ok
}

func (k *keeper) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case e, open := <-k.events.Out():
			if !open {
				return
			}
			k.happened(e)
		case r := <-k.dialed:
			k.dialEnded(r)
		}
		k.dialDue(ctx)
		if next := k.schedule.next(); !next.IsZero() && k.dialing < maxDials {
			timer.Reset(max(time.Until(next), 0))
		}
	}
}

// happened tells the schedule about an event of libp2p's.
func (k *keeper) happened(e any) {
	switch e := e.(type) {
	case event.EvtPeerConnectednessChanged:
		k.connectedness(e)
	case event.EvtPeerIdentificationFailed:
		k.hangUp(e)
	default: // other addresses, another reachability
		k.schedule.networkChanged(time.Now())
	}
}

// connectedness takes the first connection after none at all for a sign, as good as a new address, that the network is
// back.
func (k *keeper) connectedness(e event.EvtPeerConnectednessChanged) {
	now := time.Now()
	connected := e.Connectedness == network.Connected || e.Connectedness == network.Limited
	k.schedule.connectedness(e.Peer, now, connected)
	if connected && len(k.host.Network().Peers()) == 1 && !k.isSeed(e.Peer) {
		k.schedule.networkChanged(now)
	}
	if !connected && k.isSeed(e.Peer) {
		k.log.Info("lost the connection to a seed", "peer", e.Peer)
	}
}

// hangUp ends a connection whose peer did not say who it is and what it speaks, for want of resources most likely. libp2p
// asks once: such a connection would last, and be of no use to anybody. Without it, both sides can try again.
func (k *keeper) hangUp(e event.EvtPeerIdentificationFailed) {
	k.log.Debug("a peer did not identify itself", "peer", e.Peer, "reason", e.Reason)
	k.done.Go(func() { _ = k.host.Network().ClosePeer(e.Peer) }) // it may be closed already
}

func (k *keeper) dialDue(ctx context.Context) {
	for _, p := range k.schedule.tick(time.Now(), maxDials-k.dialing) {
		k.dialing++
		k.done.Go(func() { k.dialed <- dialResult{p, k.dial(ctx, p)} })
	}
}

func (k *keeper) dial(ctx context.Context, p peer.ID) error {
	ctx, cancel := context.WithTimeout(ctx, 2*dialTimeout) // names are resolved first
	defer cancel()
	clearBackoff(k.host, p)
	return k.host.Connect(ctx, k.seeds[p])
}

// clearBackoff makes the caller's back-off the only one: the swarm's own would refuse dials that are due.
func clearBackoff(h host.Host, p peer.ID) {
	if s, ok := h.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(p)
	}
}

// dialEnded goes by whether there is a connection now: one that was made may be gone again.
func (k *keeper) dialEnded(r dialResult) {
	k.dialing--
	now, failures := time.Now(), k.schedule.seeds[r.peer].failures
	ok := k.host.Network().Connectedness(r.peer) == network.Connected
	k.schedule.dialed(r.peer, now, ok)
	switch {
	case ok:
		k.log.Info("connected to a seed", "peer", r.peer)
	case failures == 0: // once is news
		k.log.Warn("cannot reach a seed, will keep trying", "peer", r.peer, "addresses", k.seeds[r.peer].Addrs, "error", r.err)
	default:
		k.log.Debug("cannot reach a seed", "peer", r.peer, "failures", failures+1, "error", r.err)
	}
}
