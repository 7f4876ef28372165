package p2p

import (
	"errors"
	"testing"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"

	"github.com/lf-store/lf/node/internal/nodetest"
)

// settle waits until a connector has dealt with all events so far, and has ended what it wanted to.
func settle(k *Connector) {
	for len(k.events.Out()) > 0 {
		k.facts()
	}
	k.facts()
	k.dials.Wait()
}

// TestIdentifiedStays holds that a connection outlives one before it over which the peer did not
// say who it is. Before, a peer that parted and came back at once could be hung up on.
func TestIdentifiedStays(t *testing.T) {
	t.Parallel()
	network := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, network), newHost(t, network)
	k := connect(t, a)
	if err := b.Connect(t.Context(), infoOf(a)); err != nil {
		t.Fatal(err)
	}
	speak(t, a, b)
	failed, err := a.EventBus().Emitter(new(event.EvtPeerIdentificationFailed))
	if err != nil {
		t.Fatal(err)
	}
	defer failed.Close()
	before := a.Network().ConnsToPeer(b.ID())
	if err := failed.Emit(event.EvtPeerIdentificationFailed{Peer: b.ID(), Reason: errors.New("it parted")}); err != nil {
		t.Fatal(err)
	}
	settle(k)
	for _, c := range before {
		if c.IsClosed() {
			t.Errorf("%v was ended", c)
		}
	}
}

// TestUnidentifiedIsHungUp holds that a connection ends over which the peer does not say who it is.
func TestUnidentifiedIsHungUp(t *testing.T) {
	t.Parallel()
	network := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, network), newHost(t, network)
	connect(t, a)
	b.RemoveStreamHandler(identify.ID)
	if err := b.Connect(t.Context(), infoOf(a)); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "the connection has ended", func() bool { return !connected(a, b) && !connected(b, a) })
}

// TestIdentifiedForgets holds that nothing is kept of peers that are gone, whatever the order in
// which the loop hears of it.
func TestIdentifiedForgets(t *testing.T) {
	t.Parallel()
	network := nodetest.NewNetwork(t, 0)
	a, b := newHost(t, network), newHost(t, network)
	if err := a.Connect(t.Context(), infoOf(b)); err != nil {
		t.Fatal(err)
	}
	c, known := a.Network().ConnsToPeer(b.ID())[0], identified{}
	known.add(c)
	if !known.has(c) {
		t.Error("a connection is not known")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	known.forgetClosed(b.ID())
	known.add(c) // late
	if len(known) > 0 {
		t.Errorf("kept: %v", known)
	}
}
