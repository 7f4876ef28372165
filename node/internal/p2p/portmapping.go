package p2p

import (
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
)

// portMapping keeps hold of what asks the router for open ports, which libp2p makes, so that it can
// be asked what came of it. The zero value asks for none.
type portMapping struct {
	mu      sync.Mutex
	manager basichost.NATManager
}

// begin makes the manager, for libp2p.NATManager.
func (m *portMapping) begin(n network.Network) basichost.NATManager {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.manager = basichost.NewNATManager(n)
	return m.manager
}

// facts tells which of a host's ports the router forwards.
func (m *portMapping) facts(listening []ma.Multiaddr) (f api.PortMapping) {
	m.mu.Lock()
	manager := m.manager
	m.mu.Unlock()
	if manager == nil {
		return f
	}
	f.Asked, f.Router = true, manager.HasDiscoveredNAT()
	for _, a := range listening {
		if at := manager.GetMapping(a); at != nil && !slices.Contains(f.Mapped, at.String()) {
			f.Mapped = append(f.Mapped, at.String())
		}
	}
	return f
}
