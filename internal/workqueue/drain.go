package workqueue

import "context"

// Drain ends a pool in good order. Nobody may enter any more. What has had no attempt yet gets
// [ErrClosed] at once. What is being worked for is finished, unless ctx ends before: then it gets
// [ErrClosed], too. Drain returns when the pool is closed.
func (p *Pool) Drain(ctx context.Context) {
	if empty := p.turnAway(); empty != nil {
		select {
		case <-empty:
		case <-ctx.Done():
		}
	}
	p.Close()
}

// turnAway ends what waits. It returns what is closed when the rest is finished, nil if there is no
// rest.
func (p *Pool) turnAway() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaving = true
	for job, t := range p.tickets {
		if job.attempts == 0 {
			t.end(outcome{err: ErrClosed})
		}
	}
	if len(p.tickets) == 0 || p.closed {
		return nil
	}
	p.empty = make(chan struct{})
	return p.empty
}
