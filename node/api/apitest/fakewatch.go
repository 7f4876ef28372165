package apitest

import (
	"context"
	"iter"
	"time"

	"github.com/lf-store/lf/internal/watchstate"
	"github.com/lf-store/lf/node/api"
)

// Watch implements api.Service by looking at everything when a record has come. A fake is offline,
// so nothing settles.
func (f *Fake) Watch(ctx context.Context, r api.WatchRequest) iter.Seq2[*api.WatchEvent, error] {
	if err := r.CheckAlive(f.network); err != nil {
		return func(yield func(*api.WatchEvent, error) bool) { yield(nil, err) }
	}
	p := watchstate.Poller{
		Database: f.network.ID().String(), Query: f.Query, Now: time.Now,
		Sync: func() string { return api.SyncOffline },
		Changed: func() <-chan struct{} {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.changed
		},
	}
	return p.Watch(ctx, r)
}
