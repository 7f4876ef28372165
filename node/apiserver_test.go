package node

import (
	"errors"
	"net/http"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// TestAPIHost sends requests under names that are not the node's, as a page in a browser could.
func TestAPIHost(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0), offline))
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	for host, want := range map[string]int{"": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.APIURL()+"/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %q: %s, want %d", host, resp.Status, want)
		}
	}
}

func TestAPIServerURL(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0), offline))
	if got, err := n.config.Home.API(); err != nil || got != n.APIURL() {
		t.Errorf("the home says %q, %v; the node %q", got, err, n.APIURL())
	}
	if s, err := client(t, n).Status(t.Context()); err != nil || s.Peer != n.PeerID().String() {
		t.Errorf("status through the API: %+v, %v", s, err)
	}
}

// TestAPINames holds that what is no host and no origin is told at the start, and that the caller's
// lists stay as they are.
func TestAPINames(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 0)
	wantStartError(t, config(t, net, offline, func(c *Config) { c.APIHosts = []string{"https://lf.example.org"} }))
	wantStartError(t, config(t, net, offline, func(c *Config) { c.APIAllowOrigins = []string{"*"} }))
	given := []string{"HTTPS://App.example.org/"}
	start(t, config(t, net, offline, func(c *Config) { c.APIAllowOrigins = given }))
	if given[0] != "HTTPS://App.example.org/" {
		t.Errorf("the caller's list has become %q", given)
	}
}

// TestLimitedTokens: a token made in a running node's home works at once and allows what it says.
// Once revoked, it allows nothing.
func TestLimitedTokens(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0), offline))
	h := n.config.Home
	ops, err := h.Owners().New("ops")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Owners().New("other"); err != nil {
		t.Fatal(err)
	}
	token, err := h.AddToken(home.Token{Name: "sensor", Set: []protocol.Owner{ops.Owner}})
	if err != nil {
		t.Fatal(err)
	}
	c := api.NewClient(n.url, token)
	defer c.Close()
	text := "21 °C"
	set := func(owner string) (*api.Submitted, error) {
		return c.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("temperature"), Text: &text, Owner: owner})
	}
	for _, owner := range []string{"ops", ""} {
		if made, err := set(owner); err != nil || made.Owner != ops.Owner {
			t.Errorf("as owner %q: %+v, %v", owner, made, err)
		}
	}
	if _, err := set("other"); !errors.Is(err, &api.Error{Status: http.StatusForbidden}) {
		t.Errorf("as another owner: %v", err)
	}
	if _, err := c.Submit(t.Context(), []byte{1}); !errors.Is(err, &api.Error{Status: http.StatusForbidden}) {
		t.Errorf("a record of its own: %v", err)
	}
	if err := h.RemoveToken("sensor"); err != nil {
		t.Fatal(err)
	}
	if _, err := set("ops"); !errors.Is(err, &api.Error{Status: http.StatusUnauthorized}) {
		t.Errorf("revoked: %v", err)
	}
}
