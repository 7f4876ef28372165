package simulation

import (
	"errors"
	"fmt"
	seeded "math/rand/v2"
	"net"
	"testing/synctest"

	"github.com/libp2p/go-libp2p/config"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	blankhost "github.com/libp2p/go-libp2p/p2p/host/blank"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	ma "github.com/multiformats/go-multiaddr"
)

// simHost is a libp2p host of a swarm, QUIC on a simulated endpoint, and identify. It lacks what is
// of no use here, so that a thousand fit into a process. Package x/simlibp2p makes such hosts too;
// its endpoints cannot lose anything.
type simHost struct {
	host.Host
	address ma.Multiaddr
	close   func() error
}

// Close implements io.Closer.
func (h *simHost) Close() error { return h.close() }

func (h *simHost) swarm() *swarm.Swarm { return h.Network().(*swarm.Swarm) }

// newHost makes the host at an index of a network; sent and read bytes are counted in t.
func (w *world) newHost(key crypto.PrivKey, index int, t *traffic) (_ *simHost, err error) {
	var closing []func() error
	undo := func() error {
		var errs []error
		for i := range closing {
			errs = append(errs, closing[len(closing)-1-i]())
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("host %d: %w", index, err), undo())
		}
	}()
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	store, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	closing = append(closing, store.Close)
	if err := store.AddPrivKey(id, key); err != nil {
		return nil, err
	}
	bus := eventbus.NewBus()
	// A counter of black holes would take a partition for a firewall and stop to dial.
	sw, err := swarm.NewSwarm(id, store, bus, swarm.WithMetrics(t), swarm.WithUDPBlackHoleSuccessCounter(nil))
	if err != nil {
		return nil, err
	}
	closing = append(closing, sw.Close)
	quic, closeQUIC, err := w.newQUIC(key, index)
	if err != nil {
		return nil, err
	}
	// the swarm's connections end first
	closing = append(closing[:len(closing)-1], closeQUIC, sw.Close)
	if err := sw.AddTransport(quic); err != nil {
		return nil, err
	}
	h := blankhost.NewBlankHost(sw, blankhost.WithEventBus(bus))
	ident, err := identify.NewIDService(h, identify.UserAgent("lf/simulation"))
	if err != nil {
		return nil, err
	}
	ident.Start()
	closing = append(closing, ident.Close)
	// identify must have subscribed to the bus, or it does not notice protocols that are set now
	synctest.Wait()
	return &simHost{Host: h, address: multiaddr(index), close: undo}, nil
}

// listen makes the host reachable: after all protocols are there, as a node does.
func (h *simHost) listen() error { return h.swarm().Listen(h.address) }

func multiaddr(index int) ma.Multiaddr {
	return ma.StringCast(fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", addressOf(index).IP))
}

func (w *world) newQUIC(key crypto.PrivKey, index int) (transport.Transport, func() error, error) {
	reset, err := config.PrivKeyToStatelessResetKey(key)
	if err != nil {
		return nil, nil, err
	}
	token, err := config.PrivKeyToTokenGeneratorKey(key)
	if err != nil {
		return nil, nil, err
	}
	from := fixedSource(addressOf(index).IP)
	manager, err := quicreuse.NewConnManager(reset, token,
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return from, nil }),
		quicreuse.OverrideListenUDP(func(_ string, a *net.UDPAddr) (net.PacketConn, error) {
			return w.newEndpoint(a, index), nil
		}))
	if err != nil {
		return nil, nil, err
	}
	quic, err := libp2pquic.NewTransport(key, manager, nil, nil, &network.NullResourceManager{})
	if err != nil {
		return nil, nil, errors.Join(err, manager.Close())
	}
	if relayed := w.config.relayed; relayed != nil {
		return &relayTransport{quic, func(other int) bool { return relayed(index) || relayed(other) }}, manager.Close, nil
	}
	return quic, manager.Close, nil
}

func (w *world) newEndpoint(a *net.UDPAddr, index int) *endpoint {
	link := simnet.LinkSettings{BitsPerSecond: w.config.bandwidth}
	return &endpoint{
		SimConn: w.net.NewEndpoint(a, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link}),
		wire:    &w.wire, index: index,
		luck: seeded.New(seeded.NewPCG(w.config.seed, uint64(index))),
	}
}

// fixedSource says that all datagrams leave from one address.
type fixedSource net.IP

// PreferredSourceIPForDestination implements quicreuse.SourceIPSelector.
func (s fixedSource) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return net.IP(s), nil
}
