package node

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	relayed "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

// newRelay has a host relay connections between others, whether or not it can be reached from the
// Internet.
func newRelay(h host.Host, counter relay.MetricsTracer) (*relay.Relay, error) {
	r := relay.DefaultResources()
	r.MaxReservationsPerIP = r.MaxReservations // the nodes of a testbed may all have one address
	service, err := relay.New(h, relay.WithResources(r), relay.WithMetricsTracer(counter))
	if err != nil {
		return nil, fmt.Errorf("relay service: %w", err)
	}
	return service, nil
}

const circuit = "/p2p-circuit"

// circuitsOf are the addresses at which a node is reached through relays.
func circuitsOf(relays []peer.AddrInfo) (addrs []ma.Multiaddr, err error) {
	for i := range relays {
		full, err := peer.AddrInfoToP2pAddrs(&relays[i])
		if err != nil {
			return nil, fmt.Errorf("relay %s: %w", relays[i].ID, err)
		}
		for _, a := range full {
			addrs = append(addrs, a.Encapsulate(ma.StringCast(circuit)))
		}
	}
	return addrs, nil
}

func isCircuit(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}

// The pauses between attempts at a relay that gives no reservation.
const (
	minReserve = 200 * time.Millisecond
	maxReserve = 5 * time.Second
	// reserveTime bounds one attempt.
	reserveTime = 15 * time.Second
)

// reserver keeps a node's places at its relays: a relay forgets whom it has lost the connection to.
type reserver struct {
	host   host.Host
	log    *slog.Logger
	bundle *network.NotifyBundle
	lost   map[peer.ID]chan struct{}
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	places map[peer.ID]time.Time // until when, at which relay
}

func newReserver(h host.Host, relays []peer.AddrInfo, log *slog.Logger) *reserver {
	r := &reserver{host: h, log: log, lost: make(map[peer.ID]chan struct{}, len(relays)), places: map[peer.ID]time.Time{}}
	for _, at := range relays {
		r.lost[at.ID] = make(chan struct{}, 1)
		h.ConnManager().Protect(at.ID, "lf-relay")
		h.Peerstore().AddAddrs(at.ID, at.Addrs, peerstore.PermanentAddrTTL)
	}
	r.bundle = &network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		if lost := r.lost[c.RemotePeer()]; lost != nil {
			select {
			case lost <- struct{}{}:
			default:
			}
		}
	}}
	h.Network().Notify(r.bundle)
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	for _, at := range relays {
		r.done.Go(func() { r.keep(ctx, at) })
	}
	return r
}

// Close gives up; the connections to the relays stay.
func (r *reserver) Close() error {
	r.cancel()
	r.done.Wait()
	r.host.Network().StopNotify(r.bundle)
	return nil
}

// holds lists the relays at which the node has a place now: it lasts until it expires, or the
// connection ends.
func (r *reserver) holds() (list []peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, until := range r.places {
		if time.Now().Before(until) && r.host.Network().Connectedness(p) == network.Connected {
			list = append(list, p)
		}
	}
	return list
}

// keep reserves, and again when the connection is lost or half the time has passed.
func (r *reserver) keep(ctx context.Context, at peer.AddrInfo) {
	pause := minReserve
	for ctx.Err() == nil {
		wait := pause - time.Duration(rand.Float64()*float64(pause)/2) // jitter is no secret
		until, err := r.reserve(ctx, at)
		if err != nil {
			r.log.Debug("no reservation at the relay", "relay", at.ID, "error", err)
			pause = min(2*pause, maxReserve)
		} else {
			r.log.Info("reachable through a relay", "relay", at.ID)
			r.mu.Lock()
			r.places[at.ID] = until
			r.mu.Unlock()
			pause, wait = minReserve, time.Until(until)/2
		}
		timer := time.NewTimer(max(wait, minReserve/2))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.lost[at.ID]:
			sleep(ctx, minReserve/2) // a relay that hangs up at once must not be dialed at once
		}
		timer.Stop()
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (r *reserver) reserve(ctx context.Context, at peer.AddrInfo) (until time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, reserveTime)
	defer cancel()
	clearBackoff(r.host, at.ID)
	if err := r.host.Connect(ctx, at); err != nil {
		return until, err
	}
	reservation, err := relayed.Reserve(ctx, r.host, at)
	if err != nil {
		return until, err
	}
	return reservation.Expiration, nil
}
