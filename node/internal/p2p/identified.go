package p2p

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
)

// identified are the connections over which a peer has said who it is and what it speaks. libp2p
// names the connection where that succeeded, and only the peer where it failed.
type identified map[peer.ID][]network.Conn

func (i identified) add(c network.Conn) {
	i[c.RemotePeer()] = append(i[c.RemotePeer()], c)
	i.forgetClosed(c.RemotePeer()) // it may have ended before the loop heard of it
}

// forgetClosed keeps of a peer's connections those that are open. It may be back already when the
// loop hears that it was lost.
func (i identified) forgetClosed(p peer.ID) {
	i[p] = slices.DeleteFunc(i[p], network.Conn.IsClosed)
	if len(i[p]) == 0 {
		delete(i, p)
	}
}

func (i identified) has(c network.Conn) bool { return slices.Contains(i[c.RemotePeer()], c) }

// hangUp ends the connections over which a peer did not say who it is and what it speaks, for want
// of resources most likely. libp2p asks once: such a connection would last, and be of no use to
// anybody. Without it, both sides can try again. The one that failed may have ended already, and
// the peer be back with another.
func (k *Connector) hangUp(e event.EvtPeerIdentificationFailed) {
	k.log.Debug("a peer did not identify itself", "peer", e.Peer, "reason", e.Reason)
	conns := k.host.Network().ConnsToPeer(e.Peer)
	k.dials.Go(func() {
		for _, c := range conns {
			select {
			case <-k.host.identification(c):
			case <-k.ended:
				return
			}
		}
		_ = k.do(func() { k.endUnidentified(conns) }) // the node is closing
	})
}

// endUnidentified ends those of some connections that libp2p has asked about in vain. What it was
// told came as an event before it had asked about all.
func (k *Connector) endUnidentified(conns []network.Conn) {
	for range len(k.events.Out()) {
		k.happened(<-k.events.Out())
	}
	for _, c := range conns {
		if !k.identified.has(c) {
			k.dials.Go(func() { _ = c.Close() }) // it may be closed already
		}
	}
}

// identification is closed when libp2p has asked a peer, over a connection, who it is: with an
// answer or without.
func (h *Host) identification(c network.Conn) <-chan struct{} {
	return h.Host.(interface{ IDService() identify.IDService }).IDService().IdentifyWait(c)
}
