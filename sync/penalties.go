package lfsync

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// missingListed is an answer that lacks records which the peer itself listed. Attached records are
// never dropped, so it lied, then or now.
var missingListed = penalty.Minor{Weight: 10, Protocol: fetch.Service.Scope(), What: "it lacks records that it listed, again and again"}

// carryOut carries out a ban: it says in the log what the peer did, tells all that plan with it,
// and ends its connections.
func (s *Sync) carryOut(b penalty.Ban, drop func(peer.ID, time.Duration)) {
	s.log.Info("banned a peer that broke the protocol", "peer", b.Peer, "protocol", b.Protocol, "violation", b.Reason, "for", b.For)
	s.metrics.banned.Inc()
	// Before it goes: then it is still known what only it listed.
	s.fetcher.Ban(b.Peer)
	s.reconciler.Ban(b.Peer)
	if drop != nil {
		drop(b.Peer, b.For)
	}
}
