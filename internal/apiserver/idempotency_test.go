package apiserver_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
)

// keyed is a service that notes the keys of requests.
type keyed struct {
	api.Service
	keys []string
}

func (k *keyed) Set(ctx context.Context, r api.SetRequest) (*api.Submitted, error) {
	k.keys = append(k.keys, api.IdempotencyKeyOf(ctx))
	return k.Service.Set(ctx, r)
}

// TestIdempotencyKeys: the header reaches a service that knows it. Any other one refuses it.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	k := &keyed{Service: newFake(t)}
	knows, _ := serveSocket(t, k, true, apiserver.HandlerOptions{IdempotencyKeys: true})
	knowsNot, _ := serveSocket(t, newFake(t), true, apiserver.HandlerOptions{})
	set := func(address, key string) error {
		ctx := t.Context()
		if key != "" {
			ctx = api.WithIdempotencyKey(ctx, key)
		}
		text := "x"
		_, err := newClient(t, address, "").Set(ctx, api.SetRequest{Selectors: api.MustSelectors("n"), Text: &text})
		return err
	}
	for _, key := range []string{"", "b6e1 ~", strings.Repeat("k", api.MaxIdempotencyKey)} {
		if err := set(knows, key); err != nil || k.keys[len(k.keys)-1] != key {
			t.Errorf("%q: %v, the service sees %q", key, err, k.keys)
		}
	}
	wantStatus := func(err error) {
		t.Helper()
		if e, ok := err.(*api.Error); !ok || e.Status != http.StatusUnprocessableEntity {
			t.Errorf("%v", err)
		}
	}
	wantStatus(set(knows, strings.Repeat("k", api.MaxIdempotencyKey+1)))
	wantStatus(set(knows, "schlüssel"))
	wantStatus(set(knowsNot, "key"))
	if err := set(knowsNot, ""); err != nil {
		t.Error(err)
	}
}
