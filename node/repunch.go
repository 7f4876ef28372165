package node

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// repuncher has second tries at direct connections with peers that are reached through a relay.
// libp2p tries when such a connection is made, three times within some seconds, and then never
// again: a packet lost at the wrong moment, or an address not yet known then, costs both a direct
// way for as long as the relay bears them. So the connection is made anew, by the side that made
// it; the other one then begins to punch.
type repuncher struct {
	host   host.Host
	speaks func(peer.ID) bool
	log    *slog.Logger
	// before the first try, up to twice that by chance; each further one waits four times as long
	pause  time.Duration
	cancel context.CancelFunc
	done   sync.WaitGroup
	tries  map[peer.ID]tries // owned by the loop
}

// tries are how often it was tried with a peer, and when it is due again.
type tries struct {
	count int
	due   time.Time
}

func newRepuncher(h host.Host, speaks func(peer.ID) bool, pause time.Duration, log *slog.Logger) *repuncher {
	ctx, cancel := context.WithCancel(context.Background())
	r := &repuncher{host: h, speaks: speaks, log: log, pause: pause, cancel: cancel, tries: map[peer.ID]tries{}}
	r.done.Go(func() { r.run(ctx) })
	return r
}

// Close ends what is under way.
func (r *repuncher) Close() error {
	r.cancel()
	r.done.Wait()
	return nil
}

func (r *repuncher) run(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, r.pause/3)
		for _, p := range r.due(time.Now()) {
			if ctx.Err() == nil {
				r.renew(ctx, p)
			}
		}
	}
}

// due returns whom to try again. Who is reached directly by now is forgotten, and who is away when
// the next try would be: not at once, since a try itself takes the peer away for a moment.
func (r *repuncher) due(now time.Time) (list []peer.ID) {
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
		if t.count < mostRepunches && !now.Before(t.due) {
			t.count++
			t.due = now.Add(r.wait(t.count))
			list = append(list, p)
		}
		r.tries[p] = t
	}
	return list
}

// wait is the pause before the next try. Nodes that started together do not try together.
func (r *repuncher) wait(count int) time.Duration {
	return time.Duration((1 + rand.Float64()) * float64(r.pause<<(2*count))) // jitter is no secret
}

// ours reports whether a peer is reached through relays alone, nothing is under way there, which
// would come first, and it is on this side to try: the one that made the connection. Where both
// made one, and punched at the same time into each other's attempts, it is the side with the
// smaller ID.
func (r *repuncher) ours(p peer.ID) bool {
	return oursToTry(r.host.Network().ConnsToPeer(p), r.host.ID() < p)
}

func oursToTry(conns []network.Conn, smaller bool) bool {
	made, busy := 0, false
	for _, c := range conns {
		busy = busy || !isCircuit(c.RemoteMultiaddr()) || len(c.GetStreams()) > 0
		made += btoi(c.Stat().Direction == network.DirOutbound)
	}
	return !busy && made > 0 && (made == len(conns) || smaller)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// renew ends the connections with a peer and makes another one.
func (r *repuncher) renew(ctx context.Context, p peer.ID) {
	at := peer.AddrInfo{ID: p}
	for _, c := range r.host.Network().ConnsToPeer(p) {
		at.Addrs = append(at.Addrs, c.RemoteMultiaddr())
	}
	r.log.Debug("another try at a direct connection", "peer", p)
	_ = r.host.Network().ClosePeer(p) // it may be gone
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "another try at a direct connection"), dialTimeout)
	defer cancel()
	for range 3 { // the other side may not know yet that the old one has ended
		clearBackoff(r.host, p)
		err := r.host.Connect(ctx, at)
		if err == nil {
			return
		}
		r.log.Debug("a relayed peer did not answer again", "peer", p, "error", err)
		sleep(ctx, time.Second)
	}
}
