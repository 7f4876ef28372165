package node

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/node/internal/p2p/discovery"
	"github.com/lf-store/lf/node/internal/service"
	"github.com/lf-store/lf/node/internal/syncstore"
	lfsync "github.com/lf-store/lf/sync"
)

// banAfterQuestion is how long a peer is refused that asked for the node's nonce as no correct one
// does.
const banAfterQuestion = time.Minute

// startHost makes the libp2p host.
func (n *Node) startHost(identity ed25519.PrivateKey) (err error) {
	c := &n.config
	n.host, err = p2p.New(p2p.Config{
		Network: c.Network, Identity: identity, Profile: c.Profile, Offline: c.Offline, Version: c.Version, Registry: n.registry,
		Logger: c.Logger, Secret: c.Secret, Announce: c.Announce, NoPortMapping: c.NoPortMapping, NoRelayService: c.NoRelayService,
		Testbed: c.Testbed.host(),
	})
	if err != nil {
		return err
	}
	n.parts.OnClose("host", n.host.Close)
	return nil
}

// startPeering starts all that has to do with peers. Offline that is only the synchronization,
// which is the door for this node's own records too.
func (n *Node) startPeering(ctx context.Context, identity ed25519.PrivateKey, seeds []peer.AddrInfo) error {
	c := &n.config
	if c.Offline {
		return n.startSync(discovery.Config{}, seeds)
	}
	if err := n.startCloneDetector(identity); err != nil {
		return err
	}
	d := discovery.Config{Network: c.Network, Host: n.host, Clone: n.peering.Clone, Logger: c.Logger}
	if err := n.startSync(d, seeds); err != nil {
		return err
	}
	var err error
	if n.peering.Known, err = p2p.LoadKnownPeers(ctx, n.host, n.datastore("peers")); err != nil {
		return err
	}
	n.parts.Start("known peers", n.peering.Known.Run)
	if n.peering.DHT, err = discovery.JoinDHT(ctx, d, n.datastore("dht"), n.peering.Known.List); err != nil {
		return err
	}
	n.parts.OnClose("DHT", n.peering.DHT.Close)
	if err := n.host.Start(n.parts); err != nil {
		return err
	}
	if err := n.host.Listen(ctx, c.Listen); err != nil {
		return err
	}
	return n.startDiscovery(d, seeds)
}

// startDiscovery begins to dial: the neighbors, the seeds, and whom the DHTs name.
func (n *Node) startDiscovery(d discovery.Config, seeds []peer.AddrInfo) (err error) {
	c := &n.config
	if c.Profile == p2p.ProfileDefault && !c.NoMDNS {
		n.peering.Neighbors = discovery.NewNeighbors(d)
		n.parts.Start("neighbors", n.peering.Neighbors.Run)
	}
	if err := n.host.SeekRelays(n.peering.DHT.Table(), seeds); err != nil {
		return err
	}
	if n.peering.Connector, err = p2p.NewConnector(n.host, seeds, n.remembered.List()); err != nil {
		return err
	}
	n.parts.Start("connector", n.peering.Connector.Run)
	if c.whyNoRendezvous() == "" {
		bootstrap, err := p2p.ParseSeeds(c.Rendezvous, n.host.ID(), c.Profile)
		if err != nil {
			return fmt.Errorf("rendezvous: %w", err)
		}
		if n.peering.Rendezvous, err = discovery.NewRendezvous(d, bootstrap); err != nil {
			return err
		}
		n.parts.Start("rendezvous", n.peering.Rendezvous.Run)
	}
	n.parts.Start("discovery in the DHT", n.peering.DHT.Run)
	return nil
}

// startCloneDetector looks for another node with this one's identity. Seeds with the node's own ID
// are where a copied home is noticed first.
func (n *Node) startCloneDetector(identity ed25519.PrivateKey) error {
	c := &n.config
	own, err := p2p.OwnSeeds(c.Seeds, n.host.ID(), c.Profile)
	if err != nil {
		return err
	}
	n.peering.Clone = clone.New(clone.Config{
		Network: c.Network, Host: n.host, Key: identity, Stranger: n.host.NewStranger, Logger: c.Logger,
		Violation: func(p peer.ID, err error) {
			c.Logger.Info("a peer did not behave, and is refused for a while", "peer", p, "violation", err, "for", banAfterQuestion)
			n.host.Ban(p, banAfterQuestion)
		},
	})
	n.parts.OnClose("clones", n.peering.Clone.Close)
	n.peering.Clone.Offer(clone.Seeds, own)
	return nil
}

// startSync starts gossip, unless offline, and the synchronization.
func (n *Node) startSync(d discovery.Config, seeds []peer.AddrInfo) error {
	c := &n.config
	config := lfsync.Config{
		Network: c.Network, Store: syncstore.Store{Store: n.store}, Verify: service.VerifyWork, Clock: c.Clock, Logger: c.Logger, Registerer: n.registry,
		Drop: n.host.Ban, Repairs: syncstore.Store{Store: n.store}, SetPath: n.store.SetPath(),
	}
	if !c.Offline {
		config.Host = n.host.Host
		ctx, stop := context.WithCancel(context.Background())
		n.parts.OnClose("gossip", func() error { stop(); return nil })
		config.GossipDrops = new(lfsync.GossipDrops)
		isSeed := func(p peer.ID) bool {
			return slices.ContainsFunc(seeds, func(s peer.AddrInfo) bool { return s.ID == p })
		}
		options := append(lfsync.PubSubOptions(c.Network, isSeed), config.GossipDrops.Options()...)
		var err error
		if config.PubSub, err = pubsub.NewGossipSub(ctx, discovery.NewPeerExchangeHost(d), options...); err != nil {
			return fmt.Errorf("gossip: %w", err)
		}
	}
	var err error
	if n.sync, err = lfsync.New(config); err != nil {
		return err
	}
	n.parts.OnClose("sync", n.sync.Close)
	return nil
}
