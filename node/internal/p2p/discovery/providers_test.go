package discovery

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/internal/nodetest"
)

func TestProviderDoor(t *testing.T) {
	at, err := rendezvousKey(nodetest.NewNetwork(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	other, err := rendezvousKey(nodetest.NewNetwork(t, 0))
	if err != nil || at == other {
		t.Fatal("two networks, one rendezvous key", err)
	}
	now := time.Now()
	d := newProviderDoor(at, func() time.Time { return now })
	crowd := netip.MustParsePrefix("11.0.0.0/24")
	enter := func(i int, from netip.Prefix) bool { return d.enter(peer.ID(fmt.Sprint(from, i)), from) }
	for i := range 100 {
		if have := enter(i, crowd); have != (i < providersPerNet) {
			t.Fatalf("peer %d of one network: %v", i, have)
		}
	}
	private := 0
	for enter(private, netip.Prefix{}) {
		private++
	}
	if private != maxProviders-providersPerNet {
		t.Errorf("room for %d more", private)
	}
	if !enter(3, crowd) {
		t.Error("who has entered cannot enter again")
	}
	if now = now.Add(provideValidity - time.Second); !enter(3, crowd) || enter(5000, netip.Prefix{}) {
		t.Error("before the others expire")
	}
	if now = now.Add(2 * time.Second); !enter(50, crowd) || len(d.entered) != 2 {
		t.Errorf("%d entries after the others have expired", len(d.entered))
	}
}
