package lfsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/sync/internal/clock"
)

// Status is what an operator wants to know of the synchronization.
type Status struct {
	// Peers counts the connected peers that speak the network's protocols, Wanted the records known
	// to be missing, Fetches the requests under way.
	Peers, Wanted, Fetches int
	// Dropped counts what was dropped because a queue was full, by queue.
	Dropped map[string]uint64
	// Sync tells how this node's set of records stands to those of its peers.
	Sync SyncStatus
}

// The states of a SyncStatus.
const (
	StateOffline = "offline" // there is no host: nobody will ever be asked
	StateAlone   = "alone"   // no peer is connected that could be compared with
	// not enough peers have been compared with, and nothing is known to be missing
	StateComparing = "comparing"
	StateFetching  = "fetching" // records are missing that peers listed
	// at least half of the connected peers agree, and nothing that peers listed is missing
	StateSynced = "synced"
)

// SyncStatus answers "am I in sync?". The set is that of all attached records.
type SyncStatus struct {
	// State is one of the constants above.
	State string
	// Fingerprint is the set's, and Count the number of its records: nodes with the same set have
	// the same.
	Fingerprint [16]byte
	Count       uint64
	// Ready tells that the set is complete; it is rebuilt from the store when the node starts.
	Ready bool
	// Peers counts the connected peers that can be compared with, and Agreeing those of them that
	// agreed when they were compared last: their set was this node's up to the clock, or all they
	// listed that was missing here has come since. An agreement ends when a comparison that was due
	// did not finish, when the peer has more than it had and this node did not catch up, and with
	// time.
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

// WaitSynced compares with the connected peers now and returns when at least half of them, and at
// least one, have agreed since the call and nothing that they listed is missing. Several calls at a
// time share their comparisons. Where that is not so when ctx ends, the error is ErrAlone or wraps
// ErrNotSynced and the status tells how far it has come. A node without a host returns ErrAlone at
// once.
func (s *Sync) WaitSynced(ctx context.Context) (SyncStatus, error) {
	if s.host == nil {
		return s.syncStatus(), ErrAlone
	}
	err := s.comparer.wait(ctx)
	return s.syncStatus(), err
}

// PeerAgreement returns when a connected peer agreed last; false: it has not yet.
func (s *Sync) PeerAgreement(p peer.ID) (time.Time, bool) {
	c := s.comparer
	c.mu.Lock()
	defer c.mu.Unlock()
	if st := c.ledger.peers[p]; st != nil && st.agreed != notYet {
		return s.started.Add(st.agreed), true
	}
	return time.Time{}, false
}

func (s *Sync) syncStatus() SyncStatus {
	c := s.comparer
	var st SyncStatus
	st.Fingerprint, st.Count, st.Ready = c.own.fingerprint()
	st.OwnAhead = c.own.above(s.horizon().End)
	fetching := s.fetcher.Status()
	st.Missing, st.Named = fetching.Listed, fetching.Named
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.tell(c.now(), c.own.count())
	st.AheadPeers, st.Ahead = c.ledger.ahead()
	// What peers listed is missing too, until it has come; from then on until it is attached the
	// ledger alone knows.
	st.Missing = max(st.Missing, len(c.ledger.listed))
	st.Peers, st.Agreeing = len(c.ledger.peers), c.ledger.agreeing(0)
	if t := c.ledger.newest(); t != notYet {
		st.Agreed = s.started.Add(t)
	}
	st.State = c.state(s.host == nil)
	st.Progress = c.progress(st.Count)
	return st
}

// state names how this node stands; the caller holds the lock. Only what peers listed counts, for
// they must have it: the ancestors that gossiped records link to may be made up.
func (c *comparer) state(offline bool) string {
	switch {
	case offline:
		return StateOffline
	case len(c.ledger.peers) == 0:
		return StateAlone
	case len(c.ledger.listed) > 0 || c.agenda.leader != 0:
		return StateFetching
	case c.ledger.synced(0):
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
func (c *comparer) watch(count uint64) {
	total := c.ledger.largest()
	switch b := &c.backfill; {
	case total <= count && (c.agenda.leader == 0 || b.total <= count):
		*b = backfill{}
	case b.since > 0:
		b.total = max(b.total, total)
	case total > count+progressLeast:
		*b = backfill{since: c.now(), total: total}
	}
}

func (c *comparer) progress(count uint64) Progress {
	c.watch(count)
	b := c.backfill
	if b.since == 0 {
		return Progress{Done: count}
	}
	return Progress{
		Done: count, Total: b.total, Since: c.sync.started.Add(b.since), Rate: c.meter.rate(c.now(), b.since),
	}
}

// wait waits until enough peers agreed since now.
func (c *comparer) wait(ctx context.Context) error {
	since := c.now()
	c.plan(func(a *agenda) {
		a.tick(since)
		a.demand()
	})
	for {
		c.mu.Lock()
		c.ledger.tell(c.now(), c.own.count())
		synced, alone, news := c.ledger.synced(since), len(c.ledger.peers) == 0, c.news
		c.waiters++
		c.mu.Unlock()
		if synced {
			return nil
		}
		select {
		case <-news:
			continue
		case <-c.sync.ctx.Done():
		case <-ctx.Done():
		}
		if alone {
			return ErrAlone
		}
		return fmt.Errorf("%w: %w", ErrNotSynced, cmp.Or(ctx.Err(), c.sync.ctx.Err()))
	}
}

// ClockStatus is how this node's clock stands to those of its peers.
type ClockStatus = clock.Status

// Clock tells how this node's clock stands to those of its peers.
func (s *Sync) Clock() ClockStatus { return s.clocks.Status() }
