package fetch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Store is what fetching needs of a store.
type Store interface {
	Record(ctx context.Context, id protocol.ID) (*protocol.Record, bool, error)
	ByPrefix(ctx context.Context, prefixes [][]byte) ([]intake.Match, error)
	Missing(ctx context.Context, limit int) ([]protocol.ID, error)
}

// Node is what fetching needs of the node that it works for. It is safe for concurrent use.
type Node interface {
	// Admit takes in a batch of fetched records. It returns when there is room and a core soon, or
	// with an error. It calls checked when the batch is checked, unless it returns an error.
	Admit(ctx context.Context, batch []Fetched, checked func(Checked)) error
	// MayBeValid leaves out records that are known to be invalid.
	MayBeValid(ids []protocol.ID) []protocol.ID
	// Skip tells of records that nothing need wait for. They came by another way, or will not soon.
	Skip(ids []protocol.ID)
	// IsCongested reports whether fetched records wait for room.
	IsCongested() bool
	// Answered tells which of the records that a peer was asked for it lacks, and which it has and
	// cannot send.
	Answered(p peer.ID, lacking, damaged []protocol.ID)
	// Complain logs what the store failed at.
	Complain(what string, err error)
}

// Fetched is a record that has come.
type Fetched struct {
	Record *protocol.Record
	Peer   peer.ID
	Depth  int  // of what it reveals as missing
	Asked  bool // it was asked for, and did not come as an ancestor
}

// Checked is what checking a batch of fetched records found.
type Checked struct {
	Violation error // what no correct peer sends, the first of it
	News      bool  // some ancestor is valid and was not known
	Known     int   // how many ancestors were
}

// Config is what a Fetcher is made of.
type Config struct {
	Network   *protocol.Network
	Store     Store
	Damaged   error // what errors of the store wrap where a record is here and cannot be read
	Node      Node
	Dialer    *stream.Dialer
	Penalties *penalty.Penalties
	Group     *supervisor.Group // in which peers are asked
	Log       *slog.Logger
}

// Fetcher asks peers for missing records, and answers peers. It is safe for concurrent use.
type Fetcher struct {
	c       Config
	started time.Time
	metrics *metrics

	mu      sync.Mutex // guards what follows
	planner *planner
	cancels map[requestID]context.CancelFunc
}

// New makes a fetcher.
func New(c Config) *Fetcher {
	f := &Fetcher{
		c: c, started: time.Now(), metrics: newMetrics(),
		planner: newPlanner(defaultLimits()), cancels: make(map[requestID]context.CancelFunc),
	}
	f.planner.banned = c.Penalties.Banned
	return f
}

// Metrics are those of fetching.
func (f *Fetcher) Metrics() []prometheus.Collector { return f.metrics.all() }

// SetRequestTime changes after how long a request is given up, for tests.
func (f *Fetcher) SetRequestTime(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.planner.limits.requestTime = d
}

// plan gives the planner its input and carries out what it decides.
func (f *Fetcher) plan(input func(*planner)) {
	f.mu.Lock()
	input(f.planner)
	actions := f.planner.take()
	var skipped []protocol.ID
	for _, a := range actions {
		switch a := a.(type) {
		case sendRequest:
			f.begin(a)
		case cancelRequest:
			if cancel := f.cancels[a.request]; cancel != nil {
				cancel()
				delete(f.cancels, a.request)
			}
		case refill:
			f.c.Group.Go(func(ctx context.Context) error {
				f.Refill(ctx, a.limit)
				return nil
			})
		case abandoned:
			skipped = append(skipped, a.ids...)
		}
	}
	f.mu.Unlock()
	if len(skipped) > 0 {
		f.c.Node.Skip(skipped)
	}
}

// begin begins a request; the caller holds the lock.
func (f *Fetcher) begin(a sendRequest) {
	f.c.Group.Go(func(ctx context.Context) error {
		requesting, cancel := context.WithCancel(ctx)
		defer cancel()
		f.mu.Lock()
		_, open := f.planner.requests[a.request]
		if open {
			f.cancels[a.request] = cancel
		}
		f.mu.Unlock()
		if open {
			f.request(ctx, requesting, a)
		}
		return nil
	})
}

// Refill tells the planner what the store's pending records wait for.
func (f *Fetcher) Refill(ctx context.Context, limit int) {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	missing, err := f.c.Store.Missing(ctx, limit)
	if err != nil {
		f.c.Node.Complain("could not ask the store what is missing", err)
		return
	}
	f.want(missing, "", refillDepth, 0)
}

func (f *Fetcher) want(ids []protocol.ID, from peer.ID, depth int, delay time.Duration) {
	f.plan(func(m *planner) { m.want(f.c.Node.MayBeValid(ids), from, depth, delay) })
}

