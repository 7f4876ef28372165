package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
)

const (
	// checkEvery is how often a node is asked how it is, checkTimeout how long it may take.
	checkEvery   = 5 * time.Second
	checkTimeout = 3 * time.Second
	// minSlowPause and maxSlowPause bound how long a node is not asked that let a request wait.
	minSlowPause = 30 * time.Second
	maxSlowPause = 10 * time.Minute
)

// nodes are the full nodes of a proxy.
type nodes struct {
	list []*node
	log  *slog.Logger
	// checking is full while all nodes are being checked.
	checking chan struct{}
}

func newNodes(c *Config) *nodes {
	ns := &nodes{log: c.Logger, checking: make(chan struct{}, 1)}
	for _, a := range c.Nodes {
		ns.list = append(ns.list, newNode(a, c))
	}
	return ns
}

func (ns *nodes) close() error {
	var failed []error
	for _, n := range ns.list {
		if client, ok := n.client.(io.Closer); ok {
			failed = append(failed, client.Close())
		}
	}
	return errors.Join(failed...)
}

// watch asks each node again and again how it is, until its context ends.
func (ns *nodes) watch(ctx context.Context) error {
	parts := make([]func(context.Context) error, len(ns.list))
	for i, n := range ns.list {
		parts[i] = func(ctx context.Context) error {
			for {
				if err := supervisor.Sleep(ctx, checkEvery); err != nil {
					return err
				}
				ns.check(ctx, n)
			}
		}
	}
	return supervisor.Run(ctx, parts...)
}

// check asks a node how it is, and logs what is new.
func (ns *nodes) check(ctx context.Context, n *node) {
	before := n.known()
	n.check(ctx)
	after := n.known()
	switch {
	case before.state == after.state || ctx.Err() != nil:
	case after.problem != nil:
		ns.log.Warn("a node is passed over", "node", n.address, "state", after.state, "why", after.problem)
	default:
		ns.log.Info("a node answers and is in sync", "node", n.address)
	}
	if was, now := before.status, after.status; was != nil && now != nil && was.Storage.Database != now.Storage.Database {
		ns.log.Warn("a node has another database than before", "node", n.address, "records", now.Storage.Attached)
	}
}

// meet checks all nodes at once. Callers that come meanwhile wait for the same check.
func (ns *nodes) meet(ctx context.Context) error {
	begin := time.Now()
	select {
	case ns.checking <- struct{}{}:
		defer func() { <-ns.checking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var all sync.WaitGroup
	for _, n := range ns.list {
		if n.known().checked.After(begin) {
			continue // while this call waited
		}
		all.Go(func() { ns.check(ctx, n) })
	}
	all.Wait()
	return ctx.Err()
}

// usable returns the nodes that may be asked, in the order in which they were given. Those are the
// nodes in sync. Where there are none, it returns those that answer at least.
func (ns *nodes) usable(ctx context.Context) ([]*node, error) {
	if list := ns.answering(); len(list) > 0 {
		return list, nil
	}
	if err := ns.meet(ctx); err != nil {
		return nil, err
	}
	if list := ns.answering(); len(list) > 0 {
		return list, nil
	}
	return nil, errNoNode(ns.problem())
}

func (ns *nodes) answering() []*node {
	if synced := ns.in(api.NodeSynced); len(synced) > 0 {
		return synced
	}
	return ns.in(api.NodeUnsynced)
}

// in returns the nodes in a state.
func (ns *nodes) in(state string) (list []*node) {
	for _, n := range ns.list {
		if n.known().state == state {
			list = append(list, n)
		}
	}
	return list
}

// problem says of the first node that is passed over why it is.
func (ns *nodes) problem() error {
	for _, n := range ns.list {
		if known := n.known(); known.problem != nil {
			return fmt.Errorf("%s: %w", n.address, known.problem)
		}
	}
	return nil
}

// ready says why no node is in sync, nil if one is.
func (ns *nodes) ready() error {
	if len(ns.in(api.NodeSynced)) > 0 {
		return nil
	}
	if why := ns.problem(); why != nil {
		return fmt.Errorf("no node is in sync: %w", why)
	}
	return errors.New("no node is in sync")
}

// one asks the first node that answers. What a node answers with a status below 500 is an answer.
func one[T any](ctx context.Context, ns *nodes, call func(context.Context, api.Service) (T, error)) (T, *node, error) {
	return oneNode(ctx, ns, func(ctx context.Context, n *node) (T, error) { return call(ctx, n.client) })
}

// oneNode is [one] for a call that must know which node it asks.
func oneNode[T any](ctx context.Context, ns *nodes, call func(context.Context, *node) (T, error)) (T, *node, error) {
	var none T
	list, err := ns.usable(ctx)
	if err != nil {
		return none, nil, err
	}
	for _, n := range list {
		var answer T
		answer, err = call(ctx, n)
		if err == nil || isAnswer(err) || ctx.Err() != nil {
			return answer, n, err
		}
		n.failed(err)
		ns.log.Warn("a node failed", "node", n.address, "error", err)
	}
	return none, nil, errNoNode(err)
}
