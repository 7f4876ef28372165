package node

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// finder finds other nodes of the network in its own DHT, at the meeting point, and enters this node there. Seeds and known peers
// lead into the DHT; what is found there leads to everybody, whether or not the seeds stay.
type finder struct {
	host   host.Host
	dht    *dht.IpfsDHT
	at     cid.Cid
	speaks func(peer.ID) bool
	allow  func(peer.AddrInfo) peer.AddrInfo // keeps the addresses that may be dialed
	log    *slog.Logger
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// The pace of the finder. A look takes a few messages to peers that are connected already, most of the time.
const (
	// enoughPeers is what GossipSub wants around its mesh (D is 6, at most 12), and then the node is found by others.
	enoughPeers = 12
	firstFind   = 2 * time.Second
	mostFind    = 2 * time.Minute
	contentFind = 30 * time.Minute
	// findTime and provideTime bound one look and one entry, which end by themselves when the closest peers were asked.
	findTime, provideTime = 30 * time.Second, time.Minute
	// maxFound bounds what one look takes in.
	maxFound = 64
)

func newFinder(h host.Host, d *dht.IpfsDHT, at cid.Cid, speaks func(peer.ID) bool, allow func(peer.AddrInfo) peer.AddrInfo, log *slog.Logger) *finder {
	ctx, cancel := context.WithCancel(context.Background())
	f := &finder{host: h, dht: d, at: at, speaks: speaks, allow: allow, log: log, cancel: cancel}
	f.done.Go(func() { f.find(ctx) })
	f.done.Go(func() { f.provide(ctx) })
	return f
}

// Close ends what is under way. Connections stay as they are.
func (f *finder) Close() error {
	f.cancel()
	f.done.Wait()
	return nil
}

// find looks for others, over and over.
func (f *finder) find(ctx context.Context) {
	s := search{first: firstFind, most: mostFind, content: contentFind, enough: enoughPeers}
	for ctx.Err() == nil {
		if f.dht.RoutingTable().Size() == 0 {
			sleep(ctx, firstFind) // nobody to ask yet
			continue
		}
		if peers := f.peers(); peers < enoughPeers {
			f.look(ctx, enoughPeers-peers)
		}
		sleep(ctx, s.wait(f.peers()))
	}
}

// peers counts those of the network that are connected, by whatever way.
func (f *finder) peers() (n int) {
	for _, p := range f.host.Network().Peers() {
		if f.speaks(p) {
			n++
		}
	}
	return n
}

// look asks for the nodes at the meeting point and dials those that are not connected, as many as are wanted.
func (f *finder) look(ctx context.Context, wanted int) {
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "discovery"), findTime)
	defer cancel()
	room := make(chan struct{}, maxDials)
	var dials sync.WaitGroup
	defer dials.Wait()
	for p := range f.dht.FindProvidersAsync(ctx, f.at, maxFound) {
		p = f.allow(p)
		if p.ID == f.host.ID() || len(p.Addrs) == 0 || f.host.Network().Connectedness(p.ID) != network.NotConnected || wanted == 0 {
			continue
		}
		wanted--
		room <- struct{}{}
		dials.Go(func() {
			defer func() { <-room }()
			dialCtx, done := context.WithTimeout(ctx, dialTimeout)
			defer done()
			if err := f.host.Connect(dialCtx, p); err != nil {
				f.log.Debug("a node that was found did not answer", "peer", p.ID, "error", err)
			} else {
				f.log.Debug("found a node", "peer", p.ID)
			}
		})
	}
}

// provide enters this node at the meeting point, and again before the entry expires or when its addresses have changed: the entry
// names them, and a relay's comes some seconds after the start.
func (f *finder) provide(ctx context.Context) {
	pause := firstFind
	entered, at := time.Time{}, ""
	for ctx.Err() == nil {
		now := strings.Join(addressesOf(f.host), " ")
		if f.dht.RoutingTable().Size() > 0 && now != "" && (time.Since(entered) > provideEvery || now != at) {
			limited, cancel := context.WithTimeout(ctx, provideTime)
			err := f.dht.Provide(limited, f.at, true)
			cancel()
			if err == nil {
				entered, at, pause = time.Now(), now, firstFind
			} else {
				pause = min(2*pause, mostFind)
				f.log.Debug("not entered in the DHT", "error", err)
			}
		}
		sleep(ctx, pause)
	}
}
