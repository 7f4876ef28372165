package apiserver_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// peered is a fake that connects to everybody.
type peered struct {
	*apitest.Fake
	asked  []api.ConnectRequest
	parted []string
	refuse []time.Duration
}

func (p *peered) Connect(_ context.Context, r api.ConnectRequest) (*api.Peer, error) {
	p.asked = append(p.asked, r)
	return &api.Peer{ID: "12D3KooW", Addresses: r.Addresses, Direction: "outbound", Path: api.PathDirect, Transport: api.TransportTCP, Network: true, Added: true, Remembered: r.Remember != nil && *r.Remember}, nil
}

func (p *peered) Disconnect(_ context.Context, id string, refuse time.Duration) (*api.Disconnected, error) {
	p.parted, p.refuse = append(p.parted, id), append(p.refuse, refuse)
	return &api.Disconnected{Peer: id, Connections: 2, Added: true, Until: 7}, nil
}

// TestPeering checks that both calls cross HTTP as they are, and that they need the token.
func TestPeering(t *testing.T) {
	t.Parallel()
	s := &peered{Fake: newFake(t)}
	url := serve(t, s, apiserver.HandlerOptions{Token: token})
	c, yes := newClient(t, url, token), true
	for _, r := range []api.ConnectRequest{{Addresses: []string{"a"}}, {Addresses: []string{"a", "b"}, Remember: &yes}, {Addresses: []string{"a"}, Remember: new(bool)}} {
		want, _ := s.Connect(t.Context(), r)
		got, err := c.Connect(t.Context(), r)
		if err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(s.asked[len(s.asked)-1], r) {
			t.Errorf("%+v: %+v, %v", r, got, err)
		}
	}
	got, err := c.Disconnect(t.Context(), "12D3KooW/x?y", 90*time.Second)
	if err != nil || *got != (api.Disconnected{Peer: "12D3KooW/x?y", Connections: 2, Added: true, Until: 7}) || s.refuse[0] != 90*time.Second {
		t.Errorf("%+v, %v, for %s", got, err, s.refuse)
	}
	stranger := newClient(t, url, "")
	if _, err := stranger.Connect(t.Context(), api.ConnectRequest{Addresses: []string{"a"}}); !errors.Is(err, &api.Error{Status: http.StatusUnauthorized}) {
		t.Errorf("without the token: %v", err)
	}
	if _, err := stranger.Disconnect(t.Context(), "x", 0); !errors.Is(err, &api.Error{Status: http.StatusUnauthorized}) {
		t.Errorf("without the token: %v", err)
	}
}

// TestPeeringBadInput checks that what makes no sense does not reach the service.
func TestPeeringBadInput(t *testing.T) {
	t.Parallel()
	s := &peered{Fake: newFake(t)}
	h := apiserver.NewHandler(s, apiserver.HandlerOptions{Token: token})
	for body, status := range map[string]int{
		``:                             http.StatusBadRequest,
		`{}`:                           http.StatusUnprocessableEntity,
		`{"addresses": []}`:            http.StatusUnprocessableEntity,
		`{"addresses": "a"}`:           http.StatusUnprocessableEntity,
		`{"addresses": ["a"], "x": 1}`: http.StatusUnprocessableEntity,
		`{"addresses": [` + strings.Repeat(`"a",`, api.MaxConnectAddresses) + `"a"]}`: http.StatusUnprocessableEntity,
		`{"addresses": ["` + strings.Repeat("a", 20<<10) + `"]}`:                      http.StatusRequestEntityTooLarge,
	} {
		if got := ask(t, h, "POST", "/v1/peers", text(body), withToken); got.Code != status {
			t.Errorf("%.40s: %d, want %d: %s", body, got.Code, status, got.Body)
		}
	}
	for _, refuse := range []string{"-1", "86401", "x", "NaN", "Inf"} {
		if got := ask(t, h, "DELETE", "/v1/peers/x?refuse="+refuse, nil, withToken); got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d: %s", refuse, got.Code, got.Body)
		}
	}
	if len(s.asked)+len(s.parted) > 0 {
		t.Errorf("asked %v, parted from %v", s.asked, s.parted)
	}
	if _, err := newClient(t, serve(t, s, apiserver.HandlerOptions{Token: token}), token).Disconnect(t.Context(), "x", -time.Second); err == nil {
		t.Error("the client sends a negative time")
	}
}
