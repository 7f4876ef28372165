package discovery

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/p2p"
)

// Seeds tells how it goes with the bootstrap peers.
func (r *Rendezvous) Seeds() (list []api.Seed) {
	for _, at := range r.bootstrapPeers {
		history := r.history(at.ID)
		list = append(list, history.Seed(api.KindRendezvous, at))
	}
	return list
}

// history goes by the host where a peer of the public DHT is connected: that DHT dials its peers by
// itself, too.
func (r *Rendezvous) history(p peer.ID) p2p.DialHistory {
	r.mu.Lock()
	d := r.dials[p]
	r.mu.Unlock()
	for _, conn := range r.host.Network().ConnsToPeer(p) {
		if opened := conn.Stat().Opened; !d.Connected || opened.Before(d.Since) {
			d = p2p.DialHistory{Connected: true, Since: opened}
		}
	}
	return d
}

func (r *Rendezvous) note(p peer.ID, change func(*p2p.DialHistory)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.dials[p]
	change(&now)
	r.dials[p] = now
}

// ask dials a bootstrap peer. Not to have answered before another one did is
// no failure.
func (r *Rendezvous) ask(ctx context.Context, at peer.AddrInfo) error {
	r.note(at.ID, func(d *p2p.DialHistory) { d.Dialing = true })
	err := r.host.Connect(ctx, at)
	r.note(at.ID, func(d *p2p.DialHistory) {
		d.Dialing = false
		switch {
		case err == nil:
			*d = p2p.DialHistory{Since: time.Now()}
		case errors.Is(ctx.Err(), context.Canceled):
		default:
			d.Failures++
			// which says no more than that it failed before
			if d.Problem == "" || !errors.Is(err, swarm.ErrDialBackoff) {
				d.Problem = p2p.DialProblem(err)
			}
		}
	})
	return err
}
