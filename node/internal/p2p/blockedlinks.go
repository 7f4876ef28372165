package p2p

import (
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// blockedLinks are those of a testbed's node that are blocked, by direction. The gater asks them
// about every connection to come; block closes those that are there. The zero value blocks nothing.
type blockedLinks struct {
	mu      sync.RWMutex
	in, out map[peer.ID]bool
	refused atomic.Int64 // connections
}

// allow reports whether a connection with a peer may be, by who opens it. A nil one allows every
// one.
func (l *blockedLinks) allow(p peer.ID, d network.Direction) bool {
	if l == nil {
		return true
	}
	l.mu.RLock()
	blocked := l.in[p]
	if d == network.DirOutbound {
		blocked = l.out[p]
	}
	l.mu.RUnlock()
	if blocked {
		l.refused.Add(1)
	}
	return !blocked
}

// block replaces what is blocked. When it returns, no forbidden connection is left, but for one
// that was just being added: watch ends that.
func (l *blockedLinks) block(n network.Network, in, out map[peer.ID]bool) {
	l.mu.Lock()
	l.in, l.out = in, out
	l.mu.Unlock()
	var closing sync.WaitGroup
	for _, c := range n.Conns() {
		if !l.allow(c.RemotePeer(), c.Stat().Direction) {
			closing.Go(func() { _ = c.Close() }) // it may be closed already
		}
	}
	closing.Wait()
}

// watch closes forbidden connections that were past the gater when their link was blocked.
func (l *blockedLinks) watch(n network.Network) (stop func()) {
	bundle := &network.NotifyBundle{ConnectedF: func(_ network.Network, c network.Conn) {
		if !l.allow(c.RemotePeer(), c.Stat().Direction) {
			go func() { _ = c.Close() }() // it may be closed already
		}
	}}
	n.Notify(bundle)
	return func() { n.StopNotify(bundle) }
}
