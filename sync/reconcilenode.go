package lfsync

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// reconcileNode shows a Sync to package reconcile.
type reconcileNode struct {
	*admission
	sync *Sync
}

func newReconciler(s *Sync, c Config, streams stream.Config) participant {
	keep := reconcile.Keep{Path: c.SetPath}
	if marks, ok := c.Store.(reconcile.Marks); ok {
		keep.Marks = marks
	} else {
		keep.Path = ""
	}
	s.reconciler = reconcile.New(reconcile.Config{
		Self: selfOf(c.Host), Network: c.Network, Store: c.Store, Node: reconcileNode{s.admission, s}, Clock: s.admission.now,
		Dialer: s.dialer, Penalties: s.penalties, Group: streams.Group, Log: c.Logger, Keep: keep,
	})
	return s.reconciler
}

// MayBeValid implements reconcile.Node, as do the other methods.
func (n reconcileNode) MayBeValid(ids []protocol.ID) []protocol.ID { return n.mayBeValid(ids) }

// Fetch has records fetched that a peer listed. What has become attached since the store was asked
// is left out: another peer that listed it may have delivered it.
func (n reconcileNode) Fetch(p peer.ID, ids []protocol.ID) {
	n.sync.fetcher.Listed(p, ids, n.isAttached)
}

// HasRoom reports whether there is room for more records that peers list.
func (n reconcileNode) HasRoom() bool { return n.sync.fetcher.HasRoom() }

// Attached is told what has become attached.
func (n reconcileNode) Attached(items []Item) { n.promote(items) }

// Complain logs what the store failed at.
func (n reconcileNode) Complain(what string, err error) { n.sync.complain(what, err) }
