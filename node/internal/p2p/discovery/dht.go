package discovery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-datastore"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/routing"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/p2p"
)

// DHT is the network's own DHT. The node finds other nodes in it, as providers of the rendezvous
// key, and enters itself there. Seeds and known peers lead into it. The nodes that are found there
// lead to all others, whether or not the seeds stay.
type DHT struct {
	providerDiscovery
	table  *dht.IpfsDHT
	watch  *tableWatch
	server libp2pprotocol.ID // the protocol that only a server of the DHT has

	mu    sync.Mutex
	entry api.DHTFacts // Entered and Error
}

// The pace of the discovery. A look takes a few messages to peers that are connected already, most
// of the time.
const (
	// enoughPeers is what GossipSub wants around its mesh (D is 6, at most 12), and then the node
	// is found by others.
	enoughPeers = 12
	firstFind   = 2 * time.Second
	mostFind    = 2 * time.Minute
	contentFind = 30 * time.Minute // also where fewer are all there are
	// firstRefresh and mostRefresh bound the pauses between refreshes of the routing table.
	// quietRefresh is the longest pause while the table's size stays the same.
	firstRefresh, mostRefresh, quietRefresh = 30 * time.Second, 10 * time.Minute, time.Hour
	// firstSelf is the pause after the first look for the node's own ID. It doubles each time, up
	// to quietRefresh.
	firstSelf = 5 * time.Second
	// findTime and provideTime bound one look and one entry, which end by themselves when the
	// closest peers were asked.
	findTime, provideTime = 30 * time.Second, time.Minute
)

// JoinDHT joins the network's DHT. It begins with the peers that the node is connected to. It asks
// the known peers only when it has none. Run looks around from then on. It keeps no values, for
// which LF has a better place. Of provider records, of which anybody could store any number, it
// keeps those that the door lets in: each is a commit of the database.
func JoinDHT(ctx context.Context, c Config, store datastore.Batching, known func() []peer.AddrInfo) (*DHT, error) {
	base, err := newProviderDiscovery(&c)
	if err != nil {
		return nil, err
	}
	mode := dht.ModeServer
	if c.Host.Profile() == p2p.ProfileDefault {
		mode = dht.ModeAuto // a client until the node turns out to be reachable
	}
	prefix := c.Host.ProtocolPrefix()
	watched := watchTable(c.Host.Host, c.Host.ConnManager())
	// Run refreshes the routing table.
	table, err := dht.New(watched,
		dht.ProtocolPrefix(libp2pprotocol.ID(prefix)), dht.Datastore(store), dht.DisableValues(), dht.Mode(mode),
		dht.ProviderManagerOpts(records.ProvideValidity(provideValidity), records.ProviderAddrTTL(provideValidity)),
		dht.OnRequestHook(newProviderDoor(base.key, time.Now).check),
		dht.BootstrapPeersFunc(known), dht.AddressFilter(c.Host.Dialable), dht.DisableAutoRefresh(),
	)
	if err != nil {
		return nil, fmt.Errorf("DHT: %w", err)
	}
	if err := table.Bootstrap(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("DHT: %w", err), table.Close())
	}
	return &DHT{providerDiscovery: base, table: table, watch: watched.watch, server: libp2pprotocol.ID(prefix + "/kad/1.0.0")}, nil
}

// Table is the DHT itself.
func (f *DHT) Table() *dht.IpfsDHT { return f.table }

// Run looks for other nodes and enters this one, until its context ends. Connections stay.
func (f *DHT) Run(ctx context.Context) error {
	return supervisor.Run(ctx, f.find, f.provide, f.refresh, f.lookForSelf)
}

// Close leaves the DHT.
func (f *DHT) Close() error {
	if err := f.table.Close(); err != nil {
		return fmt.Errorf("DHT: %w", err)
	}
	return nil
}

// Facts tells how the node stands in the DHT. Whether it serves is found out by the protocol: the
// DHT itself tells only what it was told to be.
func (f *DHT) Facts() api.DHTFacts {
	f.mu.Lock()
	facts := f.entry
	f.mu.Unlock()
	facts.Mode, facts.Peers = api.DHTClient, f.size()
	if slices.Contains(f.host.Mux().Protocols(), f.server) {
		facts.Mode = api.DHTServer
	}
	return facts
}

// size counts the peers in the routing table.
func (f *DHT) size() int { return f.table.RoutingTable().Size() }

// tried notes how an attempt to enter this node went.
func (f *DHT) tried(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entry.Error = ""
	if err != nil {
		f.entry.Error = err.Error()
	} else {
		f.entry.Entered = api.Millis(time.Now())
	}
}

