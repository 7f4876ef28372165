package home

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPeers checks what a home remembers of peers, and that a file that it cannot read is neither
// ignored nor replaced.
func TestPeers(t *testing.T) {
	t.Parallel()
	h, err := Open(filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := h.Peers(); err != nil || len(list) != 0 {
		t.Fatalf("of a new home: %q, %v", list, err)
	}
	want := []string{"/ip4/192.0.2.1/tcp/1/p2p/a", "/ip4/192.0.2.1/tcp/2/p2p/a"}
	for _, list := range [][]string{want, nil, want} {
		if err := h.SetPeers(list); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Peers(); err != nil || !slices.Equal(got, list) {
			t.Errorf("%q, %v, want %q", got, err, list)
		}
	}
	if info, err := os.Stat(filepath.Join(h.Dir(), "peers.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := h.SetPeers(make([]string, MaxPeerAddresses+1)); err == nil {
		t.Error("more than can be remembered")
	}
	for _, text := range []string{"", "{", `{"peers": ["a"], "peer": 1}`, `{"peers": 7}`, `{"peers": ["a"]} x`, `{"peers": [` + strings.Repeat(`"a",`, MaxPeerAddresses) + `"a"]}`} {
		if err := os.WriteFile(filepath.Join(h.Dir(), "peers.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if list, err := h.Peers(); err == nil || !strings.Contains(err.Error(), "peers.json") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %q, %v", text, list, err)
		}
		if err := h.SetPeers(want); err == nil {
			t.Errorf("%.40q was replaced", text)
		}
	}
}
