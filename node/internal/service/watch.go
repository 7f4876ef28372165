package service

import (
	"context"
	"iter"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
)

// watchInterval is how often a watcher's answers are looked at.
const watchInterval = 50 * time.Millisecond

// Watch implements api.Service.
func (s *Service) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	p := watchstate.Poller{
		Database: s.database, Query: s.Query, Now: s.config.Clock,
		Sync: func() string { return s.config.Sync.Status().Sync.State },
		Changed: func() <-chan struct{} {
			soon := make(chan struct{})
			time.AfterFunc(watchInterval, func() { close(soon) })
			return soon
		},
	}
	return p.Watch(ctx, r)
}
