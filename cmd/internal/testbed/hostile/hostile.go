package hostile

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/protocol"
)

// Config is what an attacker is made of. All but Listen, Lull and Solve must be given.
type Config struct {
	Mode     string
	Network  *protocol.Network
	Identity ed25519.PrivateKey // decides all that is random, too
	Targets  []peer.AddrInfo
	// Listen are multiaddrs to listen on for peers.
	Listen []string
	// Lull is for how long the attacker behaves in the beginning, so that everybody knows it when
	// it begins.
	Lull time.Duration
	// Solve does the proofs of work, on a network that asks for any.
	Solve protocol.WorkSolver
	// Report gets what happens, one event after the other.
	Report func(Event)
}

// Mode is one way of being hostile.
type Mode struct {
	Name, About string
	make        func(*attacker) behavior
}

// behavior is what a mode does. What it leaves nil is done as an honest peer would that has no
// records.
type behavior struct {
	// attack is done to a target from the moment it is connected, until ctx ends because it is not
	// any more.
	attack func(ctx context.Context, target peer.ID) error
	// fetch and reconcile answer a stream that a target has opened.
	fetch, reconcile func(network.Stream) error
	// silent peers do not join the gossip.
	silent bool
}

// Modes returns all modes, in the order of their names.
func Modes() []Mode {
	return []Mode{
		{"bit-flips", "passes true records on with a bit flipped, by gossip and by fetch, and lists false IDs", bitFlips},
		{"fetch-lacks-listed", "lists records, true and made up, and has none of them when they are fetched", fetchLacksListed},
		{"fetch-silent", "lists records, true and made up, and never answers when they are fetched", fetchSilent},
		{"fetch-unrelated", "lists records, true and made up, and answers each fetch with valid ones that nobody asked for", fetchUnrelated},
		{"gossip-garbage", "gossips random bytes and records with false signatures", gossipGarbage},
		{"gossip-invented-ancestors", "gossips valid records that link to ancestors which nobody has", gossipInventedAncestors},
		{"reconcile-bogus-ids", "lists thousands of IDs that no record has", reconcileBogusIDs},
		{"reconcile-endless", "never comes to an end of reconciling: each answer holds new fingerprints", reconcileEndless},
		{"reconcile-garbage", "reconciles in random bytes, broken messages and lengths beyond reason", reconcileGarbage},
		{"slow-reader", "asks for much and reads a few bytes a second", slowReader},
		{"stream-flood", "opens streams as fast as it can and says nothing, or half a word", streamFlood},
	}
}

func modeOf(name string) (Mode, error) {
	var names []string
	for _, m := range Modes() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Mode{}, fmt.Errorf("unknown mode %q: want one of %s", name, strings.Join(names, ", "))
}

// Run attacks until ctx ends, which is no error.
func Run(ctx context.Context, c Config) error {
	mode, err := modeOf(c.Mode)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a, err := newAttacker(ctx, c)
	if err != nil {
		return err
	}
	defer a.close()
	return a.run(ctx, mode)
}

func (c *Config) check() error {
	if c.Network == nil || c.Report == nil || len(c.Targets) == 0 || len(c.Identity) != ed25519.PrivateKeySize {
		return errors.New("an attacker needs a network, an identity, a target and somebody to report to")
	}
	for _, t := range c.Targets {
		if len(t.Addrs) == 0 || slices.ContainsFunc(t.Addrs, forbidden) {
			return fmt.Errorf("target %s: only addresses of this machine are attacked, not %v", t.ID, t.Addrs)
		}
	}
	for _, text := range c.Listen {
		if addr, err := ma.NewMultiaddr(text); err != nil || forbidden(addr) {
			return fmt.Errorf("listen address %s: want a multiaddr of this machine, such as /ip4/127.0.0.1/tcp/0", text)
		}
	}
	return nil
}
