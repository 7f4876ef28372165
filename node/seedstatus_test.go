package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// nobody is a seed at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", freePort(t), protocol.OwnerOf(key))
}

func seedsOf(t *testing.T, s api.Service) *api.Seeds {
	t.Helper()
	list, err := s.Seeds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestSeeds has one seed up and one down, then the first one down too.
func TestSeeds(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	up := start(t, config(t, n))
	gone := nobody(t)
	b := start(t, config(t, n, seeds(up), func(c *Config) { c.Seeds = append(c.Seeds, gone) }))

	var list *api.Seeds
	eventually(t, "one seed connected, one failing", func() bool {
		list = seedsOf(t, b.Service())
		return list.Seeds[0].State == api.SeedConnected && list.Seeds[1].State == api.SeedFailing && list.Seeds[1].Failures > 1
	})
	first, second := list.Seeds[0], list.Seeds[1]
	if first.Kind != api.KindSeed || first.Peer != up.PeerID().String() || len(first.Addresses) == 0 || first.Failures != 0 || first.Error != "" || first.NextDial != 0 {
		t.Errorf("the seed that is up: %+v", first)
	}
	if age := time.Since(time.UnixMilli(int64(first.Since))); age < 0 || age > patience {
		t.Errorf("connected since %s", age)
	}
	if !strings.HasSuffix(gone, second.Peer) || second.Since != 0 || second.NextDial == 0 || !strings.Contains(second.Error, "connection refused") || strings.Contains(second.Error, "\n") {
		t.Errorf("the seed that is down: %+v", second)
	}
	if list.Rendezvous.On || !strings.Contains(list.Rendezvous.Why, "profile local") || list.Offline {
		t.Errorf("the rest: %+v", list)
	}
	eventually(t, "the seed is remembered", func() bool { return seedsOf(t, b.Service()).Known == 1 })
	if have := seedsOf(t, client(t, b)); len(have.Seeds) != 2 || have.Seeds[0].Since != first.Since {
		t.Errorf("over HTTP: %+v", have)
	}

	stop(t, up)
	eventually(t, "the lost seed is failing", func() bool {
		first = seedsOf(t, b.Service()).Seeds[0]
		return first.State == api.SeedFailing
	})
	if first.Since == 0 || first.Failures == 0 || first.Error == "" {
		t.Errorf("the seed that was lost: %+v", first)
	}
}

// TestSeedOfAnotherNetwork holds that a seed which answers and is of no use is told from one that
// is.
func TestSeedOfAnotherNetwork(t *testing.T) {
	t.Parallel()
	other := start(t, config(t, newNetwork(t, 0)))
	b := start(t, config(t, newNetwork(t, 0), seeds(other)))
	eventually(t, "the seed is said to be wrong", func() bool {
		s := seedsOf(t, b.Service()).Seeds[0]
		return s.State == api.SeedConnected && strings.Contains(s.Error, "no node of this network")
	})
}

func TestSeedsOffline(t *testing.T) {
	t.Parallel()
	gone := nobody(t)
	n := start(t, config(t, newNetwork(t, 0), offline, func(c *Config) { c.Seeds = []string{gone} }))
	list := seedsOf(t, n.Service())
	if len(list.Seeds) != 1 || list.Seeds[0].State != api.SeedWaiting || !list.Offline || list.Rendezvous.Why != "the node is offline" {
		t.Errorf("%+v", list)
	}
}
