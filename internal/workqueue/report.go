package workqueue

import (
	"context"

	"github.com/lf-store/lf/node/api"
)

// Report returns what [Ticket.Turn] and [Ticket.Solve] report to in a call of an [api.Service]. It
// is nil unless the caller wants to know the progress: see [api.WithWorkProgress].
func Report(ctx context.Context) func(Progress) {
	report := api.WorkProgressOf(ctx)
	if report == nil {
		return nil
	}
	return func(p Progress) {
		report(api.WorkProgress{
			Ahead: p.Jobs, Effort: p.Effort, Attempts: p.Attempts, WaitMS: uint64(max(p.Wait.Milliseconds(), 0)),
		})
	}
}
