package p2p

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	relayed "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/internal/supervisor"
)

// IsCircuit reports whether an address leads through a relay.
func IsCircuit(a ma.Multiaddr) bool {
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

// relayReserver keeps a host's reservations at its relays: a relay forgets a reservation when the
// connection ends.
type relayReserver struct {
	host   *Host
	relays []peer.AddrInfo
	lost   map[peer.ID]chan struct{}

	mu           sync.Mutex
	reservations map[peer.ID]time.Time // until when, by relay
}

func newRelayReserver(h *Host, relays []peer.AddrInfo) *relayReserver {
	r := &relayReserver{
		host: h, relays: relays, lost: make(map[peer.ID]chan struct{}, len(relays)), reservations: map[peer.ID]time.Time{},
	}
	for _, at := range relays {
		r.lost[at.ID] = make(chan struct{}, 1)
		h.ConnManager().Protect(at.ID, "lf-relay")
		h.Peerstore().AddAddrs(at.ID, at.Addrs, peerstore.PermanentAddrTTL)
	}
	return r
}

// run keeps the reservations. At its end the connections to the relays stay.
func (r *relayReserver) run(ctx context.Context) error {
	bundle := &network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		if lost := r.lost[c.RemotePeer()]; lost != nil {
			select {
			case lost <- struct{}{}:
			default:
			}
		}
	}}
	r.host.Network().Notify(bundle)
	defer r.host.Network().StopNotify(bundle)
	var each []func(context.Context) error
	for _, at := range r.relays {
		each = append(each, func(ctx context.Context) error { return r.keep(ctx, at) })
	}
	return supervisor.Run(ctx, each...)
}

// active lists the relays at which the host has a reservation now: it lasts until it expires, or
// the connection ends.
func (r *relayReserver) active() (list []peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, until := range r.reservations {
		if time.Now().Before(until) && r.host.Network().Connectedness(p) == network.Connected {
			list = append(list, p)
		}
	}
	return list
}

// keep reserves, and again when the connection is lost or half the time has passed.
func (r *relayReserver) keep(ctx context.Context, at peer.AddrInfo) error {
	pause := minReserve
	for ctx.Err() == nil {
		wait := pause - time.Duration(rand.Float64()*float64(pause)/2) // jitter is no secret
		until, err := r.reserve(ctx, at)
		if err != nil {
			r.host.config.Logger.Debug("no reservation at the relay", "relay", at.ID, "error", err)
			pause = min(2*pause, maxReserve)
		} else {
			r.host.config.Logger.Info("reachable through a relay", "relay", at.ID)
			r.mu.Lock()
			r.reservations[at.ID] = until
			r.mu.Unlock()
			pause, wait = minReserve, time.Until(until)/2
		}
		timer := time.NewTimer(max(wait, minReserve/2))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-r.lost[at.ID]:
			// a relay that hangs up at once must not be dialed at once
			_ = supervisor.Sleep(ctx, minReserve/2)
		}
		timer.Stop()
	}
	return ctx.Err()
}

func (r *relayReserver) reserve(ctx context.Context, at peer.AddrInfo) (until time.Time, err error) {
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
