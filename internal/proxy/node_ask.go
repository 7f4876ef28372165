package proxy

import (
	"cmp"
	"context"
	"slices"
	"time"
)

const (
	// stragglers is how long a node may take longer than the first one that answered, before the
	// proxy goes on without it.
	stragglers = 2 * time.Second
	// stragglersFactor lets slow questions be slow: it multiplies the time of the first answer.
	stragglersFactor = 3
	// spareAfter is when another node is asked beside one that has not answered yet.
	spareAfter = time.Second
)

// said is what one node answered. err is one of the node's answers, such as 404.
type said[T any] struct {
	node   *node
	answer T
	err    error
	took   time.Duration
}

// askAll asks up to want nodes the same at once, and others in place of those that fail. It returns
// what nodes answered, at least one answer. A node that is much slower than the first one is
// given up, and is not asked again for a while.
func askAll[T any](ctx context.Context, ns *nodes, want int, call func(context.Context, *node) (T, error)) ([]said[T], error) {
	list, err := ns.usable(ctx)
	if err != nil {
		return nil, err
	}
	return ask(ctx, ns, list, want, call)
}

// ask is askAll for a list of nodes, the preferred ones first.
func ask[T any](ctx context.Context, ns *nodes, list []*node, want int, call func(context.Context, *node) (T, error)) ([]said[T], error) {
	if len(list) == 1 {
		return askOne(ctx, ns, list[0], call)
	}
	a := &asking[T]{nodes: ns, call: call, spare: list, answered: make(chan said[T], len(list)), pending: map[*node]time.Time{}}
	ctx, a.cancel = context.WithCancel(ctx)
	defer a.cancel()
	for range min(want, len(list)) {
		a.next(ctx)
	}
	done := a.collect(ctx, want)
	switch {
	case len(done) > 0:
		slices.SortFunc(done, func(a, b said[T]) int { return cmp.Compare(slices.Index(list, a.node), slices.Index(list, b.node)) })
		return done, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, errNoNode(a.failure)
}

// askOne asks the only node that there is.
func askOne[T any](ctx context.Context, ns *nodes, n *node, call func(context.Context, *node) (T, error)) ([]said[T], error) {
	answer, err := call(ctx, n)
	switch {
	case err == nil || isAnswer(err):
		return []said[T]{{node: n, answer: answer, err: err}}, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	n.failed(err)
	ns.log.Warn("a node failed", "node", n.address, "error", err)
	return nil, errNoNode(err)
}

// asking is a question under way.
type asking[T any] struct {
	nodes    *nodes
	call     func(context.Context, *node) (T, error)
	cancel   context.CancelFunc
	spare    []*node // not asked yet
	answered chan said[T]
	pending  map[*node]time.Time // when they were asked
	failure  error               // the last one
}

// next asks a further node, if there is one.
func (a *asking[T]) next(ctx context.Context) {
	if len(a.spare) == 0 {
		return
	}
	n := a.spare[0]
	a.spare = a.spare[1:]
	begin := time.Now()
	a.pending[n] = begin
	go func() {
		answer, err := a.call(ctx, n)
		a.answered <- said[T]{n, answer, err, time.Since(begin)}
	}()
}

// collect waits for as many answers as are wanted. After the first one it does not wait for long.
func (a *asking[T]) collect(ctx context.Context, want int) (done []said[T]) {
	spare := time.NewTimer(spareAfter)
	defer spare.Stop()
	var late <-chan time.Time
	for len(a.pending) > 0 && len(done) < want {
		select {
		case s := <-a.answered:
			delete(a.pending, s.node)
			if s.err != nil && !isAnswer(s.err) {
				a.lost(ctx, s)
				continue
			}
			if done = append(done, s); len(done) == 1 {
				timer := time.NewTimer(max(stragglers, stragglersFactor*s.took))
				defer timer.Stop()
				late = timer.C
			}
		case <-spare.C:
			a.next(ctx)
		case <-late:
			a.giveUp(0)
			return done
		case <-ctx.Done():
			return nil
		}
	}
	a.giveUp(spareAfter)
	return done
}

// lost asks another node in place of one that failed.
func (a *asking[T]) lost(ctx context.Context, s said[T]) {
	if ctx.Err() != nil {
		return
	}
	a.failure = s.err
	s.node.failed(s.err)
	a.nodes.log.Warn("a node failed", "node", s.node.address, "error", s.err)
	a.next(ctx)
}

// giveUp notes the nodes as slow that have not answered yet after this time.
func (a *asking[T]) giveUp(after time.Duration) {
	for n, since := range a.pending {
		if time.Since(since) < after {
			continue
		}
		n.late(time.Since(since))
		a.nodes.log.Warn("a node is slow and is not asked for a while", "node", n.address)
	}
}
