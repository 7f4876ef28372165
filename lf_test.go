package lf_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf"
)

func TestDefaultNetwork(t *testing.T) {
	t.Parallel()
	n, f, err := lf.DefaultNetwork()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Network(); err != nil || got.ID() != n.ID() {
		t.Fatalf("the file's network is %v, %v", got, err)
	}
	if p := n.Params(); p.WorkPerKiB == 0 || p.MinLinks < 2 {
		t.Fatalf("the default network is one for tests: %+v", p)
	}
	// To make it again would cut everybody off from what is written there.
	if id := n.ID().String(); id != "bafyreicgsi7fgs7r2qfjrnjsw76kaxv7lpq5hdif3dijrf5ddzooplumd4" {
		t.Errorf("the default network is never made again, and now it is %s", id)
	}
}

// TestSeedsFile holds that seeds.json says what its schema says and nothing else, and that every
// address in it names a peer.
func TestSeedsFile(t *testing.T) {
	t.Parallel()
	f, err := os.Open("seeds.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s lf.Seeds
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Fatal(err)
	}
	n, _, err := lf.DefaultNetwork()
	if err != nil || s.Network != n.ID() {
		t.Errorf("it is of the network %s, not %s, %v", s.Network, n.ID(), err)
	}
	lead, err := lf.Rendezvous()
	if err != nil || len(lead) == 0 {
		t.Fatalf("rendezvous: %q, %v", lead, err)
	}
	for _, a := range append(lead, s.Seeds...) {
		if _, err := peer.AddrInfoFromString(a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
}
