package store

import (
	"context"
	"sync"
)

// pool lends connections, the one that came back last first: under little load that one has the
// pages in its cache.
type pool struct {
	free chan struct{} // holds a token for each idle connection
	mu   sync.Mutex
	idle []*conn
}

func newPool(size int) *pool { return &pool{free: make(chan struct{}, size)} }

// take waits for a connection until ctx ends or quit is closed.
func (p *pool) take(ctx context.Context, quit <-chan struct{}) (*conn, error) {
	select {
	case <-quit:
		// closing wins over a connection that is free, and so does who does not wait any more
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	default:
	}
	select {
	case <-quit:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.free:
		return p.pop(), nil
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

func (p *pool) give(c *conn) {
	p.mu.Lock()
	p.idle = append(p.idle, c)
	p.mu.Unlock()
	p.free <- struct{}{}
}

// drain takes out and closes count connections, waiting for those that are lent.
func (p *pool) drain(count int) (errs []error) {
	for range count {
		<-p.free
		errs = append(errs, p.pop().close())
	}
	return errs
}
