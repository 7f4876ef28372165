package discovery

import (
	"context"
	"sync"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// watchedHost is the host as one DHT has it. A workaround: kad-dht tells nobody when its routing
// table changes, but it protects and tags the peers in it with the connection manager. So the DHT
// gets a connection manager that listens.
type watchedHost struct {
	host.Host
	conns connmgr.ConnManager
	watch *tableWatch
}

// watchTable shows a host to a DHT. The connection manager is the one that the DHT's protections
// and tags are passed to.
func watchTable(h host.Host, conns connmgr.ConnManager) watchedHost {
	w := &tableWatch{changed: make(chan struct{})}
	return watchedHost{h, watchedConns{conns, w}, w}
}

// ConnManager returns the one that listens.
func (h watchedHost) ConnManager() connmgr.ConnManager { return h.conns }

// watchedConns is a connection manager that tells of each change.
type watchedConns struct {
	connmgr.ConnManager
	watch *tableWatch
}

// Protect implements connmgr.ConnManager, as do the others.
func (c watchedConns) Protect(p peer.ID, tag string) {
	c.ConnManager.Protect(p, tag)
	c.watch.notify()
}

// TagPeer is called for a peer that was added, too.
func (c watchedConns) TagPeer(p peer.ID, tag string, value int) {
	c.ConnManager.TagPeer(p, tag, value)
	c.watch.notify()
}

// tableWatch wakes those who wait for a routing table to change.
type tableWatch struct {
	mu      sync.Mutex
	changed chan struct{} // closed at the next change
}

func (w *tableWatch) notify() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *tableWatch) next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// wait waits until there is a peer in the table. It returns the context's error.
func (w *tableWatch) wait(ctx context.Context, size func() int) error {
	for {
		changed := w.next()
		if size() > 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}
