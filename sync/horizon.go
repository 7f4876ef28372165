package lfsync

import (
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// errOutOfRange says that a peer listed a record outside the range where its timestamp belongs.
var errOutOfRange = penalty.Violates("it listed a record outside its range")

// Both sides compare only what their own clock lets in (protocol.Network.HoldUntil). What lies
// above is not missing: this node would hold or refuse it. Otherwise one record that is dated ahead
// would keep every node with a right clock out of sync until that date. All descendants of a record
// ahead of the clock are ahead, too, so the bound splits nothing.

// horizon is where this node's comparisons end now. As a responder it compares up to one drift
// more, where the initiator's clock is a little ahead, for two clocks are never the same. What the
// clock then holds or refuses is dismissed.
func (s *Sync) horizon() negentropy.Horizon {
	drift := s.network.Params().ClockDrift
	end := s.admission.now() + drift + 1
	return negentropy.Horizon{End: negentropy.Bound{Timestamp: end}, Far: negentropy.Bound{Timestamp: end + drift}}
}

// early takes records that the clock holds or refuses out of what peers listed.
func (c *comparer) early(records []*protocol.Record) {
	if len(records) == 0 {
		return
	}
	items := make([]Item, len(records))
	for i, r := range records {
		items[i] = Item{ID: r.ID(), Timestamp: r.Timestamp}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expose(c.ledger.dismiss(items))
	c.changed()
}

// dismiss takes a record that can never be valid out of what peers listed. No correct peer attaches
// such a record.
func (c *comparer) dismiss(r *protocol.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, claim := range c.ledger.listed[r.ID()] {
		c.sync.spawn(func() { c.sync.penalties.ReportMinor(claim.by.peer, invalidListed) })
	}
	c.expose(c.ledger.dismiss([]Item{{ID: r.ID(), Timestamp: r.Timestamp}}))
}

// expose reports peers that listed records outside the ranges where they belong. The caller may
// hold the lock.
func (c *comparer) expose(liars []peer.ID) {
	for _, p := range liars {
		c.sync.spawn(func() { c.sync.penalties.Report(p, reconcileService.Scope(), errOutOfRange) })
	}
}

// aheadOf returns how many of a peer's records lie above the bound of a comparison: of all that it
// has, what does not lie below.
func aheadOf(count uint64, below int) uint64 {
	if n := uint64(max(0, below)); count > n { // not negative
		return count - n
	}
	return 0
}
