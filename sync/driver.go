package lfsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/lf-store/lf/internal/intake"
	"github.com/lf-store/lf/sync/internal/fetch"
)

// drive is the goroutine with the clock: it ticks the planners and follows the peers. It waits for
// nothing else, because the host waits for whoever does not take its events.
func (s *Sync) drive() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	s.tick()
	var events <-chan any
	if s.events != nil {
		events = s.events.Out()
		for _, p := range s.host.Network().Peers() {
			s.look(p)
		}
	}
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			s.tick()
		case e, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			s.heed(e)
		}
	}
}

// releaseDue releases held records, now and then.
func (s *Sync) releaseDue() {
	tick := time.NewTicker(releaseEvery)
	defer tick.Stop()
	for {
		s.release()
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// release has the held records stored whose time has come.
func (s *Sync) release() {
	ctx, done := context.WithTimeout(s.ctx, storeTime)
	defer done()
	stored, err := s.store.Release(ctx, s.admission.now())
	if err != nil {
		s.complain("could not release held records", err)
		return
	}
	if len(stored.Missing) > 0 {
		s.fetcher.Want(stored.Missing, "", 0)
	}
}

// complain logs what the store failed at, but not that it failed because of Close.
func (s *Sync) complain(what string, err error) {
	switch {
	case s.ctx.Err() != nil:
	case errors.As(err, new(intake.CannotWrite)): // the store says so itself, once
		s.log.Debug(what, "error", err)
	default:
		s.log.Error(what, "error", err)
	}
}

// watchPeers subscribes to what can change whether a peer is connected and speaks the protocol.
func (s *Sync) watchPeers() error {
	sub, err := s.host.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged),
		new(event.EvtPeerIdentificationCompleted),
		new(event.EvtPeerProtocolsUpdated),
	}, eventbus.BufSize(256), eventbus.Name("lf/sync"))
	if err != nil {
		return fmt.Errorf("follow the host's peers: %w", err)
	}
	s.events = sub
	return nil
}

// heed takes an event of the host's. A peer that went and came again meanwhile may have missed what
// was gossiped, and is compared with again.
func (s *Sync) heed(e any) {
	if e, ok := e.(event.EvtPeerConnectednessChanged); ok && e.Connectedness == network.NotConnected {
		s.reconciler.Meet(e.Peer, false)
	}
	s.look(peerOf(e))
}

func peerOf(e any) peer.ID {
	switch e := e.(type) {
	case event.EvtPeerConnectednessChanged:
		return e.Peer
	case event.EvtPeerIdentificationCompleted:
		return e.Peer
	case event.EvtPeerProtocolsUpdated:
		return e.Peer
	}
	return ""
}

// fetchPeers returns a function that lists the connected peers that can be asked for records, nil
// without a host.
func (s *Sync) fetchPeers() func() []peer.ID {
	if s.host == nil {
		return nil
	}
	return func() (peers []peer.ID) {
		for _, p := range s.host.Network().Peers() {
			if s.speaks(p, fetch.Service) {
				peers = append(peers, p)
			}
		}
		return peers
	}
}

func (s *Sync) speaks(p peer.ID, of Service) bool {
	c := s.host.Network().Connectedness(p)
	if c != network.Connected && c != network.Limited {
		return false
	}
	known, err := s.host.Peerstore().SupportsProtocols(p, of.ID(s.network))
	return err == nil && len(known) == 1
}
