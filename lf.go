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
	// may be none: a node without seeds finds nodes of the local network, and peers that it met
	// before.
	Seeds []string `json:"seeds"`
	// Rendezvous are bootstrap peers of the public DHT (Amino), as multiaddrs with peer ID. Nodes
	// without a known peer meet there.
	Rendezvous []string `json:"rendezvous"`
}

// Rendezvous returns the bootstrap peers of the public DHT for nodes of the default network.
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

// DefaultNetwork returns the network of a node that is given no other, and its file with the
// default seeds in it. It stays the same forever: made again, it would be another network.
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
