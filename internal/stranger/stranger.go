// Package stranger marks requests of strangers: callers of the API that have not shown that they
// are the node's user. A node keeps apart what strangers can use up, and what its user needs.
package stranger

import "context"

type key struct{}

// Mark returns a context for a stranger's request.
func Mark(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, true) }

// Asks reports whether a stranger makes the request. A program that embeds a node is no stranger.
func Asks(ctx context.Context) bool { return ctx.Value(key{}) != nil }
