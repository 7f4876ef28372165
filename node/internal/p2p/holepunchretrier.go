package p2p

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/supervisor"
)

// holePunchRetrier has second tries at direct connections with peers that are reached through a
// relay. libp2p tries when such a connection is made, three times within some seconds, and then
// never again. One packet lost at the wrong moment, or an address not yet known, then keeps both
// peers on the relay. So the side that made the connection makes it again; the other side then
// begins to punch.
type holePunchRetrier struct {
	host   host.Host
	speaks func(peer.ID) bool
	log    *slog.Logger
	// pause is the time before the first try, up to twice that by chance. Each further try waits
	// four times as long.
	pause time.Duration
	tries map[peer.ID]tries // owned by run
}

// tries are how often it was tried with a peer, and when it is due again.
type tries struct {
	count int
	due   time.Time
}

func newHolePunchRetrier(h host.Host, speaks func(peer.ID) bool, pause time.Duration, log *slog.Logger) *holePunchRetrier {
	return &holePunchRetrier{host: h, speaks: speaks, log: log, pause: pause, tries: map[peer.ID]tries{}}
}

func (r *holePunchRetrier) run(ctx context.Context) error {
	for supervisor.Sleep(ctx, r.pause/3) == nil {
		for _, p := range r.due(time.Now()) {
			if ctx.Err() == nil {
				r.renew(ctx, p)
			}
		}
	}
	return ctx.Err()
}

// due returns the peers to try again. It forgets peers that are connected directly by now. It
// forgets a peer that is away only when its next try is due, because a try itself disconnects it
// for a moment.
func (r *holePunchRetrier) due(now time.Time) (list []peer.ID) {
	maps.DeleteFunc(r.tries, func(p peer.ID, t tries) bool {
		state := r.host.Network().Connectedness(p)
		return state == network.Connected || state == network.NotConnected && now.After(t.due)
	})
	for _, p := range r.host.Network().Peers() {
		if !r.speaks(p) || !r.ours(p) {
			continue
		}
		t, known := r.tries[p]
		if !known {
			t.due = now.Add(r.wait(0))
		}
		if t.count < maxPunchRetries && !now.Before(t.due) {
			t.count++
			t.due = now.Add(r.wait(t.count))
			list = append(list, p)
		}
		r.tries[p] = t
	}
	return list
}

// wait is the pause before the next try. Nodes that started together do not try together.
func (r *holePunchRetrier) wait(count int) time.Duration {
	return time.Duration((1 + rand.Float64()) * float64(r.pause<<(2*count))) // jitter is no secret
}

// ours reports whether this side has to try: it made the connection, the peer is reached through
// relays alone, and no stream is open there. Where both sides made one, the side with the smaller
// ID tries. Otherwise both would punch into each other's attempts.
func (r *holePunchRetrier) ours(p peer.ID) bool {
	return oursToTry(r.host.Network().ConnsToPeer(p), r.host.ID() < p)
}

func oursToTry(conns []network.Conn, smaller bool) bool {
	made, busy := 0, false
	for _, c := range conns {
		busy = busy || !IsCircuit(c.RemoteMultiaddr()) || len(c.GetStreams()) > 0
		if c.Stat().Direction == network.DirOutbound {
			made++
		}
	}
	return !busy && made > 0 && (made == len(conns) || smaller)
}

// renew ends the connections with a peer and makes another one.
func (r *holePunchRetrier) renew(ctx context.Context, p peer.ID) {
	at := peer.AddrInfo{ID: p}
	for _, c := range r.host.Network().ConnsToPeer(p) {
		at.Addrs = append(at.Addrs, c.RemoteMultiaddr())
	}
	r.log.Debug("another try at a direct connection", "peer", p)
	_ = r.host.Network().ClosePeer(p) // it may be gone
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "another try at a direct connection"), DialTimeout)
	defer cancel()
	for range 3 { // the other side may not know yet that the old one has ended
		clearBackoff(r.host, p)
		err := r.host.Connect(ctx, at)
		if err == nil {
			return
		}
		r.log.Debug("a relayed peer did not answer again", "peer", p, "error", err)
		_ = supervisor.Sleep(ctx, time.Second)
	}
}
