package p2p

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/internal/nodetest"
)

func TestReach(t *testing.T) {
	t.Parallel()
	h := newHost(t, nodetest.NewNetwork(t, 0))
	emit := func(e any, kind any) {
		t.Helper()
		emitter, err := h.EventBus().Emitter(kind)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(emitter.Emit(e), emitter.Close()); err != nil {
			t.Fatal(err)
		}
	}
	public := ma.StringCast("/ip4/11.0.0.1/tcp/1")
	emit(event.EvtLocalReachabilityChanged{Reachability: network.ReachabilityPublic}, new(event.EvtLocalReachabilityChanged))
	emit(event.EvtHostReachableAddrsChanged{Reachable: []ma.Multiaddr{public}}, new(event.EvtHostReachableAddrsChanged))
	emit(event.EvtAutoRelayAddrsUpdated{RelayAddrs: []ma.Multiaddr{public}}, new(event.EvtAutoRelayAddrsUpdated))
	nat := func(kind network.NATDeviceType) {
		emit(event.EvtNATDeviceTypeChanged{TransportProtocol: network.NATTransportUDP, NatDeviceType: kind}, new(event.EvtNATDeviceTypeChanged))
	}
	nat(network.NATDeviceTypeEndpointDependent)
	nodetest.Eventually(t, "all is known", func() bool {
		f := h.reach.facts()
		return f.Reachability == api.ReachPublic && len(f.Addresses[addressReached]) == 1 && len(f.Relays) == 1 && f.NAT["udp"] == "endpoint-dependent"
	})
	nat(network.NATDeviceTypeUnknown)
	nodetest.Eventually(t, "the NAT is unknown", func() bool { return len(h.reach.facts().NAT) == 0 })
}

func TestHolePunchLog(t *testing.T) {
	var p holePunchLog
	for i := range keptPunches {
		p.Trace(&holepunch.Event{Remote: peer.ID("a"), Timestamp: int64(i) * 1e6, Evt: &holepunch.EndHolePunchEvt{Success: i%2 == 0, Error: "no"}})
	}
	p.Trace(&holepunch.Event{Remote: peer.ID("b"), Evt: &holepunch.DirectDialEvt{Success: true}})
	p.Trace(&holepunch.Event{Remote: peer.ID("b"), Evt: &holepunch.DirectDialEvt{}})
	p.Trace(&holepunch.Event{Remote: peer.ID("b"), Evt: &holepunch.StartHolePunchEvt{}})
	p.Trace(&holepunch.Event{Remote: peer.ID("c"), Evt: &holepunch.ProtocolErrorEvt{Error: "bad"}})
	for i := range keptHoles {
		p.note(peer.ID(rune(1000+i)), punchedHole{at: time.Unix(0, 0)})
	}
	if p.note("d", punchedHole{time.Unix(100, 0), 5 * time.Second}); !p.wasPunched("d", time.Unix(95, 0)) || !p.wasPunched("d", time.Unix(101, 0)) || p.wasPunched("d", time.Unix(93, 0)) || p.wasPunched("d", time.Unix(200, 0)) || p.wasPunched("e", time.Unix(100, 0)) {
		t.Error("which connections go through holes is wrong")
	}
	if len(p.holes) != keptHoles {
		t.Errorf("%d holes are kept", len(p.holes))
	}
	f := p.facts()
	if f.Direct != 1 || f.Succeeded != keptPunches/2 || f.Failed != keptPunches/2+1 || len(f.Last) != keptPunches {
		t.Errorf("%+v", f)
	}
	if first, last := f.Last[0], f.Last[keptPunches-1]; first.At != 2 || first.Error != "" || last.Peer != peer.ID("c").String() || last.Error != "bad" {
		t.Errorf("%+v … %+v", first, last)
	}
}

func TestRelayCounter(t *testing.T) {
	c := &relayCounter{MetricsTracer: relay.NewMetricsTracer(relay.WithRegisterer(prometheus.NewRegistry()))}
	c.RelayStatus(true)
	c.ReservationAllowed(false)
	c.ReservationAllowed(true)
	c.ReservationAllowed(false)
	c.ReservationClosed(1)
	c.ConnectionOpened()
	c.ConnectionOpened()
	c.ConnectionClosed(time.Second)
	c.BytesTransferred(10)
	if f := c.facts(); f != (api.Relaying{Running: true, Places: 1, Circuits: 1, Bytes: 10}) {
		t.Errorf("%+v", f)
	}
	c.RelayStatus(false)
	if f := c.facts(); f != (api.Relaying{Bytes: 10}) {
		t.Errorf("%+v", f)
	}
}

