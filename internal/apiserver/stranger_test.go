package apiserver_test

import (
	"context"
	"testing"

	"github.com/lf-store/lf/internal/stranger"
	"github.com/lf-store/lf/node/api"
)

// whoAsks is a service that notes whether a stranger asked.
type whoAsks struct {
	api.Service
	strangers []bool
}

func (w *whoAsks) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	w.strangers = append(w.strangers, stranger.Asks(ctx))
	return w.Service.Query(ctx, q)
}

// TestStrangers: whoever asks without the token, or with a wrong one, is a stranger to the service.
func TestStrangers(t *testing.T) {
	t.Parallel()
	w := &whoAsks{Service: newFake(t)}
	socket, tcp := serveSocket(t, w, true)
	for _, c := range []*api.Client{newClient(t, socket, ""), newClient(t, tcp, token), newClient(t, tcp, ""), newClient(t, tcp, "wrong")} {
		if _, err := c.Query(t.Context(), api.Query{Selectors: api.MustSelectors("n")}); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{false, false, true, true} {
		if w.strangers[i] != want {
			t.Errorf("request %d: of a stranger: %t", i, w.strangers[i])
		}
	}
}
