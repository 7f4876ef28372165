package supervisor

import (
	"context"
	"errors"
	"sync"
)

// Group runs functions in goroutines until Close. The zero value is ready. A Group must not be
// copied.
type Group struct {
	mu      sync.Mutex
	ctx     context.Context // it ends with the group
	cancel  context.CancelFunc
	closed  bool
	running sync.WaitGroup
	failed  []error
}

// Go runs a function in a goroutine. Its context ends with the group. After Close has begun, Go
// runs nothing and returns false.
func (g *Group) Go(run func(ctx context.Context) error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	if g.ctx == nil {
		g.ctx, g.cancel = context.WithCancel(context.Background())
	}
	ctx := g.ctx
	g.running.Go(func() {
		if err := outcome(ctx, run(ctx)); err != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.failed = append(g.failed, err)
		}
	})
	return true
}

// Close ends the context of all functions and waits until they have returned. It returns the errors
// of those that failed. It may be called more than once, and by several callers at the same time.
func (g *Group) Close() error {
	g.mu.Lock()
	g.closed = true
	if g.cancel != nil {
		g.cancel()
	}
	g.mu.Unlock()
	g.running.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.failed...)
}

// Run runs functions side by side and returns when all have. The first failure ends the others. It
// returns the failures.
func Run(ctx context.Context, parts ...func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make([]error, len(parts))
	var running sync.WaitGroup
	for i, run := range parts {
		running.Go(func() {
			if failed[i] = outcome(ctx, run(ctx)); failed[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	return errors.Join(failed...)
}

// outcome is the error of a function that returned. An ended context is no failure.
func outcome(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