func TestAnnounced(t *testing.T) {
	all := []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1"), ma.StringCast("/ip4/192.168.0.2/tcp/1"), ma.StringCast("/ip4/11.0.0.1/tcp/1")}
	mapped := ma.StringCast("/dns4/lf.example.org/tcp/1")
	for p, want := range map[Profile][]ma.Multiaddr{
		ProfileLocal:   {all[0], all[1], all[2], mapped},
		ProfileDefault: {all[1], all[2], mapped},
		ProfileServer:  {all[2], mapped},
	} {
		c := &Host{config: Config{Profile: p}, announce: []ma.Multiaddr{mapped, all[2]}}
		if have := c.announced(all); len(have) != len(want) || !ma.Contains(have, want[0]) || !ma.Contains(have, mapped) {
			t.Errorf("%s announces %v", p, have)
		}
		if have := c.announced(all[:1]); p != ProfileServer && !ma.Contains(have, all[0]) {
			t.Errorf("%s: a node that listens on loopback alone announces %v", p, have)
		}
	}
	if len(all) != 3 || !ma.Contains(all, ma.StringCast("/ip4/127.0.0.1/tcp/1")) {
		t.Error("the list that was given is changed")
	}
	for _, bad := range []string{"x", "/ip4/1.2.3.4/tcp/1/p2p/12D3KooWG9rjA5MBrx6QGy1gAf7VPuDMeWjQyCtxVVoKuCePNzuH"} {
		if _, err := parseAnnounce([]string{bad}); err == nil {
			t.Errorf("%q is announced", bad)
		}
	}
}

func TestReachOf(t *testing.T) {
	addr := ma.StringCast
	f := reachFacts{
		Reachability: api.ReachPrivate,
		Addresses: map[string][]ma.Multiaddr{
			addressReached:   {addr("/ip4/11.0.0.1/udp/1/quic-v1")},
			addressUnreached: {addr("/ip4/11.0.0.1/tcp/1"), addr("/ip6/2001:db8::1/udp/1/quic-v1")},
			addressUnknown:   {addr("/dns4/lf.example.org/tcp/443/wss"), addr("/ip4/11.0.0.2/tcp/1/p2p/12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF/p2p-circuit")},
		},
		NAT: map[string]string{"udp": "endpoint-dependent"},
	}
	out := reachOf(&f, []ma.Multiaddr{addr("/ip4/0.0.0.0/tcp/1")})
	var have []string
	for _, t := range out.Transports {
		have = append(have, strings.Join([]string{t.Transport, t.State, t.NAT, strings.Join(t.Reachable, "+"), strings.Join(t.Unreachable, "+"), strings.Join(t.Unknown, "+")}, " "))
	}
	want := []string{
		"tcp unreachable   /ip4/11.0.0.1/tcp/1 ",
		"quic reachable endpoint-dependent /ip4/11.0.0.1/udp/1/quic-v1 /ip6/2001:db8::1/udp/1/quic-v1 ",
		"websocket unknown    /dns4/lf.example.org/tcp/443/wss",
	}
	if out.Reachability != api.ReachPrivate || !slices.Equal(have, want) {
		t.Errorf("%s, transports:\nhave %q\nwant %q", out.Reachability, have, want)
	}
}

// TestReservations holds that a relay is named once, however many addresses it has.
func TestReservations(t *testing.T) {
	const relay = "12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF"
	h := &Host{reach: &reach{known: reachFacts{Relays: []ma.Multiaddr{
		ma.StringCast("/ip4/11.0.0.2/tcp/1/p2p/" + relay + "/p2p-circuit"), ma.StringCast("/ip4/11.0.0.2/udp/1/quic-v1/p2p/" + relay + "/p2p-circuit"),
	}}}}
	if have := h.Reservations(); !slices.Equal(have, []string{relay}) {
		t.Errorf("%q", have)
	}
}
