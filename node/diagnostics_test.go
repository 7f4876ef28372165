package node

import (
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/lf-store/lf/node/api"
)

// checkup asks a node's doctor.
func checkup(t *testing.T, n *Node) *api.Checkup {
	t.Helper()
	c, err := n.Service().Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// finding is what the doctor says of an area, nothing where it says nothing.
func finding(c *api.Checkup, area string) (f api.Finding) {
	if i := slices.IndexFunc(c.Findings, func(f api.Finding) bool { return f.Area == area }); i >= 0 {
		return c.Findings[i]
	}
	return f
}

// TestDoctorOffline asks a node that knows nobody.
func TestDoctorOffline(t *testing.T) {
	t.Parallel()
	n := start(t, config(t, newNetwork(t, 0), offline))
	c := checkup(t, n)
	if f := &c.Facts; !f.Offline || f.DHT.Mode != api.DHTOff || !f.Disk.Known || f.Disk.Free == 0 || f.Disk.Database == 0 || len(f.Listening) > 0 || f.PortMapping.Asked {
		t.Errorf("facts %+v", f)
	}
	if !c.Healthy || finding(c, "network").State != api.FindingNote || finding(c, "peers").State != "" {
		t.Errorf("findings %+v", c.Findings)
	}
}

// TestDoctor has a network of three, one of which has a clock that is behind and a seed that does
// not answer.
func TestDoctor(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	const dead = "12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF"
	a := start(t, config(t, n))
	b := start(t, config(t, n, seeds(a)))
	late := start(t, config(t, n, seeds(a, b), func(c *Config) {
		c.Clock = func() time.Time { return time.Now().Add(-5 * time.Minute) }
		c.Seeds = append(c.Seeds, "/ip4/127.0.0.1/tcp/1/p2p/"+dead)
	}))
	var c *api.Checkup
	eventually(t, "two peers have told their clock, and all else is known", func() bool {
		c = checkup(t, late)
		return c.Facts.Clock.Peers == 2 && c.Facts.Gossip.Mesh == 2 && c.Facts.DHT.Entered > 0 && c.Facts.Sync.State == api.SyncSynced
	})
	off := time.Duration(c.Facts.Clock.OffsetMS) * time.Millisecond
	if wrong := (off - 5*time.Minute).Abs(); wrong > time.Duration(c.Facts.Clock.ErrorMS)*time.Millisecond {
		t.Errorf("the clock is said to be %s behind, ± %d ms", off, c.Facts.Clock.ErrorMS)
	}
	if f := finding(c, "clock"); c.Healthy || f.State != api.FindingFailure || !strings.Contains(f.Text, "5 min behind the clocks of 2 peers") {
		t.Errorf("healthy: %t, %+v", c.Healthy, f)
	}
	i := slices.IndexFunc(c.Facts.Dials, func(d api.DialState) bool { return d.Peer == dead })
	if i < 0 || len(c.Facts.Dials) != 3 || !c.Facts.Dials[i].Seed || c.Facts.Dials[i].Connected || c.Facts.Dials[i].Failures == 0 {
		t.Errorf("seeds %+v", c.Facts.Dials)
	}
	if f := finding(c, "seeds"); f.State != api.FindingNote || !strings.Contains(f.Text, "2 of 3 connected") {
		t.Errorf("%+v", f)
	}
	facts := &c.Facts
	if facts.Peers != (api.PeerCounts{Network: 2}) || facts.DHT.Mode != api.DHTServer || facts.DHT.Peers != 2 || len(facts.Listening) != 1 ||
		facts.Sync.Agreeing == 0 || facts.RunningMS == 0 || len(facts.Reach.Transports) != 1 || facts.Reach.Transports[0].Transport != "tcp" {
		t.Errorf("facts %+v", facts)
	}
	metrics, err := late.registry.Gather()
	if err != nil || !slices.ContainsFunc(metrics, func(m *dto.MetricFamily) bool {
		return m.GetName() == "lf_sync_clock_offset_seconds" && m.GetMetric()[0].GetGauge().GetValue() > 290
	}) {
		t.Errorf("no metric of the clock, %v", err)
	}
	// The others see one peer of two whose clock is wrong, and are not to blame.
	eventually(t, "a has measured both", func() bool { c = checkup(t, a); return c.Facts.Clock.Peers == 2 })
	if f := finding(c, "clock"); !c.Healthy || f.State != api.FindingOK {
		t.Errorf("healthy: %t, %+v", c.Healthy, f)
	}
	if v, _ := metric(t, metricsPage(t, a), `lf_network_bytes_total{direction="in",protocol="clock"}`); v == 0 {
		t.Error("the clock protocol's traffic is not counted as such")
	}
}

// TestDoctorOfRelay has a node that is reached through a relay only, and the relay.
func TestDoctorOfRelay(t *testing.T) {
	t.Parallel()
	r := startRelayed(t)
	eventually(t, "a relayed connection", func() bool { return limited(r.near, r.far) && limited(r.far, r.near) })
	eventually(t, "the peers have said what they speak, and told their clock", func() bool {
		f := checkup(t, r.far).Facts
		return f.Peers.Relayed == 1 && f.Clock.Peers == 1
	})
	far, relay := checkup(t, r.far), checkup(t, r.relay)
	if f := &far.Facts; !slices.Equal(f.Relays, []string{r.relay.PeerID().String()}) || f.Peers.Others != 1 || len(f.Listening) > 0 {
		t.Errorf("facts %+v", f)
	}
	if f := finding(far, "relays"); !far.Healthy || f.State != api.FindingOK || !strings.Contains(f.Text, "1 relay") {
		t.Errorf("healthy: %t, %+v", far.Healthy, f)
	}
	if f := relay.Facts.Relaying; !f.Allowed || !f.Running || f.Places != 1 || f.Circuits != 1 || f.Bytes == 0 {
		t.Errorf("the relay: %+v", f)
	}
	stop(t, r.relay)
	eventually(t, "no place at a relay", func() bool { return len(checkup(t, r.far).Facts.Relays) == 0 })
}

// TestSeedOfOtherIdentity names a seed at whose address somebody else answers: the doctor must say
// so, and not that nobody answers.
func TestSeedOfOtherIdentity(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 0)
	a, b := start(t, config(t, net)), start(t, config(t, net))
	wrong := strings.Replace(a.Addresses()[0], a.PeerID().String(), b.PeerID().String(), 1)
	n := start(t, config(t, net, func(c *Config) { c.Seeds = []string{wrong} }))
	eventually(t, "the doctor says who answers", func() bool {
		c, err := n.Service().Doctor(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Findings {
			if f.Area == "seeds" && strings.Contains(f.Text, "another identity") {
				return true
			}
		}
		return false
	})
}
