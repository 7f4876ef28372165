package node

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/lf-store/lf/node/api"
)

func inTestbed(t *Testbed) func(*Config) { return func(c *Config) { c.Testbed = t } }

// block has a node block its links to others in a direction, and no others.
func block(t *testing.T, n *Node, direction string, peers ...*Node) {
	t.Helper()
	l := api.TestbedLinks{}
	for _, p := range peers {
		l.Blocked = append(l.Blocked, api.BlockedLink{Peer: p.PeerID().String(), Direction: direction})
	}
	now, err := client(t, n).SetLinks(t.Context(), l)
	if err != nil || len(now.Blocked) != len(peers) {
		t.Fatalf("links %+v, %v", now, err)
	}
}

func connected(n, to *Node) bool {
	return n.host.Network().Connectedness(to.PeerID()) != network.NotConnected
}

// TestBlockedLinks cuts two nodes apart, lets one direction through, and mends the link.
func TestBlockedLinks(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	bed := inTestbed(&Testbed{})
	a := start(t, config(t, n, bed))
	b := start(t, config(t, n, bed, seeds(a)))
	wantPeers(t, b, 1)

	block(t, a, api.BlockBoth, b) // one side is enough
	if connected(a, b) {
		t.Fatal("a link that was blocked is still there")
	}
	set(t, b.Service(), "behind the wall", "links#1")
	refused := a.host.RefusedLinks()
	eventually(t, "b dials again and again", func() bool { return a.host.RefusedLinks() >= refused+2 })
	if connected(a, b) || get(t, a.Service(), "links#1") != "" {
		t.Fatal("a link that is blocked was passed")
	}
	// a does not dial b, but b may dial a, as it does by itself.
	begin := time.Now()
	block(t, a, api.BlockOut, b)
	wantRead(t, a.Service(), "behind the wall", "links#1")
	t.Logf("healed in %s", time.Since(begin))

	// Connections that b opened are refused: the one that there is ends, and only a can make
	// another one.
	block(t, a, api.BlockIn, b)
	eventually(t, "a link that a has opened", func() bool {
		conns := a.host.Network().ConnsToPeer(b.PeerID())
		if slices.ContainsFunc(conns, func(c network.Conn) bool { return c.Stat().Direction == network.DirInbound }) {
			t.Fatal("b connected to a, which does not accept it")
		}
		return len(conns) > 0
	})
	block(t, a, api.BlockBoth)
	wantPeers(t, a, 1)
}

// TestHealing cuts two groups apart for a while: afterwards they find each other within seconds,
// also those that are nobody's seeds.
func TestHealing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	bed := inTestbed(&Testbed{})
	var left, right []*Node
	first := start(t, config(t, n, bed))
	left = append(left, first, start(t, config(t, n, bed, seeds(first))))
	for range 2 {
		right = append(right, start(t, config(t, n, bed, seeds(first))))
	}
	all := slices.Concat(left, right)
	for _, node := range all {
		wantPeers(t, node, 3) // the DHT has them meet
	}
	for _, l := range left {
		block(t, l, api.BlockBoth, right...)
	}
	refused := first.host.RefusedLinks()
	eventually(t, "the seed is dialed in vain", func() bool { return first.host.RefusedLinks() >= refused+4*len(right) })
	set(t, left[1].Service(), "left", "healing#1")
	set(t, right[1].Service(), "right", "healing#2")
	// a connection that was just being made is closed
	eventually(t, "the groups are apart", func() bool {
		for _, l := range left {
			for _, r := range right {
				if connected(l, r) || connected(r, l) {
					return false
				}
			}
		}
		return true
	})
	begin := time.Now()
	for _, l := range left {
		block(t, l, api.BlockBoth)
	}
	for _, node := range all {
		wantPeers(t, node, 3)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("healed only after %s", took)
	} else {
		t.Logf("healed after %s", took)
	}
	for _, node := range all {
		wantRead(t, node.Service(), "left", "healing#1")
		wantRead(t, node.Service(), "right", "healing#2")
	}
}

