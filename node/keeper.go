package node

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

// seedTag is the seeds' protection in the connection manager.
const seedTag = "lf-seed"

// keeper stays connected to the seeds, and looks for other peers of the network when it has lost
// them. It runs the schedule: one goroutine owns it and feeds it with libp2p's events, with the
// clock, and with how dials ended.
type keeper struct {
	host  host.Host
	seeds map[peer.ID]peer.AddrInfo
	// lost are the addresses of the peers in the schedule that are no seeds.
	lost map[peer.ID][]ma.Multiaddr
	// worth tells at which addresses it is worth looking for a peer that was just lost; none: it is
	// not.
	worth    func(peer.ID) []ma.Multiaddr
	schedule *schedule
	// problems are what the last dials of the seeds failed at.
	problems map[peer.ID]string
	log      *slog.Logger
	events   event.Subscription
	dialed   chan dialResult
	asked    chan func()
	ended    <-chan struct{}
	dialing  int
	cancel   context.CancelFunc
	done     sync.WaitGroup
}

type dialResult struct {
	peer peer.ID
	err  error
}

// newKeeper starts to dial the seeds. It does so by the wall clock, whatever clock the records go
// by.
func newKeeper(h host.Host, seeds []peer.AddrInfo, worth func(peer.ID) []ma.Multiaddr, log *slog.Logger) (*keeper, error) {
	events, err := h.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationFailed),
		new(event.EvtLocalAddressesUpdated), new(event.EvtLocalReachabilityChanged),
	})
	if err != nil {
		return nil, fmt.Errorf("seeds: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &keeper{
		host: h, seeds: make(map[peer.ID]peer.AddrInfo, len(seeds)), lost: map[peer.ID][]ma.Multiaddr{}, worth: worth,
		problems: make(map[peer.ID]string, len(seeds)),
		log:      log, events: events, cancel: cancel,
		dialed: make(chan dialResult, maxDials), // no dial waits for the loop, which may have ended
		asked:  make(chan func()), ended: ctx.Done(),
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

// facts tells how it stands with the peers to stay connected to, the seeds first; none once the
// keeper is closed.
func (k *keeper) facts() (list []dialFacts) {
	told := make(chan struct{})
	select {
	case k.asked <- func() { list = k.dialFacts(); close(told) }:
		<-told
	case <-k.ended:
	}
	return list
}

func (k *keeper) dialFacts() []dialFacts {
	list := k.schedule.facts()
	for i := range list {
		if f := &list[i]; !f.connected {
			f.problem = k.problems[f.peer]
		}
	}
	return list
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
		case tell := <-k.asked:
			tell()
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

// connectedness takes the first connection after none at all for a sign, as good as a new address,
// that the network is back.
func (k *keeper) connectedness(e event.EvtPeerConnectednessChanged) {
	now := time.Now()
	connected := e.Connectedness != network.NotConnected
	if connected {
		delete(k.problems, e.Peer)
	}
	k.schedule.connectedness(e.Peer, now, connected, e.Connectedness == network.Limited)
	switch {
	case connected && len(k.host.Network().Peers()) == 1 && !k.isSeed(e.Peer):
		k.schedule.networkChanged(now)
	case connected:
	case k.isSeed(e.Peer):
		k.log.Info("lost the connection to a seed", "peer", e.Peer)
	default:
		k.seek(e.Peer, now)
	}
}

// seek has a peer that was lost dialed again, where it was last.
func (k *keeper) seek(p peer.ID, now time.Time) {
	addrs := k.worth(p)
	if len(addrs) == 0 {
		return
	}
	k.schedule.lost(p, now, !slices.ContainsFunc(addrs, func(a ma.Multiaddr) bool { return !isCircuit(a) }))
	k.lost[p] = addrs
	maps.DeleteFunc(k.lost, func(p peer.ID, _ []ma.Multiaddr) bool { return !k.schedule.has(p) })
	k.log.Debug("lost a peer", "peer", p)
}

// hangUp ends a connection whose peer did not say who it is and what it speaks, for want of
// resources most likely. libp2p asks once: such a connection would last, and be of no use to
// anybody. Without it, both sides can try again.
func (k *keeper) hangUp(e event.EvtPeerIdentificationFailed) {
	k.log.Debug("a peer did not identify itself", "peer", e.Peer, "reason", e.Reason)
	k.done.Go(func() { _ = k.host.Network().ClosePeer(e.Peer) }) // it may be closed already
}

func (k *keeper) dialDue(ctx context.Context) {
	for _, p := range k.schedule.tick(time.Now(), maxDials-k.dialing) {
		k.dialing++
		at := peer.AddrInfo{ID: p, Addrs: k.lost[p]}
		if k.isSeed(p) {
			at = k.seeds[p]
		}
		k.done.Go(func() { k.dialed <- dialResult{p, k.dial(ctx, at)} })
	}
}

func (k *keeper) dial(ctx context.Context, at peer.AddrInfo) error {
	// names are resolved first
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "seed"), 2*dialTimeout)
	defer cancel()
	clearBackoff(k.host, at.ID)
	return k.host.Connect(ctx, at)
}

// clearBackoff makes the caller's back-off the only one: the swarm's own would refuse dials that
// are due.
func clearBackoff(h host.Host, p peer.ID) {
	if s, ok := h.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(p)
	}
}

// dialEnded goes by whether there is a connection now: one that was made may be gone again.
func (k *keeper) dialEnded(r dialResult) {
	k.dialing--
	now, failures := time.Now(), k.schedule.failures(r.peer)
	state := k.host.Network().Connectedness(r.peer)
	ok := state != network.NotConnected
	k.schedule.dialed(r.peer, now, ok, state == network.Limited)
	if !ok && k.isSeed(r.peer) {
		k.problems[r.peer] = problemOf(r.err)
	}
	switch {
	case !k.isSeed(r.peer):
		k.log.Debug("dialed a peer that was lost", "peer", r.peer, "found", ok, "error", r.err)
	case ok:
		k.log.Info("connected to a seed", "peer", r.peer)
	case failures == 0: // once is news
		k.log.Warn("cannot reach a seed, will keep trying", "peer", r.peer, "addresses", k.seeds[r.peer].Addrs, "error", r.err)
	default:
		k.log.Debug("cannot reach a seed", "peer", r.peer, "failures", failures+1, "error", r.err)
	}
}
