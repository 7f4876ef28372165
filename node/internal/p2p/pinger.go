package p2p

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// pinger measures the latency of connected peers, into the peerstore: at once when a peer is new,
// and now and then.
type pinger struct {
	host   host.Host
	events event.Subscription
	slots  chan struct{}
	pings  sync.WaitGroup
}

func newPinger(h host.Host) (*pinger, error) {
	events, err := h.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted))
	if err != nil {
		return nil, fmt.Errorf("ping: %w", err)
	}
	return &pinger{host: h, events: events, slots: make(chan struct{}, pingAtOnce)}, nil
}

// run pings until its context ends, and waits for the last ping.
func (p *pinger) run(ctx context.Context) error {
	defer p.events.Close()
	defer p.pings.Wait()
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, open := <-p.events.Out():
			if !open {
				return nil
			}
			if done, ok := e.(event.EvtPeerIdentificationCompleted); ok {
				p.start(ctx, done.Peer)
			}
		case <-ticker.C:
			peers := p.host.Network().Peers()
			rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
			for _, id := range peers {
				p.start(ctx, id)
			}
		}
	}
}

// start pings a peer once, unless as many as allowed are being pinged: which is left out changes
// with each round.
func (p *pinger) start(ctx context.Context, id peer.ID) {
	select {
	case p.slots <- struct{}{}:
	default:
		return
	}
	p.pings.Go(func() {
		defer func() { <-p.slots }()
		ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "ping"), pingTimeout)
		defer cancel()
		// it records the latency; a failure is the transport's to notice
		<-ping.Ping(ctx, p.host, id)
	})
}