func TestTestbedClock(t *testing.T) {
	t.Parallel()
	a := start(t, config(t, newNetwork(t, 0), inTestbed(&Testbed{ClockOffset: 90 * time.Second})))
	links, err := a.Service().Links(t.Context(), api.LinksQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if ahead := time.Until(time.UnixMilli(int64(links.Now))); ahead < 80*time.Second || ahead > 90*time.Second {
		t.Errorf("the node's clock is %s ahead, want 90s", ahead)
	}
}

func TestAttachedSet(t *testing.T) {
	t.Parallel()
	a := start(t, config(t, newNetwork(t, 0), inTestbed(&Testbed{})))
	var want []string
	for i := range 5 {
		id := set(t, a.Service(), "x", fmt.Sprintf("set#%d", i)).ID
		want = append(want, fmt.Sprintf("%x", id[:]))
	}
	set, err := client(t, a).AttachedSet(t.Context(), 3) // after the genesis records
	if err != nil || !slices.Equal(set.IDs, want) || set.Next != 0 {
		t.Errorf("set %+v, %v; want %v", set, err, want)
	}
	all, err := client(t, a).AttachedSet(t.Context(), 0)
	if err != nil || len(all.IDs) != 7 {
		t.Errorf("%d records, %v", len(all.IDs), err)
	}
	none, err := client(t, a).AttachedSet(t.Context(), 8)
	if err != nil || none.IDs == nil || len(none.IDs) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
}

// TestTestbedIsGuarded holds that only nodes of a testbed have its doors, and those only for
// holders of the token.
func TestTestbedIsGuarded(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a, b := start(t, config(t, n)), start(t, config(t, n, inTestbed(&Testbed{})))
	anybody := api.NewClient(b.APIURL(), "")
	for _, c := range []struct {
		client *api.Client
		status int
	}{{client(t, a), http.StatusNotFound}, {anybody, http.StatusUnauthorized}} {
		_, err := c.client.SetLinks(t.Context(), api.TestbedLinks{})
		if !errors.Is(err, &api.Error{Status: c.status}) {
			t.Errorf("links: %v, want %d", err, c.status)
		}
		if _, err = c.client.AttachedSet(t.Context(), 0); !errors.Is(err, &api.Error{Status: c.status}) {
			t.Errorf("set: %v, want %d", err, c.status)
		}
	}
	for _, l := range []api.BlockedLink{{Peer: "12D3", Direction: "both"}, {Peer: a.PeerID().String(), Direction: "up"}} {
		_, err := client(t, b).SetLinks(t.Context(), api.TestbedLinks{Blocked: []api.BlockedLink{l}})
		if !errors.Is(err, &api.Error{Status: http.StatusUnprocessableEntity}) {
			t.Errorf("link %+v: %v", l, err)
		}
	}
}

func TestTestbedMistakes(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	relay := []string{"/ip4/127.0.0.1/tcp/1/p2p/12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF"}
	for want, change := range map[string]func(*Config){
		"profile local":  func(c *Config) { c.Profile, c.Testbed = ProfileServer, &Testbed{} },
		"offline":        func(c *Config) { c.Offline, c.Testbed = true, &Testbed{} },
		"--listen":       func(c *Config) { c.Listen, c.Testbed = []string{"/ip4/127.0.0.1/tcp/0"}, &Testbed{RelayOnly: relay} },
		"relay itself":   func(c *Config) { c.Testbed = &Testbed{RelayOnly: relay, RelayService: true} },
		"not a multiadd": func(c *Config) { c.Testbed = &Testbed{RelayOnly: []string{"127.0.0.1"}} },
	} {
		if err := wantStartError(t, config(t, n, change)); !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for in, want := range map[string]string{
		`{"clockOffset": "90s", "relayService": true}`: "",
		`{"clockOffset": "90"}`:                        "clockOffset",
		`{"clocks": 1}`:                                "clocks",
		``:                                             "JSON",
	} {
		bed, err := ReadTestbed(strings.NewReader(in))
		if want == "" && (err != nil || bed.ClockOffset != 90*time.Second || !bed.RelayService) {
			t.Errorf("%s: %+v, %v", in, bed, err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: error %v, want one with %q", in, err, want)
		}
	}
}
