package lfsync

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// unpaid counts, by peer, the gossiped records that are checked or stored now and are not known to
// be paid.
type unpaid struct {
	network *protocol.Network

	mu    sync.Mutex
	under map[peer.ID]int
}

func newUnpaid(n *protocol.Network) *unpaid { return &unpaid{network: n, under: map[peer.ID]int{}} }

// enter counts a record in until leave is called, or reports that its peer has as many under way as
// it may.
func (u *unpaid) enter(r *protocol.Record, from Source) (leave func(), ok bool) {
	if from.Via != ViaGossip || u.network.Paid(r) {
		return func() {}, true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.under[from.Peer] >= maxUnpaidEach {
		return nil, false
	}
	u.under[from.Peer]++
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.under[from.Peer]--; u.under[from.Peer] == 0 {
			delete(u.under, from.Peer)
		}
	}, true
}