// find looks for others, over and over.
func (f *DHT) find(ctx context.Context) error {
	s := lookupBackoff{first: firstFind, most: mostFind, content: contentFind, quiet: contentFind, enough: enoughPeers}
	for f.watch.wait(ctx, f.size) == nil {
		if peers := f.peers(); peers < enoughPeers {
			f.look(ctx, enoughPeers-peers)
		}
		pauseUntilChange(ctx, s.wait(f.peers()), mostFind, f.peers)
	}
	return ctx.Err()
}

// refresh has the DHT refresh its routing table, over and over. Where there are at most ten peers,
// the DHT's own refresh runs every two minutes, whether or not anything changes. That was nearly
// half of the traffic of an idle node in a small network.
func (f *DHT) refresh(ctx context.Context) error {
	s := lookupBackoff{first: firstRefresh, most: mostRefresh, quiet: quietRefresh, enough: math.MaxInt}
	for f.watch.wait(ctx, f.size) == nil {
		select {
		case err := <-f.table.RefreshRoutingTable():
			if err != nil {
				f.log.Debug("the DHT could not look all around", "error", err)
			}
		case <-ctx.Done():
		}
		pauseUntilChange(ctx, s.wait(f.size()), mostRefresh, f.size)
	}
	return ctx.Err()
}

// lookForSelf asks the network's DHT where this node's own ID is, over and over. An address that is
// not the node's may be a clone's. The DHT's other answers leave out whoever asks.
func (f *DHT) lookForSelf(ctx context.Context) error {
	pause := firstSelf
	for f.watch.wait(ctx, f.size) == nil {
		f.lookUpSelf(ctx)
		_ = supervisor.Sleep(ctx, pause)
		pause = min(2*pause, quietRefresh)
	}
	return ctx.Err()
}

// lookUpSelf makes one look. The answers of single peers are read as they come, because the
// lookup's result has no addresses.
func (f *DHT) lookUpSelf(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	limited, events := routing.RegisterForQueryEvents(ctx)
	var looking sync.WaitGroup
	looking.Go(func() {
		defer cancel()
		if _, err := f.table.GetClosestPeers(limited, string(f.host.ID())); err != nil && ctx.Err() == nil {
			f.log.Debug("the DHT could not tell where this node's own ID is", "error", err)
		}
	})
	for e := range events {
		for _, p := range e.Responses {
			if p.ID == f.host.ID() {
				f.clone.Offer(clone.DHT, f.allow(*p).Addrs)
			}
		}
	}
	looking.Wait()
}

// pauseUntilChange sleeps. Now and then it sees whether there are as many as there were, and
// returns if not.
func pauseUntilChange(ctx context.Context, d, look time.Duration, count func() int) {
	before, until := count(), time.Now().Add(d)
	for ctx.Err() == nil && time.Now().Before(until) && count() == before {
		_ = supervisor.Sleep(ctx, min(look, time.Until(until)))
	}
}

// look asks for the nodes under the rendezvous key and dials those that are not connected, as many
// as are wanted.
func (f *DHT) look(ctx context.Context, wanted int) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	f.dialAll(ctx, f.table.FindProvidersAsync(ctx, f.key, maxFound), wanted)
}

// provide enters this node under the rendezvous key. It does so again before the entry expires, and
// when the node's addresses have changed, because the entry names them.
func (f *DHT) provide(ctx context.Context) error {
	changed, err := f.host.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated))
	if err != nil {
		return fmt.Errorf("DHT: %w", err)
	}
	defer changed.Close()
	entered, at, pause := time.Time{}, "", firstFind
	for f.watch.wait(ctx, f.size) == nil {
		now, wait := strings.Join(p2p.Addresses(f.host), " "), mostFind
		if now != "" && (time.Since(entered) > provideEvery || now != at) {
			if err := f.enter(ctx); err == nil {
				entered, at, pause = time.Now(), now, firstFind
			} else {
				pause = min(2*pause, mostFind)
				wait = pause
			}
		}
		_ = supervisor.Sleep(ctx, firstFind) // addresses that change often cost one entry each time
		select {
		case <-ctx.Done():
		case <-changed.Out():
		case <-time.After(wait):
		}
	}
	return ctx.Err()
}

// enter enters this node once.
func (f *DHT) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, provideTime)
	defer cancel()
	err := f.table.Provide(ctx, f.key, true)
	f.tried(err)
	if err != nil {
		f.log.Debug("not entered in the DHT", "error", err)
	}
	return err
}
