package testbed

import (
	"context"
	"errors"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/embedder"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// errDown is why a node does not answer that is down.
var errDown = errors.New("it is down")

// writerAPI is the API of a node in whichever run it is, for a client of the library that writes.
type writerAPI struct {
	api.Service // none: a client that writes asks nothing but what is below
	node        *node
	names       *protocol.NameCache
}

var (
	_ api.Service      = writerAPI{}
	_ embedder.Service = writerAPI{}
)

// newWriter returns a client of a node that dates records by the node's clock. It waits while the
// node is down.
func (r *runner) newWriter(node string) (*lf.Client, error) {
	return lf.New(writerAPI{node: r.nodes[node], names: r.names}, r.network, lf.ByNodesClock())
}

// Hooks implements [embedder.Service]: all clients remember the names together.
func (w writerAPI) Hooks() embedder.Hooks {
	return embedder.Hooks{Name: func(_ context.Context, name string) (protocol.NameKey, error) { return w.names.Derive(name) }}
}

func (w writerAPI) client() (NodeAPI, error) {
	if client := w.node.api(); client != nil {
		return client, nil
	}
	return nil, &api.UnreachableError{URL: w.node.spec.Name, Err: errDown}
}

// Links implements api.Service.
func (w writerAPI) Links(ctx context.Context, q api.LinksQuery) (*api.Links, error) {
	client, err := w.client()
	if err != nil {
		return nil, err
	}
	return client.Links(ctx, q)
}

// Submit implements api.Service.
func (w writerAPI) Submit(ctx context.Context, frame []byte) (*api.Submitted, error) {
	client, err := w.client()
	if err != nil {
		return nil, err
	}
	return client.Submit(ctx, frame)
}
