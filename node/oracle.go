package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/lf-store/lf/node/internal/oracle"
	"github.com/lf-store/lf/node/internal/service"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
	lfsync "github.com/lf-store/lf/sync"
)

// oracleThreads is how many threads solve for commentary: what is said may come later, and solving
// yields to all else.
const oracleThreads = 1

// startOracle starts the commentator, where the node is to be an oracle. Its words are signed by
// the node's identity, so that readers elect the node by its peer ID.
func (n *Node) startOracle(identity ed25519.PrivateKey) error {
	c := &n.config
	if !c.Oracle.Enabled {
		return nil
	}
	o, err := oracle.New(oracle.Config{
		Network: c.Network, Key: identity, Store: oracleStore{n.store}, Memory: n.datastore("oracle"),
		Solver: func(ctx context.Context) protocol.WorkSolver { return service.SolveWork(ctx, oracleThreads, nil) },
		Submit: n.submitCommentary, PerHour: c.Oracle.PerHour, Clock: c.Clock, Logger: c.Logger,
	})
	if err != nil {
		return err
	}
	n.oracle = o
	unfollow := n.store.Follow(func([]store.Item) { o.Notify() })
	n.parts.OnClose("oracle", func() error {
		unfollow()
		return o.Close()
	})
	return nil
}

func (n *Node) submitCommentary(ctx context.Context, frame []byte) error {
	in, err := n.sync.Submit(ctx, frame)
	switch {
	case err != nil:
		return err
	case in.Outcome == lfsync.Refused:
		return in.Err
	case in.State != lfsync.Attached:
		return errors.New("it is " + in.State.String() + ", not attached")
	}
	return nil
}

// oracleStore shows the store to package oracle as that wants to see it.
type oracleStore struct{ store *store.Store }

// Collisions implements oracle.Store.
func (s oracleStore) Collisions(ctx context.Context, after uint64, limit int) ([]oracle.Collision, uint64, error) {
	found, next, err := s.store.Collisions(ctx, after, limit)
	list := make([]oracle.Collision, len(found))
	for i, c := range found {
		list[i] = oracle.Collision{Composite: c.Composite, Claims: make([]oracle.Claim, len(c.Claims))}
		for j := range c.Claims {
			list[i].Claims[j] = oracle.Claim{Owner: c.Claims[j].Owner, First: c.Claims[j].Standing.First}
		}
	}
	return list, next, err
}

// Words implements oracle.Store.
func (s oracleStore) Words(ctx context.Context, by protocol.Owner, composite protocol.CompositeID) ([]oracle.Word, error) {
	return s.store.Words(ctx, by, composite)
}

// Links implements oracle.Store.
func (s oracleStore) Links(ctx context.Context, count int, now uint64, owner protocol.Owner) (oracle.Links, error) {
	l, err := s.store.Links(ctx, store.LinksQuery{Count: count, Now: now, Owner: &owner})
	if err != nil {
		return oracle.Links{}, fmt.Errorf("links: %w", err)
	}
	return oracle.Links{IDs: l.IDs, Newest: l.Newest, Certified: l.Certified}, nil
}
