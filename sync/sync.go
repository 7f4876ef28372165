package lfsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/clock"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/penalty"
	"github.com/lf-store/lf/sync/internal/pulse"
	"github.com/lf-store/lf/sync/internal/push"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Config is what a Sync is made of.
type Config struct {
	Network *protocol.Network
	Store   Store
	// Verify checks proofs of work.
	Verify protocol.WorkVerifier
	// Host may be nil: then nothing is fetched or served.
	Host host.Host
	// PubSub, made with PubSubOptions, may be nil: then nothing is gossiped.
	PubSub *pubsub.PubSub
	// GossipDrops, whose options were given to the PubSub, adds what PubSub drops to the counts,
	// and ignores what peers offer while this node catches up. It may be nil.
	GossipDrops *GossipDrops
	// Drop ends all connections with a peer that does not behave, and refuses it for so long. It is
	// called by any goroutine and does not wait. It may be nil: then such a peer is only left alone
	// for that time.
	Drop func(p peer.ID, d time.Duration)
	// Repairs has damaged records repaired from peers. It may be nil: then nobody does.
	Repairs Repairs
	// SetPath is where the set of records is kept between starts, if the store can tell whether
	// that file is still right. "": it is read from the store at each start.
	SetPath string
	// Clock, Logger and Registerer may be nil: the system's clock, no logs, no metrics.
	Clock      func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Sync is one node's share in a network's traffic. It is safe for concurrent use.
type Sync struct {
	network *protocol.Network
	store   Store
	host    host.Host
	clock   func() time.Time
	log     *slog.Logger
	metrics *metrics
	drops   *GossipDrops

	gossip, pulseGossip *gossip
	admission           *admission

	penalties *penalty.Penalties
	limiter   *stream.Limiter
	dialer    *stream.Dialer
	repairer  *fetch.Repairer // nil: nothing is repaired

	participants []participant // in the order of the table of services
	// The participants that others here call by name.
	fetcher    *fetch.Fetcher
	reconciler *reconcile.Reconciler
	pushes     *push.Pusher
	clocks     *clock.Monitor
	pulses     *pulse.Keeper

	mu     sync.Mutex // guards what follows
	closed bool

	times   *stream.Times
	started time.Time
	group   supervisor.Group
	ctx     context.Context
	stop    context.CancelFunc
	events  event.Subscription
}

// New begins to serve, to gossip and to fetch. Close ends it; host and PubSub are the caller's to
// close, afterwards.
func New(c Config) (*Sync, error) {
	if c.Network == nil || c.Store == nil || c.Verify == nil {
		return nil, errors.New("sync needs a network, a store and a verifier of work")
	}
	s := newSync(c)
	if err := s.metrics.register(c.Registerer, s); err != nil {
		return nil, err
	}
	if err := s.start(c.PubSub); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// newSync makes a Sync that has not started anything.
func newSync(c Config) *Sync {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Sync{
		network: c.Network, store: c.Store, host: c.Host, clock: c.Clock, log: c.Logger,
		metrics: newMetrics(), drops: c.GossipDrops,
		times:   stream.NewTimes(),
		started: time.Now(),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.admission = newAdmission(s, c)
	s.penalties = penalty.New(c.Host, &s.group, func(b penalty.Ban) { s.carryOut(b, c.Drop) })
	streams := stream.Config{
		Network: c.Network, Host: c.Host, Penalties: s.penalties, Group: &s.group, Log: c.Logger, Times: s.times,
		Records: func() uint64 { return s.reconciler.Count() }, // it is made a moment later
	}
	s.limiter, s.dialer = stream.NewLimiter(streams), stream.NewDialer(streams)
	s.join(c, streams)
	return s
}

func newCache[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // the sizes are constants above 0
	}
	return c
}

func (s *Sync) start(ps *pubsub.PubSub) error {
	if ps != nil {
		if s.drops != nil {
			s.drops.offers.follow(gossipTopic(s.network), func() bool { return s.reconciler.LackedMuch(awayTime) })
		}
		if err := s.joinGossip(ps); err != nil {
			return err
		}
	}
	s.reconciler.Follow()
	if s.host != nil {
		if err := s.watchPeers(); err != nil {
			return err
		}
		s.serveStreams()
	}
	if s.repairer != nil {
		s.group.Go(s.repairer.Run)
	}
	s.spawn(s.drive)
	s.group.Go(s.commitQueued)
	s.group.Go(s.pulses.Run)
	s.spawn(s.releaseDue)
	return nil
}

// selfOf is the peer ID of a host, which may be nil.
func selfOf(h host.Host) peer.ID {
	if h == nil {
		return ""
	}
	return h.ID()
}

// spawn runs a goroutine that Close waits for; it does nothing once Close has begun.
func (s *Sync) spawn(run func()) {
	s.group.Go(func(context.Context) error {
		run()
		return nil
	})
}

// Close leaves the topic, ends all streams and waits until everything has stopped.
func (s *Sync) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()

	if s.host != nil {
		s.refuseStreams()
	}
	s.stop()
	s.reconciler.Close()
	err := errors.Join(s.leaveGossip(), s.group.Close())
	if s.events != nil {
		err = errors.Join(err, s.events.Close())
	}
	s.metrics.unregister()
	if err != nil {
		return fmt.Errorf("close sync: %w", err)
	}
	return nil
}

// Ingest decodes a frame, checks the record and stores it. When it returns without error, what
// became of the record is durable. An error is a *protocol.InvalidError if the frame is wrong
// forever and the sender's fault (but see protocol.IsUnknownVersion). Otherwise it wraps
// protocol.ErrTooFarAhead, ErrBusy or ErrNoValue, or the store failed. What the store refuses is no
// error.
func (s *Sync) Ingest(ctx context.Context, frame []byte, from Source) (Ingested, error) {
	r, err := protocol.DecodeFrame(frame)
	if err != nil {
		s.metrics.ingested(&incoming{from: from, err: err})
		return Ingested{}, err
	}
	return s.admission.admit(ctx, r, from)
}

// Submit takes a record in and has it passed on by gossip, and pushed to peers that gossip does not
// reach.
func (s *Sync) Submit(ctx context.Context, frame []byte) (Ingested, error) {
	in, err := s.Ingest(ctx, frame, Local)
	if err != nil || in.Outcome == Refused {
		return in, err
	}
	s.forward(ctx, in.Record.ID(), bytes.Clone(frame), "")
	return in, nil
}

// Status tells how the synchronization stands.
func (s *Sync) Status() Status {
	synced := s.syncStatus()
	fetching := s.fetcher.Status()
	return Status{
		Peers: fetching.Peers, Wanted: fetching.Wanted, Fetches: fetching.Requests,
		Dropped: s.dropped(fetching.Dropped), Sync: synced,
	}
}

// dropped sums up the drops by queue.
func (s *Sync) dropped(wanted uint64) map[string]uint64 {
	d := map[string]uint64{
		queueChecks: s.metrics.busy.Load(),
		queueServe:  s.limiter.Unserved(),
		queueWanted: wanted,
		queuePush:   s.pushes.Dropped(),
		queuePulses: s.pulses.Dropped(),
	}
	if s.drops != nil {
		d[queueGossip], d[queueGossipOut] = s.drops.In(), s.drops.Out()
	}
	return d
}
