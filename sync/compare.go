package lfsync

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/negentropy"
)

// comparer compares this node's set of records with those of peers: it drives the agenda, keeps the
// ledger, and has the sessions that either side begins carried out.
type comparer struct {
	sync     *Sync
	own      ownSet
	unfollow func()

	// guards what follows; it is taken while own is seen, never the other way round
	mu       sync.Mutex
	agenda   *agenda
	ledger   *ledger
	running  map[sessionID]*running
	meter    meter
	backfill backfill
	waiters  int           // who waits for changed
	news     chan struct{} // closed at the next change, when somebody waits
}

// running is a session of our own under way.
type running struct {
	stop   context.CancelFunc
	halted bool
}

func newComparer(s *Sync) *comparer {
	c := &comparer{
		sync: s, unfollow: func() {}, ledger: newLedger(), running: make(map[sessionID]*running),
		news: make(chan struct{}),
	}
	var self peer.ID
	if s.host != nil {
		self = s.host.ID()
	}
	c.agenda = newAgenda(defaultAgendaLimits(), self, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
	return c
}

// plan gives the agenda its input and carries out what it decides.
func (c *comparer) plan(input func(*agenda)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agenda.backlog = len(c.ledger.listed) > deepListed
	c.ledger.tell(c.now(), c.own.count())
	input(c.agenda)
	for _, d := range c.agenda.take() {
		c.do(d)
	}
	c.changed()
}

// do begins to carry out a duty; the caller holds the lock.
func (c *comparer) do(d duty) {
	switch d := d.(type) {
	case compare:
		ctx, stop := context.WithCancel(c.sync.ctx)
		c.running[d.session] = &running{stop: stop}
		c.sync.spawn(func() { c.run(ctx, d) })
	case halt:
		if r := c.running[d.session]; r != nil {
			r.halted = true
		}
	}
}

// tick tells the time, and whether this node does not look for records that pending ones name, for
// want of room.
func (c *comparer) tick(unnamed bool) {
	c.plan(func(a *agenda) {
		if unnamed {
			a.compareSoon()
		}
		a.tick(c.now())
		c.doubt(a)
	})
}

// doubt ends agreements with peers that a comparison was due with for longer than one takes, and
// has peers compared with whose surplus has grown.
func (c *comparer) doubt(a *agenda) {
	for _, p := range a.peers {
		s := c.ledger.peers[p.id]
		if s == nil {
			continue
		}
		if a.isLate(p) {
			c.ledger.unfinished(p.id)
		}
		if c.ledger.lags(s) {
			a.suspect(p)
		}
	}
}

func (c *comparer) now() time.Duration { return time.Since(c.sync.started) }

// meet tells whether a peer can be compared with.
func (c *comparer) meet(p peer.ID, up bool) {
	c.plan(func(a *agenda) {
		a.tick(c.now())
		if up {
			a.peerUp(p)
			c.ledger.peerUp(p)
		} else {
			if c.ledger.open(p) > 0 {
				a.lose(p)
			}
			a.peerDown(p)
			c.ledger.leave(p)
		}
	})
}

// ended tells what came of a session of our own.
func (c *comparer) ended(s *session) {
	c.plan(func(a *agenda) {
		if r := c.running[s.session]; r != nil {
			r.stop()
			delete(c.running, s.session)
		}
		a.tick(c.now())
		if whole := s.outcome.ending == endedEqual || s.outcome.ending == endedDiffering; whole && !s.partial {
			c.ledger.completed(s.peer, s.since, s.ahead)
		} else {
			c.ledger.unfinished(s.peer)
		}
		a.ended(s.session, s.outcome)
	})
}

// list notes what a peer has listed, and counts what nobody had. It returns how many records of the
// peer's are missing.
func (c *comparer) list(p peer.ID, ids []protocol.ID, within []negentropy.Interval) (open int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := len(c.ledger.listed)
	c.ledger.list(p, ids, within)
	c.sync.metrics.listed.Add(float64(len(c.ledger.listed) - before))
	return c.ledger.open(p)
}

func (c *comparer) unlist(p peer.ID, ids []protocol.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.unlist(p, ids)
}

func (c *comparer) counted(p peer.ID, n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger.tell(c.now(), c.own.count())
	c.ledger.counted(p, n)
}

func (c *comparer) halted(id sessionID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.running[id]
	return r == nil || r.halted
}

// deepen reports whether a long session may go on.
func (c *comparer) deepen(id sessionID) (yes bool) {
	c.plan(func(a *agenda) { yes = a.deepen(id) })
	return yes
}

// changed wakes who waits for a change; the caller holds the lock.
func (c *comparer) changed() {
	if c.waiters > 0 {
		close(c.news)
		c.news, c.waiters = make(chan struct{}), 0
	}
}
