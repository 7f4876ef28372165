package lf

import (
	"context"
	"errors"
	"time"

	"github.com/lf-store/lf/node/api"
)

type syncWait struct {
	wanted bool
	within time.Duration
}

// AwaitSynced has the node compare its records with its peers' and returns when it is in sync. If
// it is not within that time (0: 10 s, at most an hour) the error is a [*NotSyncedError].
func (c *Client) AwaitSynced(ctx context.Context, within time.Duration) error {
	return c.awaitSynced(ctx, &syncWait{true, within})
}

func (c *Client) awaitSynced(ctx context.Context, w *syncWait) error {
	if !w.wanted {
		return nil
	}
	if w.within < 0 || w.within > api.MaxTimeout {
		return wrongInput("the time to wait for the node to be in sync must be at most %s, not %s", api.MaxTimeout, w.within)
	}
	err := c.retry(ctx, 0, func(node api.Service) error {
		_, err := node.Synced(ctx, w.within)
		return err
	})
	var late *api.Error
	if errors.As(err, &late) && late.Sync != nil {
		if w.within == 0 {
			w.within = api.DefaultTimeout
		}
		return &NotSyncedError{Within: w.within, Sync: late.Sync}
	}
	return err
}
