package lfsync

import (
	"github.com/lf-store/lf/sync/internal/clock"
	"github.com/lf-store/lf/sync/internal/fetch"
	"github.com/lf-store/lf/sync/internal/push"
	"github.com/lf-store/lf/sync/internal/reconcile"
	"github.com/lf-store/lf/sync/internal/stream"
)

// Service is one of a network's stream protocols.
type Service = stream.Service

// services is the table of the stream protocols that a Sync serves. Handlers, stream limits,
// metrics and the accounting of traffic read it. A new protocol is a package and a row here.
var services = []struct {
	Service
	handler func(*Sync) stream.Handler
}{
	{fetch.Service, func(s *Sync) stream.Handler { return s.fetcher.Serve }},
	{reconcile.Service, func(s *Sync) stream.Handler { return s.reconciler.Serve }},
	{push.Service, func(s *Sync) stream.Handler { return s.pushes.Serve }},
	{clock.Service, func(s *Sync) stream.Handler { return s.clocks.Serve }},
}

// Services lists the stream protocols that a Sync serves.
func Services() []Service {
	list := make([]Service, len(services))
	for i, row := range services {
		list[i] = row.Service
	}
	return list
}

// serveStreams has the host hand streams over.
func (s *Sync) serveStreams() {
	for _, row := range services {
		s.host.SetStreamHandler(row.ID(s.network), s.limiter.Handler(row.Service, row.handler(s)))
	}
}

func (s *Sync) refuseStreams() {
	for _, row := range services {
		s.host.RemoveStreamHandler(row.ID(s.network))
	}
}
