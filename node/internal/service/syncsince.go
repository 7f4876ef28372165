package service

import (
	"context"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
)

// syncLook is how often the state of the synchronization is looked at, if nobody asks.
const syncLook = 5 * time.Second

// syncSince remembers since when the synchronization is in its state. It is safe for concurrent
// use.
type syncSince struct {
	look func() string
	now  func() time.Time

	mu    sync.Mutex
	state string
	since time.Time
}

func newSyncSince(look func() string) *syncSince { return &syncSince{look: look, now: time.Now} }

// run looks until ctx ends.
func (s *syncSince) run(ctx context.Context) error {
	for {
		s.note(s.look())
		if err := supervisor.Sleep(ctx, syncLook); err != nil {
			return err
		}
	}
}

// note takes the state as it is now. It returns since when that is so, in ms.
func (s *syncSince) note(state string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state != s.state {
		s.state, s.since = state, s.now()
	}
	return api.Millis(s.since)
}
