package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node/api"
)

func TestSeedTable(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_795_435_445_000)
	ms := func(d time.Duration) uint64 { return uint64(now.Add(d).UnixMilli()) }
	seeds := []api.Seed{
		{Kind: api.KindSeed, Peer: "12D3A", Addresses: []string{"/ip4/11.0.0.1/tcp/1", "/ip4/11.0.0.1/udp/1/quic-v1"}, State: api.SeedConnected, Since: ms(-3 * time.Hour)},
		{Kind: api.KindSeed, Peer: "12D3B", Addresses: []string{"/ip4/11.0.0.2/tcp/1"}, State: api.SeedFailing, Failures: 7, NextDial: ms(50 * time.Second), Error: "refused\x1b[2J"},
		{Kind: api.KindSeed, Peer: "12D3C", Addresses: []string{"/ip4/11.0.0.3/tcp/1"}, State: api.SeedWaiting, Since: ms(-5 * time.Second), NextDial: ms(-time.Second)},
		{Kind: api.KindRendezvous, Peer: "Qm\n", Addresses: []string{"/dnsaddr/\x1b"}, State: api.SeedDialing},
		{Kind: "\x07", State: "\x08", Addresses: nil},
	}
	var rows [][]string
	for i := range seeds {
		rows = append(rows, seedRows(&seeds[i], now)...)
	}
	want := `seed        connected  for 3 h          /ip4/11.0.0.1/tcp/1/p2p/12D3A
                                        /ip4/11.0.0.1/udp/1/quic-v1/p2p/12D3A
seed        failing             7  in 50 s  /ip4/11.0.0.2/tcp/1/p2p/12D3B
                                          refused\x1b[2J
seed        waiting    5 s ago     now      /ip4/11.0.0.3/tcp/1/p2p/12D3C
rendezvous  dialing                         /dnsaddr/\x1b/p2p/Qm\n
\a          \b`
	for i, line := range strings.Split(want, "\n") {
		have := strings.Split(table(rows), "\n")[i]
		if strings.Join(strings.Fields(have), " ") != strings.Join(strings.Fields(line), " ") {
			t.Errorf("line %d: %q, want %q", i, have, line)
		}
	}
}

func TestRendezvousText(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_795_435_445_000)
	last, entered := uint64(now.Add(-2*time.Minute).UnixMilli()), uint64(now.Add(-5*time.Hour).UnixMilli())
	for want, r := range map[string]api.RendezvousFacts{
		"off: the network is private":                                                      {Why: api.WhyPrivate},
		"on: this node is looking for others for the first time":                           {On: true},
		"on: the last look, 2 min ago, failed: no way in":                                  {On: true, Last: last, Error: "no way in"},
		"on: looked 2 min ago, met 1 node; this node is entered there, 5 h ago":            {On: true, Last: last, Met: 1, Entered: entered},
		"on: looked 2 min ago, met 0 nodes; this node is not entered there, as nobody can": {On: true, Last: last},
	} {
		if got := rendezvousText(&r, true, now); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestPlannedSeeds holds what a node would begin with: in a home that is of no network yet, that is
// the default one's.
func TestPlannedSeeds(t *testing.T) {
	t.Parallel()
	_, file, err := lf.DefaultNetwork()
	if err != nil {
		t.Fatal(err)
	}
	lead, err := lf.Rendezvous()
	if err != nil {
		t.Fatal(err)
	}
	c := &cli{homeDir: filepath.Join(t.TempDir(), "none")}
	got, err := c.plannedSeeds()
	if err != nil || got.Running || !got.Rendezvous.On || len(got.Seeds.Seeds) != len(planned(api.KindSeed, file.Seeds))+len(lead) {
		t.Errorf("%+v, %v", got, err)
	}
	if bad := planned(api.KindSeed, []string{"192.0.2.1:9908"}); len(bad) != 1 || bad[0].State != api.SeedFailing || bad[0].Addresses[0] != "192.0.2.1:9908" || bad[0].Error == "" {
		t.Errorf("no multiaddr: %+v", bad)
	}
}
