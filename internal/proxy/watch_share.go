package proxy

import (
	"context"
	"sync"

	"github.com/lf-store/lf/node/api"
)

// sharer asks once for many watchers of the same key, who all hear of a change at once. It is safe
// for concurrent use.
type sharer struct {
	parts sync.WaitGroup

	mu     sync.Mutex
	calls  map[string]*sharedCalls
	closed bool
}

// sharedCalls are the call about a key that is under way, and the one that comes after it. Whoever
// asks while a call is under way wants to know what is so now, and waits for the next one.
type sharedCalls struct {
	running, next *sharedCall
}

type sharedCall struct {
	ask     func() ([]api.Answer, error)
	done    chan struct{} // closed when the rest is there
	answers []api.Answer  // shared: they must not be changed
	err     error
}

func newSharer() *sharer { return &sharer{calls: map[string]*sharedCalls{}} }

// close waits for the calls under way. No other one begins.
func (s *sharer) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.parts.Wait()
}

// do asks about a key, together with others who ask about it now. The end of ctx ends the waiting,
// and not the question.
func (s *sharer) do(ctx context.Context, key string, ask func() ([]api.Answer, error)) ([]api.Answer, error) {
	c := s.join(key, ask)
	select {
	case <-c.done:
		return c.answers, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *sharer) join(key string, ask func() ([]api.Answer, error)) *sharedCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls[key]
	switch {
	case s.closed:
		c := newSharedCall(nil)
		c.err = closingError()
		close(c.done)
		return c
	case calls == nil:
		calls = &sharedCalls{running: newSharedCall(ask)}
		s.calls[key] = calls
		s.parts.Go(func() { s.run(key, calls) })
		return calls.running
	case calls.next == nil:
		calls.next = newSharedCall(ask)
	}
	return calls.next
}

func newSharedCall(ask func() ([]api.Answer, error)) *sharedCall {
	return &sharedCall{ask: ask, done: make(chan struct{})}
}

// run asks until nobody waits for an answer any more.
func (s *sharer) run(key string, calls *sharedCalls) {
	for c := calls.running; c != nil; {
		c.answers, c.err = c.ask()
		close(c.done)
		s.mu.Lock()
		c = calls.next
		calls.running, calls.next = c, nil
		if c == nil {
			delete(s.calls, key)
		}
		s.mu.Unlock()
	}
}
