package service

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/node/internal/p2p"
)

// RememberedPeers are the peers that were added by hand and that the node connects to again after a
// restart. The home keeps them. It is safe for concurrent use.
type RememberedPeers struct {
	home *home.Home

	mu    sync.Mutex
	peers []peer.AddrInfo
	// unusable are addresses that this node cannot dial, and that another one of the home might.
	unusable []string
}

// LoadRememberedPeers reads the peers that the home remembers. What cannot be used now is worth a
// warning, and stays in the file.
func LoadRememberedPeers(h *home.Home, self peer.ID, profile p2p.Profile, log *slog.Logger) *RememberedPeers {
	r := &RememberedPeers{home: h}
	list, err := h.Peers()
	if err != nil {
		log.Warn("the node starts without the peers that were added by hand", "error", err)
	}
	for _, s := range list {
		at, err := p2p.ParsePeer([]string{s}, self, profile)
		if err != nil {
			log.Warn("a peer that was added by hand cannot be used", "error", err)
			r.unusable = append(r.unusable, s)
			continue
		}
		r.add(at)
	}
	return r
}

// add takes in addresses, those of one peer together. The caller holds the lock, or is the only one
// to know the list yet.
func (r *RememberedPeers) add(at peer.AddrInfo) {
	i := r.index(at.ID)
	if i < 0 {
		i = len(r.peers)
		r.peers = append(r.peers, peer.AddrInfo{ID: at.ID})
	}
	for _, a := range at.Addrs {
		if !ma.Contains(r.peers[i].Addrs, a) {
			r.peers[i].Addrs = append(r.peers[i].Addrs, a)
		}
	}
}

func (r *RememberedPeers) index(p peer.ID) int {
	return slices.IndexFunc(r.peers, func(at peer.AddrInfo) bool { return at.ID == p })
}

// List returns the remembered peers, at most as many as can be added by hand.
func (r *RememberedPeers) List() []peer.AddrInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.peers[:min(len(r.peers), p2p.MaxAdded)])
}

// has reports whether a peer is remembered.
func (r *RememberedPeers) has(p peer.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.index(p) >= 0
}

// set remembers a peer at these addresses, or forgets it if there are none.
func (r *RememberedPeers) set(at peer.AddrInfo) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.index(at.ID) < 0 && len(at.Addrs) == 0 {
		return nil
	}
	peers := slices.DeleteFunc(slices.Clone(r.peers), func(old peer.AddrInfo) bool { return old.ID == at.ID })
	if len(at.Addrs) > 0 {
		peers = append(peers, at)
	}
	list := slices.Clone(r.unusable)
	for _, at := range peers {
		for _, a := range at.Addrs {
			list = append(list, a.String()+"/p2p/"+at.ID.String())
		}
	}
	if err := r.home.SetPeers(list); err != nil {
		return err
	}
	r.peers = peers
	return nil
}

// Connect implements api.Service.
func (s *Service) Connect(ctx context.Context, r api.ConnectRequest) (*api.Peer, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	connector := s.config.Peering.Connector
	if s.config.Offline || connector == nil {
		return nil, api.Conflict("this node is offline (--offline, or --dev) and connects to nobody")
	}
	at, err := p2p.ParsePeer(r.Addresses, s.config.Host.ID(), s.config.Host.Profile())
	if err != nil {
		return nil, api.Invalid("%v", err)
	}
	if err := connector.Connect(ctx, at); err != nil {
		return nil, connectFailure(ctx, at.ID, err)
	}
	if r.Remember != nil {
		if !*r.Remember {
			at.Addrs = nil
		}
		if err := s.config.Remembered.set(at); err != nil {
			return nil, api.NewError(http.StatusInternalServerError, "connected to peer %s, but what is remembered cannot be written: %v", at.ID, err)
		}
	}
	p, connected := s.peer(at.ID)
	if !connected { // it has ended just now, and is dialed again
		return nil, connectFailure(ctx, at.ID, p2p.ErrEndedAtOnce)
	}
	return &p, nil
}

// connectFailure says why a peer could not be added, and what that is the fault of.
func connectFailure(ctx context.Context, p peer.ID, err error) error {
	var banned *p2p.BannedError
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return err
	case errors.As(err, &banned), errors.Is(err, p2p.ErrOtherNetwork):
		return api.Conflict("peer %s: %v", p, err)
	case errors.Is(err, p2p.ErrTooManyAdded):
		return api.Conflict("%v: lf disconnect parts from one", err)
	case errors.Is(err, p2p.ErrConnectorEnded):
		return api.Unavailable("%v", err)
	case errors.Is(err, network.ErrResourceLimitExceeded):
		return api.Unavailable("this node has no room for another connection: %s", p2p.DialProblem(err))
	}
	return api.NewError(http.StatusBadGateway, "cannot connect to peer %s: %s", p, p2p.DialProblem(err))
}

// Disconnect implements api.Service.
func (s *Service) Disconnect(ctx context.Context, id string, refuse time.Duration) (*api.Disconnected, error) {
	if err := api.CheckRefusal(refuse); err != nil {
		return nil, err
	}
	p, err := peer.Decode(id)
	if err != nil {
		return nil, api.Invalid("%q is not a peer ID (12D3KooW…)", id)
	}
	if refuse == 0 {
		refuse = api.DefaultRefusal
	}
	connector := s.config.Peering.Connector
	remembered := s.config.Remembered.has(p)
	switch {
	case connector == nil && !remembered, connector != nil && !remembered && !connector.IsAdded(p) && len(s.config.Host.Network().ConnsToPeer(p)) == 0:
		return nil, api.NotFound("this node is not connected to peer %s, and nobody has added it by hand", p)
	}
	if err := s.config.Remembered.set(peer.AddrInfo{ID: p}); err != nil {
		return nil, api.NewError(http.StatusInternalServerError, "peer %s cannot be forgotten: %v", p, err)
	}
	done := &api.Disconnected{Peer: p.String(), Added: remembered}
	if connector == nil { // offline: only the home knew it
		return done, ctx.Err()
	}
	done.Until = api.Millis(time.Now().Add(refuse))
	var added bool
	if done.Connections, added, err = connector.Disconnect(p, refuse); err != nil {
		return nil, connectFailure(ctx, p, err)
	}
	done.Added = done.Added || added
	return done, nil
}
