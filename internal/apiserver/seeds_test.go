package apiserver_test

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// seeded is a fake that has seeds.
type seeded struct {
	*apitest.Fake
	seeds api.Seeds
}

func (s *seeded) Seeds(context.Context) (*api.Seeds, error) { return &s.seeds, nil }

// TestSeeds holds that a report crosses HTTP as it is, and that no list is an empty one.
func TestSeeds(t *testing.T) {
	t.Parallel()
	s := &seeded{Fake: newFake(t)}
	h := apiserver.NewHandler(s, apiserver.HandlerOptions{})
	if body := ask(t, h, "GET", "/v1/seeds", nil).want(t, http.StatusOK, "application/json"); !strings.Contains(string(body), `"seeds":[]`) {
		t.Errorf("no seeds: %s", body)
	}
	s.seeds = api.Seeds{
		Seeds: []api.Seed{
			{Kind: api.KindSeed, Peer: "12D3KooW", Addresses: []string{"/ip4/192.0.2.1/tcp/9908"}, State: api.SeedFailing, Since: 1, Failures: 2, NextDial: 3, Error: "refused"},
			{Kind: api.KindRendezvous, Peer: "Qm", Addresses: []string{"/dnsaddr/example.org"}, State: api.SeedConnected, Since: 4},
		},
		Known: 5, Rendezvous: api.RendezvousFacts{On: true, Last: 6, Met: 7, Entered: 8, Error: "no way in"},
	}
	got, err := newClient(t, serve(t, s, apiserver.HandlerOptions{}), "").Seeds(t.Context())
	if err != nil || !reflect.DeepEqual(*got, s.seeds) {
		t.Errorf("%+v, %v", got, err)
	}
}
