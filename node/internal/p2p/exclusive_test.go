package p2p

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/libp2p/go-reuseport"
	ma "github.com/multiformats/go-multiaddr"
)

// TestClaimWildcards holds that a wildcard and a single address get in each other's way, on the
// side of the listener and of the claim.
func TestClaimWildcards(t *testing.T) {
	for _, c := range []struct{ listening, wanted string }{
		{"127.0.0.1", "0.0.0.0"}, {"0.0.0.0", "127.0.0.1"}, {"127.0.0.1", "127.0.0.1"}, {"0.0.0.0", "0.0.0.0"},
	} {
		l, err := reuseport.Listen("tcp4", c.listening+":0") // as libp2p listens
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		wanted := []ma.Multiaddr{ma.StringCast("/ip4/" + c.wanted + "/tcp/" + port)}
		if release, err := claimPorts(t.Context(), wanted); err == nil {
			release()
			t.Errorf("%s is claimed where somebody listens at %s", c.wanted, c.listening)
		}
		_ = l.Close()
		release, err := claimPorts(t.Context(), append(wanted, ma.StringCast("/ip4/127.0.0.1/tcp/"+port), ma.StringCast("/ip4/0.0.0.0/tcp/"+port)))
		if err != nil {
			t.Errorf("a free port and its wildcard: %v", err)
			continue
		}
		release()
	}
}

// TestClaimRace has many claim one port at the same moment: exactly one comes to listen.
func TestClaimRace(t *testing.T) {
	for range 20 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := l.Addr().String()
		_, port, _ := net.SplitHostPort(at)
		_ = l.Close()
		var winners atomic.Int32
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 8 {
			all.Go(func() {
				<-begin
				release, err := claimPorts(t.Context(), []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/" + port)})
				if err != nil {
					return
				}
				l, err := reuseport.Listen("tcp4", at)
				release()
				if err != nil {
					t.Errorf("claimed, and cannot listen: %v", err)
					return
				}
				winners.Add(1)
				t.Cleanup(func() { _ = l.Close() })
			})
		}
		close(begin)
		all.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("%d listen on one port", n)
		}
	}
}
