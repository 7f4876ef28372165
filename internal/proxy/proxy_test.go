package proxy

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// served serves a node of a test over HTTP.
func served(t *testing.T, n api.Service, token string) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = apiserver.NewServer(apiserver.NewHandler(n, apiserver.HandlerOptions{Token: token}), nil)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// TestStart runs a proxy in a home, with nodes that are reached over HTTP, and reads through it as
// a user does.
func TestStart(t *testing.T) {
	t.Parallel()
	s := newStage(t, 2)
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Home: h, Network: s.network, Listen: "127.0.0.1:0", Nodes: []NodeAddress{
		{Address: served(t, s.nodes[0], "one"), Token: "one"}, {Address: served(t, s.nodes[1], "two"), Token: "wrong"},
	}}
	p, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if at, err := h.API(); err != nil || at != p.APIURL() {
		t.Errorf("the home says %q, %v", at, err)
	}
	if err := p.Ready(); err != nil {
		t.Error(err)
	}
	var used *home.InUseError
	if _, err := Start(t.Context(), config); !errors.As(err, &used) {
		t.Errorf("a second one: %v", err)
	}
	db, err := lf.Open(t.Context(), lf.WithHome(h.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	a, err := db.Get(t.Context(), lf.MustKey("horse#1"), lf.Explain())
	if err != nil || a.Text() != "answer" || len(a.Explanation.Claims) != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	checkup, err := p.Service().Doctor(t.Context())
	if err != nil || !checkup.Healthy || len(checkup.Findings) != 4 {
		t.Fatalf("%+v, %v", checkup, err)
	}
	if first, second := checkup.Findings[2], checkup.Findings[3]; first.State != api.FindingOK || second.State != api.FindingWarning || !strings.Contains(second.Text, "token") {
		t.Errorf("%+v, %+v", first, second)
	}
	if facts := checkup.Facts.Nodes; facts[0].Token != api.TokenAccepted || facts[1].Token != api.TokenRefused {
		t.Errorf("%+v", facts)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := h.API(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the address stays: %v", err)
	}
	if p.Ready() == nil {
		t.Error("ready after its end")
	}
}

// TestStartFails leaves nothing: the home still belongs to no network.
func TestStartFails(t *testing.T) {
	t.Parallel()
	s := newStage(t, 1)
	node := []NodeAddress{{Address: served(t, s.nodes[0], "one")}}
	for says, config := range map[string]Config{
		"needs a node":       {},
		"at most 64":         {Nodes: make([]NodeAddress, 65)},
		"is given twice":     {Nodes: append(node, node...)},
		"not HOST:PORT":      {Nodes: node, Listen: "nowhere"},
		"not the address":    {Nodes: []NodeAddress{{Address: "x"}}},
		"is written":         {Nodes: []NodeAddress{{Address: "http://A.example/"}}},
		"compares 1 to 64":   {Nodes: node, Compare: -1},
		"a name of the API":  {Nodes: node, Hosts: []string{"a b"}},
		"may use the API":    {Nodes: node, AllowOrigins: []string{"x"}},
		"the home's network": {Nodes: node},
	} {
		h, err := home.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		config.Home, config.Network = h, s.network
		if config.Listen == "" {
			config.Listen = "127.0.0.1:0"
		}
		if says == "the home's network" {
			other := newNetwork(t, func(p *protocol.Params) { p.Comment = "another one" })
			if err := h.BindNetwork(other.File(nil)); err != nil {
				t.Fatal(err)
			}
			says = "belongs to network"
		}
		if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		if _, _, err := h.Network(); says != "belongs to network" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the home is bound: %v", says, err)
		}
	}
	if _, err := Start(t.Context(), Config{}); err == nil {
		t.Error("without a home")
	}
	http.DefaultClient.CloseIdleConnections()
}
