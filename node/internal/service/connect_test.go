package service

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/node/internal/p2p"
)

const peerA = "12D3KooWBggBgSzANkCnhmnDiZjVSU3UxatjabWkkjE4fazbUVTm"

// TestRememberedPeers checks what a home gives back after a restart, and that what this node cannot
// use stays in the file.
func TestRememberedPeers(t *testing.T) {
	h, log := newHome(t), new(bytes.Buffer)
	load := func() *RememberedPeers {
		return LoadRememberedPeers(h, peer.ID("self"), p2p.ProfileLocal, slog.New(slog.NewTextHandler(log, nil)))
	}
	local, elsewhere := "/ip4/127.0.0.1/tcp/1/p2p/"+peerA, "/ip4/192.0.2.1/tcp/1/p2p/"+peerA
	if err := h.SetPeers([]string{local, elsewhere, "nonsense", "/ip4/127.0.0.1/tcp/2/p2p/" + peerA}); err != nil {
		t.Fatal(err)
	}
	r := load()
	list := r.List()
	if len(list) != 1 || len(list[0].Addrs) != 2 || list[0].ID.String() != peerA || !r.has(list[0].ID) {
		t.Fatalf("%v", list)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 2 {
		t.Errorf("%d warnings: %s", n, log)
	}
	if err := r.set(peer.AddrInfo{ID: list[0].ID}); err != nil {
		t.Fatal(err)
	}
	if kept, err := h.Peers(); err != nil || !slices.Equal(kept, []string{elsewhere, "nonsense"}) {
		t.Errorf("%q, %v", kept, err)
	}
	if err := r.set(peer.AddrInfo{ID: "never seen"}); err != nil {
		t.Error(err)
	}
	at, err := p2p.ParsePeer([]string{local}, "self", p2p.ProfileLocal)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.set(at), r.set(at)); err != nil || !slices.ContainsFunc(load().List(), func(p peer.AddrInfo) bool { return p.ID == at.ID }) {
		t.Errorf("after a restart: %v, %v", load().List(), err)
	}
	// a file that cannot be read is neither used nor replaced
	if err := os.WriteFile(filepath.Join(h.Dir(), "peers.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if list := load().List(); len(list) > 0 {
		t.Errorf("%v", list)
	}
	if err := r.set(peer.AddrInfo{ID: at.ID}); err == nil || !r.has(at.ID) {
		t.Errorf("forgotten, though not in the file: %v", err)
	}
}

// TestConnectOffline has a node without peers refuse, and forget what its home remembers.
func TestConnectOffline(t *testing.T) {
	s := newTestService(t, nodetest.NewNetwork(t, 0))
	_, err := s.Connect(t.Context(), api.ConnectRequest{Addresses: []string{"/ip4/127.0.0.1/tcp/1/p2p/" + peerA}})
	if !errors.Is(err, &api.Error{Status: http.StatusConflict}) {
		t.Errorf("connect: %v", err)
	}
	if _, err := s.Connect(t.Context(), api.ConnectRequest{}); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
		t.Errorf("no address: %v", err)
	}
	for id, status := range map[string]int{"": http.StatusUnprocessableEntity, "x": http.StatusUnprocessableEntity, peerA: http.StatusNotFound} {
		if _, err := s.Disconnect(t.Context(), id, 0); !errors.Is(err, &api.Error{Status: status}) {
			t.Errorf("disconnect %q: %v", id, err)
		}
	}
	if _, err := s.Disconnect(t.Context(), peerA, api.MaxRefusal+time.Second); !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
		t.Errorf("for too long: %v", err)
	}
	at, err := p2p.ParsePeer([]string{"/ip4/127.0.0.1/tcp/1/p2p/" + peerA}, "self", p2p.ProfileLocal)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.config.Remembered.set(at); err != nil {
		t.Fatal(err)
	}
	if d, err := s.Disconnect(t.Context(), peerA, 0); err != nil || !d.Added || d.Connections != 0 || s.config.Remembered.has(at.ID) {
		t.Errorf("%+v, %v", d, err)
	}
}
