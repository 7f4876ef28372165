package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	manet "github.com/multiformats/go-multiaddr/net"
)

// TestGarbage has peers that send random bytes on every protocol that a node speaks, also with true
// lengths before them, and on the bare TCP port. Others open streams and say nothing. Meanwhile,
// and afterwards, the node serves an honest peer.
func TestGarbage(t *testing.T) {
	t.Parallel()
	network := newNetwork(t, 0)
	victim := start(t, config(t, network))
	honest := start(t, config(t, network, seeds(victim)))
	wantPeers(t, honest, 1)

	protocols := victim.host.Mux().Protocols()
	for _, want := range []string{"/fetch/", "/kad/", "/meshsub/", "/ipfs/id/", "/ipfs/ping/"} {
		if !containsProtocol(protocols, want) {
			t.Fatalf("the node speaks %v, and no %s", protocols, want)
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { sendGarbage(t, victim, protocols) })
	}
	wg.Go(func() { knock(t, victim) })
	set(t, honest.Service(), "meanwhile", "garbage#1")
	wg.Wait()

	wantRead(t, victim.Service(), "meanwhile", "garbage#1")
	set(t, victim.Service(), "afterwards", "garbage#2")
	wantRead(t, honest.Service(), "afterwards", "garbage#2")
	s, err := victim.Service().Status(t.Context())
	if err != nil || s.Storage.Attached != 4 || s.Storage.Pending != 0 || s.Storage.Held != 0 {
		t.Errorf("storage %+v, %v; want the genesis and two records", s.Storage, err)
	}
}

func containsProtocol(list []libp2pprotocol.ID, part string) bool {
	for _, p := range list {
		if strings.Contains(string(p), part) {
			return true
		}
	}
	return false
}

// sendGarbage is a peer that speaks all protocols badly.
func sendGarbage(t *testing.T, victim *Node, protocols []libp2pprotocol.ID) {
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		t.Error(err)
		return
	}
	defer h.Close()
	for _, p := range protocols {
		for range 4 {
			if err := babble(t.Context(), h, victim, p); err != nil {
				// the victim may hang up, and need not take the peer back at once
				t.Logf("%s: %v", p, err)
			}
		}
	}
}

func babble(ctx context.Context, h host.Host, victim *Node, p libp2pprotocol.ID) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := h.Connect(ctx, peer.AddrInfo{ID: victim.PeerID(), Addrs: victim.host.Addrs()}); err != nil {
		return err
	}
	s, err := h.NewStream(ctx, victim.PeerID(), p)
	if err != nil {
		return err
	}
	defer s.Reset()
	if err := s.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	noise := make([]byte, mathrand.IntN(4096))
	_, _ = rand.Read(noise)
	if mathrand.IntN(2) == 0 { // a length that is true, or one that is far from it
		size := uint64(len(noise))
		if mathrand.IntN(2) == 0 {
			size = mathrand.Uint64()
		}
		noise = append(binary.AppendUvarint(nil, size), noise...)
	}
	if _, err := s.Write(noise); err != nil {
		return err
	}
	if mathrand.IntN(2) == 0 {
		return nil // reset
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(s, 1<<20))
	return err
}

// knock sends garbage where a handshake should be.
func knock(t *testing.T, victim *Node) {
	for range 20 {
		for _, a := range victim.host.Network().ListenAddresses() {
			addr, err := manet.ToNetAddr(a)
			if err != nil {
				t.Error(err)
				return
			}
			c, err := net.Dial(addr.Network(), addr.String())
			if err != nil {
				t.Errorf("the node does not answer any more: %v", err)
				return
			}
			noise := make([]byte, 1+mathrand.IntN(512))
			_, _ = rand.Read(noise)
			_, _ = c.Write(noise)
			c.Close()
		}
	}
}

// TestSilentPeers has peers hold connections and streams open, some without a word, some in the
// middle of one: others still get in.
func TestSilentPeers(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	victim := start(t, config(t, n))
	for range 6 {
		h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		if err := h.Connect(t.Context(), peer.AddrInfo{ID: victim.PeerID(), Addrs: victim.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		for _, p := range victim.host.Mux().Protocols() {
			for i := range 5 {
				s, err := h.NewStream(network.WithNoDial(t.Context(), "test"), victim.PeerID(), p)
				if err != nil {
					continue // refused, which is well
				}
				defer s.Reset()
				if i < 3 {
					_, _ = s.Write([]byte{5})
				}
			}
		}
	}
	honest := start(t, config(t, n, seeds(victim)))
	set(t, victim.Service(), "still here", "silent")
	wantRead(t, honest.Service(), "still here", "silent")
}

// TestMutePeer has a peer that does not say what it speaks: the connection is ended, so that both
// can try again.
func TestMutePeer(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0)))
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.RemoveStreamHandler(identify.ID)
	if err := h.Connect(t.Context(), peer.AddrInfo{ID: n.PeerID(), Addrs: n.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection ends", func() bool { return len(h.Network().Peers()) == 0 })
}
