package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// The states of a Status.
const (
	StateOffline = "offline" // there is no host: nobody will ever be asked
	StateAlone   = "alone"   // no peer is connected that could be compared with
	// not enough peers have been compared with, and nothing is known to be missing
	StateComparing = "comparing"
	StateFetching  = "fetching" // records are missing that peers listed
	// at least half of the connected peers agree, and nothing that peers listed is missing
	StateSynced = "synced"
)

// Status answers "am I in sync?". The set is that of all attached records.
type Status struct {
	// State is one of the constants above.
	State string
	// Fingerprint is the set's, and Count the number of its records: nodes with the same set have
	// the same.
	Fingerprint [16]byte
	Count       uint64
	// Ready tells that the set is complete; it is rebuilt from the store when the node starts.
	Ready bool
	// Peers counts the connected peers that can be compared with, and Agreeing those of them that
	// agreed when they were compared last. Their set was this node's up to the clock, or all they
	// listed that was missing here has come since. An agreement ends when a comparison that was due
	// did not finish. It ends when the peer has more than it had and this node did not catch up. It
	// also ends with time.
	Peers, Agreeing int
	// Missing counts the records that peers listed and that are not attached here. Named counts
	// those that only pending records link to: they may be invented, so they do not keep a node out
	// of sync. If they exist, a peer will list them.
	Missing, Named int
	// AheadPeers counts the peers that hold records which this node's clock does not let in, and
	// Ahead how many these hold, the median. Both sides of a comparison leave such records out.
	// OwnAhead counts this node's own: its clock was set back.
	AheadPeers      int
	Ahead, OwnAhead uint64
	// Agreed is the newest agreement with a peer; zero: there was none yet.
	Agreed time.Time
	// Progress is that of a backfill under way.
	Progress Progress
}

// Progress is how far a backfill is.
type Progress struct {
	// Done is how many records are here, and Total how many there will be, as far as peers tell; 0:
	// there is no backfill.
	Done, Total uint64
	// Since is when it began, and Rate the records that came in a second, lately.
	Since time.Time
	Rate  float64
}

// ErrAlone says that there is nobody to compare with.
var ErrAlone = errors.New("this node is connected to no other node of its network")

// ErrNotSynced says that the time was up before enough peers agreed.
var ErrNotSynced = errors.New("not in sync with the network yet")

// PeerAgreement returns when a connected peer agreed last; false: it has not yet.
func (c *Reconciler) PeerAgreement(p peer.ID) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.agreements.peers[p]; st != nil && st.agreed != notYet {
		return c.started.Add(st.agreed), true
	}
	return time.Time{}, false
}

// Status tells how this node's set stands to those of its peers. Of Missing it counts what peers
// listed.
func (c *Reconciler) Status(offline bool) Status {
	var st Status
	st.Fingerprint, st.Count, st.Ready = c.own.fingerprint()
	st.OwnAhead = c.own.above(c.horizon().End)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agreements.tell(c.now(), c.own.count())
	st.AheadPeers, st.Ahead = c.agreements.ahead()
	st.Missing = len(c.agreements.listed)
	st.Peers, st.Agreeing = len(c.agreements.peers), c.agreements.agreeing(0)
	if t := c.agreements.newest(); t != notYet {
		st.Agreed = c.started.Add(t)
	}
	st.State = c.state(offline)
	st.Progress = c.progress(st.Count)
	return st
}

// state names how this node stands; the caller holds the lock. Only what peers listed counts, for
// they must have it: the ancestors that gossiped records link to may be made up.
func (c *Reconciler) state(offline bool) string {
	switch {
	case offline:
		return StateOffline
	case len(c.agreements.peers) == 0:
		return StateAlone
	case len(c.agreements.listed) > 0 || c.planner.leader != 0:
		return StateFetching
	case c.agreements.synced(0):
		return StateSynced
	}
	return StateComparing
}

// backfill is a long copy under way.
type backfill struct {
	since time.Duration // when it began; 0: there is none
	total uint64
}

// progressLeast is how many records a copy must lack to be shown: fewer come in less time than it
// takes to look.
const progressLeast = 1000

// watch notes when a backfill begins and ends; the caller holds the lock.
func (c *Reconciler) watch(count uint64) {
	total := c.agreements.largest()
	switch b := &c.backfill; {
	case total <= count && (c.planner.leader == 0 || b.total <= count):
		*b = backfill{}
	case b.since > 0:
		b.total = max(b.total, total)
	case total > count+progressLeast:
		*b = backfill{since: c.now(), total: total}
	}
}

func (c *Reconciler) progress(count uint64) Progress {
	c.watch(count)
	b := c.backfill
	if b.since == 0 {
		return Progress{Done: count}
	}
	return Progress{
		Done: count, Total: b.total, Since: c.started.Add(b.since), Rate: c.meter.rate(c.now(), b.since),
	}
}

// Wait waits until enough peers agreed since now, and no peer is about to list more.
func (c *Reconciler) Wait(ctx context.Context) error {
	since := c.now()
	c.plan(func(a *planner) {
		a.tick(since)
		a.demand()
	})
	for {
		c.mu.Lock()
		c.agreements.tell(c.now(), c.own.count())
		synced := c.agreements.synced(since) && c.planner.leader == 0
		alone, news := len(c.agreements.peers) == 0, c.news
		c.waiters++
		c.mu.Unlock()
		if synced {
			return nil
		}
		select {
		case <-news:
			continue
		case <-ctx.Done():
		}
		if alone {
			return ErrAlone
		}
		return fmt.Errorf("%w: %w", ErrNotSynced, ctx.Err())
	}
}
