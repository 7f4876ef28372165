package proxy

import (
	"context"
	"time"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// spreadAfter is how long the nodes have to pass records on by themselves.
	spreadAfter = time.Second
	// maxSpreads bounds the links that wait. Beyond it the nodes are on their own.
	maxSpreads = 64
	// spreadWithin bounds how long one record may take.
	spreadWithin = 20 * time.Second
)

// given are records that a node gave as links for the first time.
type given struct {
	node    *node
	records []*protocol.Record
	at      time.Time
}

// offer has links taken to another node, if there is one.
func (s *Service) offer(n *node, records []*protocol.Record) {
	if len(records) == 0 || len(s.nodes.list) < 2 {
		return
	}
	select {
	case s.writes.given <- given{n, records, time.Now()}:
	default:
	}
}

// spread takes what new records link to from the node that gave it to another one, while the new
// records are worked for. If the first node dies with records that only it has, the new ones can be
// attached all the same. It ends with its context.
func (s *Service) spread(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case g := <-s.writes.given:
			if err := supervisor.Sleep(ctx, time.Until(g.at.Add(spreadAfter))); err != nil {
				return err
			}
			for _, r := range g.records {
				s.spreadOne(ctx, g.node, r)
			}
		}
	}
}

// spreadOne takes a record to the first other node, unless that has it.
func (s *Service) spreadOne(ctx context.Context, from *node, r *protocol.Record) {
	ctx, cancel := context.WithTimeout(ctx, spreadWithin)
	defer cancel()
	for _, n := range s.nodes.answering() {
		if n == from {
			continue
		}
		info, err := n.client.Record(ctx, r.ID())
		if err == nil && info.State == api.StateAttached {
			return
		}
		done, err := s.submitTo(ctx, n, r, r.EncodeFrame())
		if err == nil && done.State == api.StateAttached {
			s.log.Debug("a node lacked what new records link to", "node", n.address, "record", r.ID())
			return
		}
	}
}
