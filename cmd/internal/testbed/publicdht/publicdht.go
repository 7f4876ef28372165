// Package publicdht is an ordinary peer of a public DHT. It serves the DHT, relays connections, and
// knows nothing of LF. Nodes of a testbed meet through some of them.
package publicdht

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// dialAgain is the pause between attempts at peers that do not answer yet.
const dialAgain = 500 * time.Millisecond

// Config is what a peer is made of.
type Config struct {
	Identity ed25519.PrivateKey
	Listen   []string        // multiaddrs
	Peers    []peer.AddrInfo // others of the DHT
	Ready    func() error    // called when it listens
}

// Run serves until ctx ends, which is no error.
func Run(ctx context.Context, c Config) (err error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(c.Identity)
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	h, err := libp2p.New(libp2p.Identity(key), libp2p.ListenAddrStrings(c.Listen...), libp2p.UserAgent("stranger/1"),
		libp2p.ForceReachabilityPublic(), libp2p.EnableRelayService(), libp2p.EnableNATService(), libp2p.EnableAutoNATv2())
	if err != nil {
		return fmt.Errorf("libp2p: %w", err)
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	table, err := dht.New(h, dht.Mode(dht.ModeServer)) // its prefix is the public one, /ipfs
	if err != nil {
		return fmt.Errorf("DHT: %w", err)
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	if err := c.Ready(); err != nil {
		return err
	}
	meet(ctx, h, c.Peers)
	<-ctx.Done()
	return nil
}

// meet connects to the others, when they are there.
func meet(ctx context.Context, h host.Host, peers []peer.AddrInfo) {
	for _, p := range peers {
		for p.ID != h.ID() && ctx.Err() == nil && h.Connect(ctx, p) != nil {
			select {
			case <-ctx.Done():
			case <-time.After(dialAgain):
			}
		}
	}
}
