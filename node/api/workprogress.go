package api

import "context"

// WorkProgress tells how far a call is that has a service do work. The search has no memory:
// however many attempts were made, what is left takes as long on average as the whole.
type WorkProgress struct {
	Ahead    int    `json:"ahead" doc:"requests of the same client that come first"`
	Effort   uint64 `json:"effort" doc:"effort that is spent until this request is served, on average: for those ahead, for other clients in between, and for itself"`
	Attempts uint64 `json:"attempts" doc:"attempts made for this request; 0: it waits for its turn"`
	WaitMS   uint64 `json:"waitMs,omitempty" doc:"how long that takes from now on, in ms, on average; absent: not known yet"`
}

type progressKey struct{}

// WithWorkProgress returns a context for calls of [Service.Set], [Service.SubmitSigned] and
// [Service.Work] that tell their progress. While such a call waits for its turn or works, it calls
// report up to ten times a second, on its own goroutine. A call that takes no work reports nothing.
func WithWorkProgress(ctx context.Context, report func(WorkProgress)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// WorkProgressOf returns the function that a service calls with the progress of a call, as
// [WithWorkProgress] says; nil where nobody wants to know.
func WorkProgressOf(ctx context.Context) func(WorkProgress) {
	report, _ := ctx.Value(progressKey{}).(func(WorkProgress))
	return report
}
