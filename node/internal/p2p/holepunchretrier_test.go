package p2p

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/internal/supervisor"
	"github.com/lf-store/lf/node/internal/nodetest"
)

// relayedHosts are a host that is reached through a relay only, a peer that has it as its seed, and
// the relay. The relay is on another network.
type relayedHosts struct{ relay, far, near *Host }

func newRelayed(t *testing.T) relayedHosts {
	t.Helper()
	testbed := func(of Testbed) func(*Config) { return func(c *Config) { c.Testbed = &of } }
	relay := newHost(t, nodetest.NewNetwork(t, 0), testbed(Testbed{RelayService: true}))
	n := nodetest.NewNetwork(t, 0)
	far := newHost(t, n, testbed(Testbed{RelayOnly: Addresses(relay)}))
	near := newHost(t, n, testbed(Testbed{}))
	connect(t, near, Addresses(far)...)
	nodetest.Eventually(t, "a relayed connection", func() bool { return limited(near, far) && limited(far, near) })
	return relayedHosts{relay, far, near}
}

// limited reports whether two hosts have a connection, and all they have are through a relay.
func limited(a, b *Host) bool {
	conns := a.Network().ConnsToPeer(b.ID())
	return len(conns) > 0 && !slices.ContainsFunc(conns, func(c network.Conn) bool { return !c.Stat().Limited })
}

// TestHolePunchRetrier holds that the side which made a relayed connection makes it again, as often
// as it may. Streams pass as before. Direct ones are left alone, and those of the other side.
func TestHolePunchRetrier(t *testing.T) {
	t.Parallel()
	r := newRelayed(t)
	direct := newHost(t, r.near.config.Network, func(c *Config) { c.Testbed = &Testbed{} })
	connect(t, direct, Addresses(r.near)...)
	speak(t, r.near, direct)
	first := r.near.Network().ConnsToPeer(r.far.ID())[0]
	seen := map[string]bool{first.ID(): true}
	keeps := r.near.Network().ConnsToPeer(direct.ID())[0]
	const pause = 30 * time.Millisecond
	near := newHolePunchRetrier(r.near, r.near.Speaks, pause, slog.New(slog.DiscardHandler))
	far := newHolePunchRetrier(r.far, r.far.Speaks, pause, slog.New(slog.DiscardHandler))
	var both supervisor.Group
	both.Go(near.run)
	both.Go(far.run)
	nodetest.Eventually(t, "the connection is made again as often as it may be", func() bool {
		for _, c := range r.near.Network().ConnsToPeer(r.far.ID()) {
			seen[c.ID()] = true
		}
		return len(seen) == 1+maxPunchRetries
	})
	nodetest.Eventually(t, "it is back", func() bool { return limited(r.near, r.far) })
	time.Sleep(10 * pause) // and it stays so
	if conns := r.near.Network().ConnsToPeer(r.far.ID()); len(conns) != 1 || !seen[conns[0].ID()] {
		t.Errorf("it goes on: %v", conns)
	}
	if err := both.Close(); err != nil {
		t.Error(err)
	}
	if near.tries[r.far.ID()].count != maxPunchRetries || len(near.tries) != 1 || len(far.tries) != 0 {
		t.Errorf("tries %v, of the other side %v", near.tries, far.tries)
	}
	if keeps.IsClosed() || !first.IsClosed() {
		t.Error("a direct connection was made again, or the relayed one was not")
	}
	ctx := network.WithAllowLimitedConn(t.Context(), "test")
	if answer := <-ping.Ping(ctx, r.far, r.near.ID()); answer.Error != nil {
		t.Errorf("through the last connection: %v", answer.Error)
	}
}

// TestHolePunchRetrierWaits holds that nothing is cut off that is under way, and that a peer that
// left is forgotten.
func TestHolePunchRetrierWaits(t *testing.T) {
	t.Parallel()
	r := newRelayed(t)
	p := &holePunchRetrier{host: r.near, speaks: r.near.Speaks, pause: time.Minute, tries: map[peer.ID]tries{"gone": {count: 1}}}
	now := time.Now()
	var due []peer.ID
	nodetest.Eventually(t, "nothing is under way, so a try is planned", func() bool {
		// A stream of libp2p's own may come at any time.
		due = append(due, p.due(now)...)
		_, planned := p.tries[r.far.ID()]
		return planned
	})
	if len(due) > 0 || len(p.tries) != 1 {
		t.Errorf("due at once: %v, %v", due, p.tries)
	}
	s, err := r.near.NewStream(network.WithAllowLimitedConn(t.Context(), "test"), r.far.ID(), ping.ID)
	if err != nil {
		t.Fatal(err)
	}
	if due := p.due(now.Add(time.Hour)); len(due) > 0 {
		t.Error("a stream is cut off")
	}
	_ = s.Reset()
}

// TestOursToTry has the side try that made the connection, and one side alone where both did.
func TestOursToTry(t *testing.T) {
	circuit := ma.StringCast("/ip4/11.0.0.9/tcp/1/p2p/12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF/p2p-circuit")
	out, in := stubConn{at: circuit, out: true}, stubConn{at: circuit}
	busy, direct := stubConn{at: circuit, out: true, streams: 1}, stubConn{at: ma.StringCast("/ip4/11.0.0.1/tcp/1"), out: true}
	for i, c := range []struct {
		conns           []network.Conn
		smaller, larger bool
	}{
		{nil, false, false},
		{[]network.Conn{out}, true, true},
		{[]network.Conn{in}, false, false},
		{[]network.Conn{out, in}, true, false},
		{[]network.Conn{out, out}, true, true},
		{[]network.Conn{out, busy}, false, false},
		{[]network.Conn{out, direct}, false, false},
	} {
		if smaller, larger := oursToTry(c.conns, true), oursToTry(c.conns, false); smaller != c.smaller || larger != c.larger {
			t.Errorf("case %d: %v %v", i, smaller, larger)
		}
	}
}
