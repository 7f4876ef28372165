// Package caller tells a service who makes a request of its API. The API's server notes the caller
// in the request's context.
package caller

import "context"

// Caller makes requests. Its zero value is the service's own user, who holds the home's token or
// uses the home's socket. A program that embeds the service is also its user.
type Caller struct {
	// Name is that of the caller's limited token; "" without one. Callers of different names get
	// turns and budgets of their own.
	Name string
	// EffortPerHour bounds the work that a service does for the caller; 0: it does not.
	EffortPerHour uint64
	// Stranger is set unless the caller has shown that it is the user. A service keeps apart what
	// strangers can use up, and what its user needs.
	Stranger bool
}

type key struct{}

// With returns a context for a request of c.
func With(ctx context.Context, c Caller) context.Context { return context.WithValue(ctx, key{}, c) }

// Of returns who makes a request.
func Of(ctx context.Context) Caller {
	c, _ := ctx.Value(key{}).(Caller)
	return c
}
