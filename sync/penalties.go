package lfsync

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// Minor violations that more than one protocol finds.
var (
	// junk is a comparison beyond what a peer may have for nothing.
	junk = penalty.Minor{Weight: 4, Protocol: reconcileService.Scope(), What: "it compares, and fetches and delivers nothing, again and again"}
	// missingListed is an answer that lacks records which the peer itself listed.
	missingListed = penalty.Minor{Weight: 10, Protocol: fetch.Service.Scope(), What: "it lacks records that it listed, again and again"}
	// invalidListed is a listed record that can never be valid: a correct peer does not attach it.
	invalidListed = penalty.Minor{Weight: 10, Protocol: reconcileService.Scope(), What: "it lists invalid records, again and again"}
)

// denied notes that a peer lacks records which it listed itself: attached records are never
// dropped, so it lied, then or now.
func (s *Sync) denied(p peer.ID, lacking []protocol.ID) {
	c := s.comparer
	c.mu.Lock()
	n := c.ledger.denied(p, lacking)
	c.mu.Unlock()
	if n > 0 {
		s.penalties.ReportMinor(p, missingListed)
	}
}

// withheld notes that a peer has records which it cannot send now. That is no violation. But a peer
// that lists many such records is not compared with for a while: they may be invented, and listing
// them is free.
func (s *Sync) withheld(p peer.ID, damaged []protocol.ID) {
	if len(damaged) == 0 {
		return
	}
	s.comparer.plan(func(a *agenda) {
		a.tick(s.comparer.now())
		if n := s.comparer.ledger.withhold(p, damaged); n > maxWithheld {
			s.log.Info("a peer cannot send many records that it lists, and is not compared with for some time", "peer", p, "records", n, "for", withheldPause)
			a.postpone(p, withheldPause)
		}
	})
	s.fetcher.Withheld(p, damaged)
}

// carryOut carries out a ban: it says in the log what the peer did, tells all that plan with it, and
// ends its connections.
func (s *Sync) carryOut(b penalty.Ban, drop func(peer.ID, time.Duration)) {
	s.log.Info("banned a peer that broke the protocol", "peer", b.Peer, "protocol", b.Protocol, "violation", b.Reason, "for", b.For)
	s.metrics.banned.Inc()
	// Before it goes: then it is still known what only it listed.
	s.fetcher.Ban(b.Peer)
	s.comparer.plan(func(a *agenda) {
		a.tick(s.comparer.now())
		a.shun(b.Peer, b.For)
		s.comparer.ledger.drop(b.Peer)
	})
	if drop != nil {
		drop(b.Peer, b.For)
	}
}
