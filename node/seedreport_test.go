package node

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"

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

// TestSeedReport has one seed up and one down, then the first one down too.
func TestSeedReport(t *testing.T) {
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

func TestSeedReportOffline(t *testing.T) {
	gone := nobody(t)
	n := start(t, config(t, newNetwork(t, 0), offline, func(c *Config) { c.Seeds = []string{gone} }))
	list := seedsOf(t, n.Service())
	if len(list.Seeds) != 1 || list.Seeds[0].State != api.SeedWaiting || !list.Offline || list.Rendezvous.Why != "the node is offline" {
		t.Errorf("%+v", list)
	}
}

// TestLeadReport asks two who lead into the public DHT, of whom one is gone.
func TestLeadReport(t *testing.T) {
	t.Parallel()
	others := publicDHT(t, 3)
	gone := bareHost(t)
	h := bareHost(t)
	n := newNetwork(t, 0)
	r := onLoopback(t, h, n, nil, append(others[:1:1], gone))
	_ = gone.Close()
	s := &service{host: h, config: &Config{Network: n}, instruments: instruments{rendezvous: r}}
	if list := seedsOf(t, s); len(list.Seeds) != 2 || list.Seeds[0].Kind != api.KindRendezvous || list.Seeds[0].State != api.SeedWaiting || !list.Rendezvous.On {
		t.Errorf("before the first round: %+v", list)
	}
	r.start()
	t.Cleanup(func() { _ = r.Close() })
	var list *api.Seeds
	eventually(t, "a round", func() bool { list = seedsOf(t, s); return list.Rendezvous.Last > 0 && list.Rendezvous.Entered > 0 })
	if first := list.Seeds[0]; first.Since == 0 || first.Error != "" || first.Peer != others[0].ID().String() {
		t.Errorf("who answered: %+v", first)
	}
	// The other may have been left before it failed, where the first one was quicker.
	if err := r.ask(t.Context(), r.lead[1]); err == nil {
		t.Error("a host answers that is gone")
	}
	if second := seedsOf(t, s).Seeds[1]; second.State != api.SeedFailing || second.Failures == 0 || second.Error == "" || second.NextDial != 0 {
		t.Errorf("who did not: %+v", second)
	}
}

// TestAskedInVain holds that to be left because another one answered first is no failure, and that
// the first error is kept where libp2p then refuses to dial at all.
func TestAskedInVain(t *testing.T) {
	gone := bareHost(t)
	r := onLoopback(t, bareHost(t), newNetwork(t, 0), nil, []host.Host{gone})
	_ = gone.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = r.ask(ctx, r.lead[0])
	if c := r.contact(gone.ID()); c != (contact{}) {
		t.Errorf("left: %+v", c)
	}
	for range 3 {
		_ = r.ask(t.Context(), r.lead[0])
	}
	if c := r.contact(gone.ID()); c.failures != 3 || !strings.Contains(c.problem, "connection refused") {
		t.Errorf("failed: %+v", c)
	}
}

func TestProblemOf(t *testing.T) {
	for err, want := range map[error]string{
		errors.New("two\r\n  * lines"):                     "two * lines",
		fmt.Errorf("failed: %w", context.DeadlineExceeded): "failed: no answer in time",
		errors.New(strings.Repeat("ö", maxProblem)):        strings.Repeat("ö", maxProblem/2) + "…",
		errors.New("x" + strings.Repeat("ö", maxProblem)):  "x" + strings.Repeat("ö", maxProblem/2-1) + "…",
	} {
		if got := problemOf(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
