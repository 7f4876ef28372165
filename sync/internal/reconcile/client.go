package reconcile

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Store is what comparing needs of a store.
type Store interface {
	Scan(ctx context.Context, yield func([]intake.Item) error) error
	Follow(fn func([]intake.Item)) (cancel func())
	Unknown(ctx context.Context, ids []protocol.ID) ([]protocol.ID, error)
}

// Node is what comparing needs of the node that it works for. It is safe for concurrent use.
type Node interface {
	// MayBeValid leaves out records that are known to be invalid.
	MayBeValid(ids []protocol.ID) []protocol.ID
	// Fetch has records fetched that a peer listed.
	Fetch(p peer.ID, ids []protocol.ID)
	// HasRoom reports whether there is room for more of them.
	HasRoom() bool
	// Attached is told what has become attached, before the agreements are.
	Attached(items []intake.Item)
	// Complain logs what the store failed at.
	Complain(what string, err error)
}

// Config is what a Reconciler is made of.
type Config struct {
	Self      peer.ID
	Network   *protocol.Network
	Store     Store
	Node      Node
	Clock     func() uint64 // the time as records have it
	Dialer    *stream.Dialer
	Penalties *penalty.Penalties
	Group     *supervisor.Group // in which sessions run
	Log       *slog.Logger
	Keep      Keep
}

// Reconciler compares this node's set of records with those of peers. It drives the planner, keeps
// the agreements, and has the sessions that either side begins carried out. It is safe for
// concurrent use.
type Reconciler struct {
	c        Config
	started  time.Time
	metrics  *metrics
	own      *localSet
	unfollow func()
	// leave ends looking after the set, and followed is closed then; nil: it has not begun.
	leave    func()
	followed chan struct{}
	closing  sync.Once

	// guards what follows; it is taken while own is seen, never the other way round
	mu         sync.Mutex
	planner    *planner
	agreements *agreements
	running    map[sessionID]*running
	meter      meter
	backfill   backfill
	waiters    int           // who waits for changed
	news       chan struct{} // closed at the next change, when somebody waits

	lacked atomic.Int64 // when this node lacked much last, since started
}

// running is a session of our own under way.
type running struct{ halted bool }

// New makes a reconciler. Follow begins to follow the store.
func New(c Config) *Reconciler {
	r := &Reconciler{
		c: c, started: time.Now(), metrics: newMetrics(), unfollow: func() {}, own: newLocalSet(),
		agreements: newAgreements(), running: make(map[sessionID]*running), news: make(chan struct{}),
	}
	chance := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) // no secrets
	r.planner = newPlanner(defaultLimits(), c.Self, chance)
	r.planner.banned = c.Penalties.Banned
	return r
}

// Metrics are those of comparing.
func (c *Reconciler) Metrics() []prometheus.Collector { return c.metrics.all() }

// Count is how many records the set has. It takes no lock.
func (c *Reconciler) Count() uint64 { return c.own.count() }

// Close ends following the store, after a last checkpoint of the set.
func (c *Reconciler) Close() {
	c.closing.Do(func() {
		if c.followed != nil {
			c.leave()
			<-c.followed
			c.closeSet()
		}
		c.unfollow()
	})
}

// plan gives the planner its input and carries out what it decides.
func (c *Reconciler) plan(input func(*planner)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.planner.backlog = len(c.agreements.listed) > deepListed
	c.agreements.tell(c.now(), c.own.count())
	input(c.planner)
	for _, d := range c.planner.take() {
		c.do(d)
	}
	c.changed()
}

// do begins to carry out an action; the caller holds the lock.
func (c *Reconciler) do(d action) {
	switch d := d.(type) {
	case compare:
		c.running[d.session] = new(running)
		c.c.Group.Go(func(ctx context.Context) error {
			c.run(ctx, d)
			return nil
		})
	case halt:
		if r := c.running[d.session]; r != nil {
			r.halted = true
		}
	}
}

// Tick tells the time, and whether this node does not look for records that pending ones name, for
// want of room.
func (c *Reconciler) Tick(unnamed bool) {
	c.plan(func(a *planner) {
		if unnamed {
			a.compareSoon()
		}
		a.tick(c.now())
		c.endStale(a)
	})
}

