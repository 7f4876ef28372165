package lf

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/lf-store/lf/node/api"
)

const (
	// maxWatchPause is the longest pause between two attempts to watch. A stream that lasted as
	// long shows that the node is well.
	maxWatchPause = 5 * time.Second
	// maxRetryAfter is the longest pause that a node can ask for.
	maxRetryAfter = time.Minute
)

// watchPauses says how long to wait before the next attempt. The pauses double. Each is a random
// time between half and all of that. So the watchers of a node that was restarted do not come all
// at once.
type watchPauses struct{ next time.Duration }

// lived takes how long the last stream lasted.
func (p *watchPauses) lived(d time.Duration) {
	if d >= maxWatchPause || p.next == 0 {
		p.next = firstPause
	}
}

// wait pauses, at least for as long as the node asked for.
func (p *watchPauses) wait(ctx context.Context, after error) error {
	pause := p.next/2 + rand.N(p.next/2+1)
	p.next = min(2*p.next, maxWatchPause)
	var refused *api.Error
	if errors.As(after, &refused) {
		pause += min(time.Duration(refused.RetryAfter)*time.Second, maxRetryAfter)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
