// Package lf is the front door of LF ("aleph"), a fully decentralized, fully replicated key/value
// store for small facts that change rarely: keys, certificates, names, addresses, identity.
//
// The package itself only embeds the default network. The parts, from the bottom up:
//
//   - [github.com/lf-store/lf/protocol]: the record format and its rules, pure; protocol/SPEC.md is
//     normative.
//   - [github.com/lf-store/lf/pow]: the proof of work, Equi-X, in C behind a small Go API.
//   - [github.com/lf-store/lf/store]: the records in SQLite, and queries over them.
//   - [github.com/lf-store/lf/sync]: package lfsync, how records travel: gossip and fetch, and the
//     one door in.
//   - [github.com/lf-store/lf/node/api]: the HTTP API, server and Go client, one interface.
//   - [github.com/lf-store/lf/node]: a running peer, everything wired together.
//   - github.com/lf-store/lf/cmd/lf: the one binary.
//
// A program that wants to read and write through a running node needs node/api and protocol; one
// that wants to be a node starts one with node.Start.
package lf

import (
	_ "embed"
	"fmt"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

//go:embed default.lfnet
var defaultNetwork []byte

//go:embed seeds.json
var defaultSeeds []byte

// Seeds is what seeds.json holds: where a node of the default network finds its first peers.
type Seeds struct {
	// Network is the ID of the network that the seeds belong to.
	Network protocol.ID `json:"network"`
	// Seeds are multiaddrs with the peer ID at their end (/dns4/…/tcp/9908/p2p/12D3KooW…). There
	// may be none: a node without seeds finds its neighbors on the local network, and whom it met
	// before.
	Seeds []string `json:"seeds"`
	// Rendezvous are multiaddrs with the peer ID at their end of peers that lead into the public
	// DHT (Amino), in which nodes find each other that know nobody of the network.
	Rendezvous []string `json:"rendezvous"`
}

// Rendezvous returns the peers that lead nodes of the default network into the public DHT.
func Rendezvous() ([]string, error) {
	s, err := readSeeds()
	return s.Rendezvous, err
}

func readSeeds() (s Seeds, err error) {
	if err := strictjson.Unmarshal(defaultSeeds, &s, 0); err != nil {
		return s, fmt.Errorf("embedded seeds.json: %w", err)
	}
	return s, nil
}

// DefaultNetwork returns the network that a node is on when it is given no other, and its file with
// the default seeds in it. It stays the same forever: made again, it would be another network.
func DefaultNetwork() (*protocol.Network, protocol.NetworkFile, error) {
	n, f, err := protocol.ParseNetworkFile(defaultNetwork)
	if err != nil {
		return nil, f, fmt.Errorf("embedded network: %w", err)
	}
	s, err := readSeeds()
	if err != nil {
		return nil, f, err
	}
	if s.Network != n.ID() {
		return nil, f, fmt.Errorf("embedded seeds.json is for network %s, the embedded network is %s", s.Network, n.ID())
	}
	f.Seeds = s.Seeds
	return n, f, nil
}
