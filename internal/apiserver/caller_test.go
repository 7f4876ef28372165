package apiserver_test

import (
	"context"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/node/api"
)

// whoAsks is a service that notes who asked.
type whoAsks struct {
	api.Service
	callers []caller.Caller
}

func (w *whoAsks) Query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	w.callers = append(w.callers, caller.Of(ctx))
	return w.Service.Query(ctx, q)
}

// TestCallers: whoever asks without a token, or with a wrong one, is a stranger to the service. A
// limited token has a name.
func TestCallers(t *testing.T) {
	t.Parallel()
	w := &whoAsks{Service: newFake(t)}
	tokens := func(token string) (*apiserver.Grant, error) {
		if token != "limited" {
			return nil, nil
		}
		return &apiserver.Grant{Name: "phone", Read: true, EffortPerHour: 7}, nil
	}
	socket, tcp := serveSocket(t, w, true, apiserver.HandlerOptions{Token: token, Tokens: tokens})
	stranger := caller.Caller{Stranger: true}
	asked := []struct {
		address, token string
		want           caller.Caller
	}{
		{socket, "", caller.Caller{}},
		{tcp, token, caller.Caller{}},
		{tcp, "", stranger},
		{tcp, "wrong", stranger},
		{tcp, "limited", caller.Caller{Name: "phone", EffortPerHour: 7, Stranger: true}},
	}
	for i, a := range asked {
		c := newClient(t, a.address, a.token)
		if _, err := c.Query(t.Context(), api.Query{Selectors: api.MustSelectors("n")}); err != nil {
			t.Fatal(err)
		}
		if w.callers[i] != a.want {
			t.Errorf("request %d: of %+v, want %+v", i, w.callers[i], a.want)
		}
	}
}
