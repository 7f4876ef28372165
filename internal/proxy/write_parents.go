package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// maxAncestors is how many ancestors a record takes along to a node that lacks them. A node that
// lacks more is not in sync.
const maxAncestors = 256

// submitTo hands a record to a node, with its ancestors where the node lacks them.
func (s *Service) submitTo(ctx context.Context, n *node, r *protocol.Record, frame []byte) (*api.Submitted, error) {
	done, err := submitOne(ctx, n, r, frame)
	if err != nil || done.State != api.StatePending {
		return done, err
	}
	left := maxAncestors
	if err := s.takeAlong(ctx, n, r, &left); err != nil {
		s.log.Info("a node lacks ancestors of a record", "node", n.address, "record", r.ID(), "error", err)
		return done, nil // it is pending there, and the node looks for the ancestors itself
	}
	again, err := submitOne(ctx, n, r, frame)
	if err == nil && again.State == api.StateAttached {
		again.Known = done.Known // by this very request
	}
	return again, err
}

// submitOne hands one record to a node.
func submitOne(ctx context.Context, n *node, r *protocol.Record, frame []byte) (*api.Submitted, error) {
	done, err := n.client.Submit(ctx, frame)
	if err == nil && done.ID != r.ID() {
		return nil, fmt.Errorf("the node acknowledges record %s in place of %s", done.ID, r.ID())
	}
	return done, err
}

// takeAlong hands the ancestors of a record to a node, the oldest first.
func (s *Service) takeAlong(ctx context.Context, n *node, r *protocol.Record, left *int) error {
	for _, id := range r.Links {
		if *left--; *left < 0 {
			return errors.New("it lacks too many")
		}
		parent, err := s.ancestor(ctx, n, id)
		if err != nil {
			return err
		}
		frame := parent.EncodeFrame()
		done, err := submitOne(ctx, n, parent, frame)
		if err == nil && done.State == api.StatePending {
			if err = s.takeAlong(ctx, n, parent, left); err == nil {
				_, err = submitOne(ctx, n, parent, frame)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ancestor gets a record for a node: out of what links came with, or from another node.
func (s *Service) ancestor(ctx context.Context, lacks *node, id protocol.ID) (*protocol.Record, error) {
	if r := s.writes.links.record(id); r != nil {
		return r, nil
	}
	list := append(s.nodes.answering(), s.nodes.list...) // one that failed may still answer this
	err := fmt.Errorf("no other node has record %s", id)
	for i, n := range list {
		if n == lacks || slices.Contains(list[:i], n) {
			continue
		}
		var r *protocol.Record
		if r, err = s.fetchRecord(ctx, n, id); err == nil {
			s.writes.links.known.Add(id, origin{n, r})
			return r, nil
		}
	}
	return nil, err
}
