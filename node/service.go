package node

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/libp2p/go-libp2p/core/host"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/node/internal/oracle"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// service implements api.Service. Its methods check their input themselves: a program that runs a
// node inside itself calls them without the handler in between.
type service struct {
	config  *Config
	started time.Time
	store   *store.Store
	sync    *lfsync.Sync
	host    host.Host
	keeper  *keeper // nil offline
	owners  *home.Keyring
	names   *names
	trust   *trust
	oracle  *oracle.Commentator // nil where the node is none
	traffic *traffic
	punches *punches
	// instruments are what the doctor looks at.
	instruments instruments
	clock       func() time.Time
	log         *slog.Logger

	// solving is taken by the one request that solves; waiting by it and those that wait for their
	// turn.
	solving, waiting chan struct{}
	syncing          chan struct{} // taken by each request that waits for the node to be in sync
	threads          int
	last             lastWrites
	database         string // tells the database from another one in its place
}

var _ api.Service = (*service)(nil)

func (n *Node) newService(k *keeper, t *trust) *service {
	c := &n.config
	return &service{
		config: c, started: c.Clock().UTC(), store: n.store, sync: n.sync, host: n.host, keeper: k, owners: c.Home.Owners(),
		names: newNames(c.Network), trust: t, oracle: n.oracle.Load(), clock: c.Clock, log: c.Logger,
		traffic: n.traffic, punches: n.reach.circle.punches, instruments: n.instruments, syncing: make(chan struct{}, maxSyncing),
		solving: make(chan struct{}, 1), waiting: make(chan struct{}, maxWaitingWrites), threads: solverThreads(c.Threads),
	}
}

// solverThreads leaves a core to what others wait for, where there are several: verification and
// the API.
func solverThreads(wanted int) int {
	if wanted > 0 {
		return wanted
	}
	return max(runtime.GOMAXPROCS(0)-1, 1)
}

func (s *service) now() uint64 { return uint64(max(s.clock().UnixMilli(), 0)) }

// failure makes an [*api.Error] of what the caller can do something about. The rest stays as it is:
// the handler logs it and shows no more than that there was something.
func failure(err error) error {
	var invalid *protocol.InvalidError
	var damaged *store.DamagedError
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
	case errors.Is(err, store.ErrClosed):
		return api.Unavailable("the node is closing")
	}
	return err
}