// endStale ends agreements with peers that a comparison was due with for longer than one takes, and
// has peers compared with whose surplus has grown.
func (c *Reconciler) endStale(a *planner) {
	for _, p := range a.peers {
		s := c.agreements.peers[p.id]
		if s == nil {
			continue
		}
		if a.isLate(p) {
			c.agreements.unfinished(p.id)
		}
		if c.agreements.lags(s) {
			a.suspect(p)
		}
	}
}

func (c *Reconciler) now() time.Duration { return time.Since(c.started) }

// Meet tells whether a peer can be compared with.
func (c *Reconciler) Meet(p peer.ID, up bool) {
	c.plan(func(a *planner) {
		a.tick(c.now())
		if up {
			a.peerUp(p)
			c.agreements.peerUp(p)
		} else {
			if c.agreements.open(p) > 0 {
				a.lose(p)
			}
			a.peerDown(p)
			c.agreements.leave(p)
		}
	})
}

// ended tells what came of a session of our own.
func (c *Reconciler) ended(s *session) {
	c.plan(func(a *planner) {
		delete(c.running, s.session)
		a.tick(c.now())
		if whole := s.outcome.result == resultEqual || s.outcome.result == resultDiffering; whole && !s.partial {
			c.agreements.completed(s.peer, s.since, s.ahead)
		} else {
			c.agreements.unfinished(s.peer)
		}
		a.ended(s.session, s.outcome)
	})
}

// list notes what a peer has listed, and counts what nobody had. It returns how many records of the
// peer's are missing.
func (c *Reconciler) list(p peer.ID, ids []protocol.ID, within []negentropy.Interval) (open int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.agreements.listed)
	c.agreements.list(p, ids, within)
	c.metrics.listed.Add(float64(len(c.agreements.listed) - before))
	return c.agreements.open(p)
}

func (c *Reconciler) unlist(p peer.ID, ids []protocol.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agreements.unlist(p, ids)
}

// counted notes how many records a peer says that it has, and returns how many more than this node
// that is.
func (c *Reconciler) counted(p peer.ID, n uint64) (surplus uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agreements.tell(c.now(), c.own.count())
	return c.agreements.counted(p, n)
}

func (c *Reconciler) halted(id sessionID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.running[id]
	return r == nil || r.halted
}

// deepen reports whether a long session may go on.
func (c *Reconciler) deepen(id sessionID) (yes bool) {
	c.plan(func(a *planner) { yes = a.deepen(id) })
	return yes
}

// Ban tells that a peer was banned: nothing that it listed is believed, and it is not compared
// with.
func (c *Reconciler) Ban(p peer.ID) {
	c.plan(func(a *planner) {
		a.tick(c.now())
		a.ban(p)
		c.agreements.drop(p)
	})
}

// Answered notes which records a peer lacks, and which it has and cannot send now. It returns how
// many of the former it had listed: attached records are never dropped, so it lied, then or now.
//
// That it cannot send a record is no violation. But a peer that lists many such records is not
// compared with for a while: they may be invented, and listing them is free.
func (c *Reconciler) Answered(p peer.ID, lacking, damaged []protocol.ID) (missingListed int) {
	c.mu.Lock()
	missingListed = c.agreements.missingListed(p, lacking)
	c.mu.Unlock()
	if len(damaged) == 0 {
		return missingListed
	}
	c.plan(func(a *planner) {
		a.tick(c.now())
		if n := c.agreements.withhold(p, damaged); n > MaxWithheld {
			c.c.Log.Info("a peer cannot send many records that it lists, and is not compared with for some time", "peer", p, "records", n, "for", WithheldPause)
			a.postpone(p, WithheldPause)
		}
	})
	return missingListed
}

// Promised notes that a peer which listed a record must have its ancestors too: an attached record
// has them all.
func (c *Reconciler) Promised(p peer.ID, id protocol.ID, missing []protocol.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.agreements.missingListed(p, []protocol.ID{id}) > 0 {
		c.agreements.list(p, missing, nil)
	}
}

// LackedMuch reports whether this node lacked records within some time. No connected peer had
// agreed then, or much of what peers listed had not come. It takes no lock.
func (c *Reconciler) LackedMuch(within time.Duration) bool {
	return c.now()-time.Duration(c.lacked.Load()) <= within
}

// changed wakes who waits for a change; the caller holds the lock.
func (c *Reconciler) changed() {
	if len(c.agreements.listed) > deepListed || c.agreements.agreeing(0) == 0 {
		c.lacked.Store(int64(c.now()))
	}
	if c.waiters > 0 {
		close(c.news)
		c.news, c.waiters = make(chan struct{}), 0
	}
}
