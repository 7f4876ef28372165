package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/namecache"
	"github.com/lf-store/lf/internal/trust"
	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/node/internal/clone"
	"github.com/lf-store/lf/node/internal/oracle"
	"github.com/lf-store/lf/node/internal/p2p"
	"github.com/lf-store/lf/node/internal/p2p/discovery"
	"github.com/lf-store/lf/node/internal/watch"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// Config is what a [Service] shows, and what it works with.
type Config struct {
	Network *protocol.Network
	Home    *home.Home
	Store   *store.Store
	Sync    *lfsync.Sync
	Host    *p2p.Host
	Trust   *trust.Trust
	// State is where the service keeps what is to survive a restart.
	State datastore.Datastore
	// Oracle is the node's commentator, nil where it is none. OraclePerHour is as the user set it.
	Oracle        *oracle.Commentator
	OraclePerHour int
	// SeedTexts are the seeds as the network's file has them, Seeds the same without the node's
	// own.
	SeedTexts []string
	Seeds     []peer.AddrInfo
	// NoRendezvous says why the node takes no part in the public DHT, "" if it does.
	NoRendezvous string
	// Private tells that the network has a secret.
	Private, Offline bool
	Version          string
	Clock            func() time.Time
	Logger           *slog.Logger
	Registry         prometheus.Registerer
	// Threads is how many threads solve proofs of work; 0: all cores but one.
	Threads int
	Peering Peering
	// Remembered are the peers that were added by hand and outlive a restart; nil: none yet.
	Remembered *RememberedPeers
}

// Peering are the parts of a node that find peers and keep them. A part that the node does not have
// is nil: all of them offline.
type Peering struct {
	Connector  *p2p.Connector
	Known      *p2p.KnownPeers
	DHT        *discovery.DHT
	Rendezvous *discovery.Rendezvous
	Neighbors  *discovery.Neighbors
	Clone      *clone.Detector
}

// Service implements api.Service. Its methods check their input themselves: a program that runs a
// node inside itself calls them without the handler in between.
type Service struct {
	config  Config
	begun   time.Time // by the machine's clock
	started time.Time // by the node's clock
	owners  *home.Keyring
	names   *namecache.Cache
	drops   *dropHistory
	// activity and since are what a person wants to know who looks at the node.
	activity *activity
	since    *syncSince
	log      *slog.Logger

	work     *workqueue.Pool
	worker   *apiwriter.Worker
	syncing  chan struct{}  // taken by each request that waits for the node to be in sync
	writer   *lf.Client     // for the node's users
	writes   lf.WriteOption // of all that it writes
	paying   payments
	database string // tells the database from another one in its place
	hub      *watch.Hub
}

var _ api.Service = (*Service)(nil)

// New makes a service, and registers its metrics.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Remembered == nil {
		c.Remembered = &RememberedPeers{home: c.Home}
	}
	s := &Service{
		config: c, begun: time.Now(), started: c.Clock().UTC(), owners: c.Home.Owners(), names: namecache.New(c.Network), log: c.Logger,
		syncing: make(chan struct{}, maxSyncing), work: newWorkPool(solverThreads(c.Threads), c.Logger),
	}
	s.worker = apiwriter.NewWorker(c.Network, s.work, apiwriter.NewProofs(c.Network, VerifyWork, c.Logger))
	s.drops, s.activity = newDropHistory(s.countDrops), newActivity(s.countActivity)
	s.since = newSyncSince(func() string { return c.Sync.Status().Sync.State })
	err := s.newWriter()
	if err != nil {
		return nil, err
	}
	if s.database, err = databaseID(ctx, c.State); err != nil {
		return nil, err
	}
	s.activity.begin(ctx, c.State)
	s.hub = s.newHub()
	c.Sync.FollowPulses(func(of lfsync.Claim) { s.hub.Pulsed(of.Composite) })
	if err := errors.Join(c.Registry.Register(storeMetrics{c.Store}), c.Registry.Register(nodeMetrics{s}), c.Registry.Register(s.hub)); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	whom, _ := c.Trust.Effective()
	if w := trust.Warning(c.Network, whom.Oracles); w != "" {
		c.Logger.Warn(w)
	}
	return s, nil
}

// Run remembers what the node did lately, and what its bounded queues have dropped, until its
// context ends. Then all solving and all watching end, too.
func (s *Service) Run(ctx context.Context) error {
	defer s.work.Close()
	defer s.hub.Close()
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() { _ = s.activity.run(ctx, s.config.State) }) // its end is ctx's
	others.Go(func() { _ = s.since.run(ctx) })
	return s.drops.run(ctx)
}

// solverThreads leaves a core to what others wait for, where there are several: verification and
// the API.
func solverThreads(wanted int) int {
	if wanted > 0 {
		return wanted
	}
	return max(runtime.GOMAXPROCS(0)-1, 1)
}

func (s *Service) now() uint64 { return uint64(max(s.config.Clock().UnixMilli(), 0)) }

// Failure makes an [*api.Error] of what the caller can do something about. The rest stays as it is:
// the handler logs it and shows no more than that there was something.
func Failure(err error) error {
	var invalid *protocol.InvalidError
	var damaged *store.DamagedError
	var budget *workqueue.BudgetError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return api.InvalidRecord(invalid)
	case errors.As(err, &damaged):
		return api.Damaged(damaged.ID, damaged.Unavailable)
	case errors.Is(err, store.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return api.NotFound("%v", err)
	case errors.Is(err, protocol.ErrTooFarAhead), errors.Is(err, store.ErrValueMissing), errors.Is(err, lfsync.ErrNoValue),
		errors.Is(err, store.ErrTooBroad), errors.Is(err, store.ErrBadQuery):
		return api.Invalid("%v", err)
	case errors.Is(err, lfsync.ErrBusy), errors.Is(err, store.ErrHeldFull), errors.Is(err, store.ErrPendingFull):
		return api.Unavailable("%v", err)
	case errors.Is(err, store.ErrNoSpace), errors.Is(err, store.ErrReadOnly):
		return &api.Error{Status: http.StatusInsufficientStorage, Title: http.StatusText(http.StatusInsufficientStorage), Detail: err.Error()}
	case errors.As(err, &budget), errors.Is(err, workqueue.ErrFull), errors.Is(err, workqueue.ErrClientFull):
		return api.Unavailable("%v", err)
	case errors.Is(err, store.ErrClosed), errors.Is(err, workqueue.ErrClosed):
		return api.Unavailable("the node is closing")
	}
	return err
}
