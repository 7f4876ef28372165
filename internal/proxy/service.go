package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/internal/namecache"
	"github.com/lf-store/lf/internal/trust"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Service is what a proxy serves. Its methods are safe for concurrent use.
type Service struct {
	config  *Config
	started time.Time
	nodes   *nodes
	names   *namecache.Cache
	records *checkedRecords
	// certificates has what certificates and revocations say, attached which nodes said of a record
	// that they have it attached.
	certificates *certificates
	attached     *lru.Cache[lookup, struct{}]
	trust        *trust.Trust
	metrics      *metrics
	writes       *writes
	hub          *hub                   // of watchers
	cert         *apiserver.Certificate // nil: the API speaks plain HTTP
	log          *slog.Logger
	// secondLook is how long after a difference the nodes are asked again: what has just been
	// written reaches them meanwhile.
	secondLook time.Duration
}

var _ api.Service = (*Service)(nil)

// newService makes a service and registers its metrics.
func newService(c *Config, r prometheus.Registerer) (*Service, error) {
	whom, err := trust.New(c.Home, nil, c.Logger)
	if err != nil {
		return nil, err
	}
	attached, err := lru.New[lookup, struct{}](rememberedAttached)
	if err != nil {
		return nil, err
	}
	s := &Service{
		config: c, started: time.Now().UTC(), nodes: newNodes(c), names: namecache.New(c.Network),
		records: newCheckedRecords(c.Network), attached: attached, certificates: newCertificates(c.Network), trust: whom, log: c.Logger, secondLook: secondLook,
	}
	if s.metrics, err = newMetrics(s.nodes, r); err != nil {
		return nil, err
	}
	s.hub = newHub(s)
	if s.writes, err = s.newWrites(); err != nil {
		return nil, err
	}
	if err := registerWrites(s.writes, r); err != nil {
		return nil, errors.Join(err, s.writes.close())
	}
	return s, nil
}

// Network implements api.Service. A proxy has no seeds.
func (s *Service) Network(context.Context) (*protocol.NetworkFile, error) {
	file := s.config.Network.File([]string{})
	return &file, nil
}

// errNoPeers answers what only a full node can do.
func errNoPeers() error {
	return api.Conflict("this is a proxy, which has no peers: ask a full node; lf doctor lists those of the proxy")
}

// Peers implements api.Service.
func (s *Service) Peers(context.Context, api.Page) (*api.PeerList, error) { return nil, errNoPeers() }

// Connect implements api.Service.
func (s *Service) Connect(context.Context, api.ConnectRequest) (*api.Peer, error) {
	return nil, errNoPeers()
}

// Disconnect implements api.Service.
func (s *Service) Disconnect(context.Context, string, time.Duration) (*api.Disconnected, error) {
	return nil, errNoPeers()
}

// Seeds implements api.Service.
func (s *Service) Seeds(context.Context) (*api.Seeds, error) { return nil, errNoPeers() }

// errNoNode says that no node can answer now.
func errNoNode(why error) error {
	if why == nil {
		return api.NewError(http.StatusServiceUnavailable, "none of the nodes of this proxy can answer")
	}
	return api.NewError(http.StatusServiceUnavailable, "none of the nodes of this proxy can answer: %v", why)
}