// Tick tells the time. It reports whether names were dropped since the last call: if such a record
// exists, a comparison finds it.
func (f *Fetcher) Tick() (dropped bool) {
	f.plan(func(m *planner) {
		m.congested = f.c.Node.IsCongested()
		m.tick(time.Since(f.started))
		dropped = m.takeUnnamed()
	})
	return dropped
}

// Meet tells whether a peer is connected and speaks the protocol.
func (f *Fetcher) Meet(p peer.ID, up bool) {
	f.plan(func(m *planner) {
		if up {
			m.peerUp(p)
		} else {
			m.peerDown(p)
		}
	})
}

// Ban tells that a peer was banned: nothing that it listed is believed.
func (f *Fetcher) Ban(p peer.ID) { f.plan(func(m *planner) { m.ban(p) }) }

// Pause asks nothing of a peer for some time.
func (f *Fetcher) Pause(p peer.ID, d time.Duration) {
	f.plan(func(m *planner) { m.pause(p, d) })
}

// Want asks for records that a record from a peer links to, after a delay. What is invalid is left
// out.
func (f *Fetcher) Want(ids []protocol.ID, from peer.ID, delay time.Duration) {
	f.want(ids, from, 0, delay)
}

// WantDeep is Want at once, for records that are supposed to have missing ancestors.
func (f *Fetcher) WantDeep(ids ...protocol.ID) { f.want(ids, "", refillDepth, 0) }

// Listed has records fetched that a peer listed. What isHere reports when the planner takes them is
// left out.
func (f *Fetcher) Listed(p peer.ID, ids []protocol.ID, isHere func(protocol.ID) bool) {
	if len(ids) == 0 {
		return
	}
	f.plan(func(m *planner) {
		var lacking []protocol.ID
		for _, id := range ids {
			if !isHere(id) {
				lacking = append(lacking, id)
			}
		}
		m.listed(lacking, p)
	})
}

// Withheld tells that a peer cannot send records which it listed.
func (f *Fetcher) Withheld(p peer.ID, ids []protocol.ID) {
	f.plan(func(m *planner) { m.withheld(ids, p) })
}

// HasRoom reports whether there is room for more records that peers list.
func (f *Fetcher) HasRoom() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.planner.counts[kindListed] <= f.planner.limits.wanted*3/4
}

// Came tells that records came and are on their way into the store.
func (f *Fetcher) Came(ids []protocol.ID) { f.plan(func(m *planner) { m.came(ids) }) }

// Settled tells what became of records that came. Some are here or can never be. Others are not the
// ones that were wanted, and are asked for again.
func (f *Fetcher) Settled(have, again []protocol.ID) {
	f.plan(func(m *planner) {
		m.have(have)
		m.again(again)
	})
}

// Have tells that a record is here by another way, or can never be, and which links of it are
// missing. They are waited for before they are asked for.
func (f *Fetcher) Have(ids, missing []protocol.ID, from peer.ID, delay time.Duration) {
	f.plan(func(m *planner) {
		m.have(ids)
		m.want(f.c.Node.MayBeValid(missing), from, 0, delay)
	})
}

// Early tells that the clock refuses records.
func (f *Fetcher) Early(ids []protocol.ID) { f.plan(func(m *planner) { m.early(ids) }) }

// Stored tells of fetched records that they are stored or can never be, and which links each lacks.
// Of others it tells that they could not be stored now.
func (f *Fetcher) Stored(stored []Fetched, missing [][]protocol.ID, later []protocol.ID) {
	f.plan(func(m *planner) {
		for i, r := range stored {
			m.stored(r.Record.ID(), f.c.Node.MayBeValid(missing[i]), r.Peer, r.Depth)
		}
		m.later(later)
	})
}

// Coming calls do with a function that reports whether a record is asked for, or about to be. That
// does not change meanwhile.
func (f *Fetcher) Coming(do func(coming func(protocol.ID) bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(f.planner.coming)
}

// Status is how fetching stands.
type Status struct {
	Peers, Wanted, Requests int
	Listed, Named           int // the wanted records that have not come
	Dropped                 uint64
}

// Status tells how fetching stands.
func (f *Fetcher) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.planner
	missing := m.missing()
	return Status{
		Peers: len(m.peers), Wanted: len(m.wanted), Requests: len(m.requests),
		Listed: missing[kindListed], Named: missing[kindNamed], Dropped: m.dropped,
	}
}

// Wanted returns the wanted records, and of each whether all peers lack it.
func (f *Fetcher) Wanted() map[protocol.ID]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	parked := make(map[protocol.ID]bool, len(f.planner.wanted))
	for id, w := range f.planner.wanted {
		parked[id] = w.parked
	}
	return parked
}
