package reconcile

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// invalidListed is a listed record that can never be valid: a correct peer does not attach it.
var invalidListed = penalty.Minor{Weight: 10, Protocol: Service.Scope(), What: "it lists invalid records, again and again"}

// errOutOfRange says that a peer listed a record outside the range where its timestamp belongs.
var errOutOfRange = penalty.Violates("it listed a record outside its range")

// Both sides compare only what their own clock lets in (protocol.Network.HoldUntil). What lies
// above is not missing: this node would hold or refuse it. Otherwise one record that is dated ahead
// would keep every node with a right clock out of sync until that date. All descendants of a record
// ahead of the clock are ahead, too, so the bound splits nothing.

// horizon is where this node's comparisons end now. As a responder it compares up to one drift
// more, where the initiator's clock is a little ahead, for two clocks are never the same. What the
// clock then holds or refuses is dismissed.
func (c *Reconciler) horizon() negentropy.Horizon {
	drift := c.c.Network.Params().ClockDrift
	end := c.c.Clock() + drift + 1
	return negentropy.Horizon{End: negentropy.Bound{Timestamp: end}, Far: negentropy.Bound{Timestamp: end + drift}}
}

// Early takes records that the clock holds or refuses out of what peers listed.
func (c *Reconciler) Early(records []*protocol.Record) {
	if len(records) == 0 {
		return
	}
	items := make([]intake.Item, len(records))
	for i, r := range records {
		items[i] = intake.Item{ID: r.ID(), Timestamp: r.Timestamp}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reportOutOfRange(c.agreements.dismiss(items))
	c.changed()
}

// Dismiss takes a record that can never be valid out of what peers listed. No correct peer attaches
// such a record.
func (c *Reconciler) Dismiss(r *protocol.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, claim := range c.agreements.listed[r.ID()] {
		c.report(func() { c.c.Penalties.ReportMinor(claim.by.peer, invalidListed) })
	}
	c.reportOutOfRange(c.agreements.dismiss([]intake.Item{{ID: r.ID(), Timestamp: r.Timestamp}}))
}

// reportOutOfRange reports peers that listed records outside the ranges where they belong. The
// caller may hold the lock.
func (c *Reconciler) reportOutOfRange(violators []peer.ID) {
	for _, p := range violators {
		c.report(func() { c.c.Penalties.Report(p, Service.Scope(), errOutOfRange) })
	}
}

// report reports a violation on a goroutine of its own, because the caller may hold the lock that a
// ban takes.
func (c *Reconciler) report(do func()) {
	c.c.Group.Go(func(context.Context) error {
		do()
		return nil
	})
}

// aheadOf returns how many of a peer's records lie above the bound of a comparison: of all that it
// has, what does not lie below.
func aheadOf(count uint64, below int) uint64 {
	if n := uint64(max(0, below)); count > n { // not negative
		return count - n
	}
	return 0
}
