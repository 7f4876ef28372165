package lfsync

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/sync/internal/clock"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/pulse"
	"github.com/lf-store/lf/sync/internal/push"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Service is one of a network's stream protocols.
type Service = stream.Service

// services is the table of the stream protocols that a Sync serves. Handlers, planners, stream
// limits, metrics and the accounting of traffic read it. A new protocol is a package and a row
// here.
var services = []struct {
	Service
	make func(*Sync, Config, stream.Config) participant
}{
	{fetch.Service, newFetcher},
	{reconcile.Service, newReconciler},
	{push.Service, newPusher},
	{clock.Service, newClockMonitor},
	{pulse.Service, newPulseKeeper},
}

// participant is a Sync's part in a stream protocol. Where it also has Meet, Tick or Metrics, a
// Sync calls them.
type participant interface {
	Serve(ctx context.Context, s *stream.Served) error
}

// meeter is told which connected peers speak its protocol, and when one has gone.
type meeter interface {
	Meet(p peer.ID, speaks bool)
}

// ticker does by the clock what is due.
type ticker interface {
	Tick()
}

// measured has metrics of its own.
type measured interface {
	Metrics() []prometheus.Collector
}

// Services lists the stream protocols that a Sync serves.
func Services() []Service {
	list := make([]Service, len(services))
	for i, row := range services {
		list[i] = row.Service
	}
	return list
}

// join makes the participants.
func (s *Sync) join(c Config, streams stream.Config) {
	for _, row := range services {
		s.participants = append(s.participants, row.make(s, c, streams))
	}
}

// serveStreams has the host hand streams over.
func (s *Sync) serveStreams() {
	for i, row := range services {
		s.host.SetStreamHandler(row.ID(s.network), s.limiter.Handler(row.Service, s.participants[i].Serve))
	}
}

func (s *Sync) refuseStreams() {
	for _, row := range services {
		s.host.RemoveStreamHandler(row.ID(s.network))
	}
}

// look finds out which protocols a peer speaks now. It does not trust the order of events.
func (s *Sync) look(p peer.ID) {
	for i, row := range services {
		if m, ok := s.participants[i].(meeter); ok {
			m.Meet(p, s.speaks(p, row.Service))
		}
	}
}

// tick has the planners do what is due. A comparison begins with what fetching has dropped.
func (s *Sync) tick() {
	s.reconciler.Tick(s.fetcher.Tick())
	for _, p := range s.participants {
		if t, ok := p.(ticker); ok {
			t.Tick()
		}
	}
}

// collectors are the metrics of the participants.
func (s *Sync) collectors() (all []prometheus.Collector) {
	for _, p := range s.participants {
		if m, ok := p.(measured); ok {
			all = append(all, m.Metrics()...)
		}
	}
	return all
}

func newClockMonitor(s *Sync, c Config, streams stream.Config) participant {
	s.clocks = clock.New(clock.Config{Dialer: s.dialer, Group: streams.Group, Log: c.Logger, Clock: c.Clock})
	return s.clocks
}
