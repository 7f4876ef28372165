package node

import (
	"log/slog"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// TestRepunch holds that relayed connections are made anew, by the side that made them, so often
// and no more, and that records pass as before; that direct ones are left alone, and those of the
// other side.
func TestRepunch(t *testing.T) {
	t.Parallel()
	r := startRelayed(t)
	direct := start(t, config(t, r.near.config.Network, inTestbed(&Testbed{}), seeds(r.near)))
	eventually(t, "connections", func() bool { return limited(r.near, r.far) && limited(r.far, r.near) && connected(r.near, direct) })
	first := r.near.host.Network().ConnsToPeer(r.far.PeerID())[0]
	seen := map[string]bool{first.ID(): true}
	keeps := r.near.host.Network().ConnsToPeer(direct.PeerID())[0]
	const pause = 30 * time.Millisecond
	near := newRepuncher(r.near.host, r.near.speaks, pause, slog.New(slog.DiscardHandler))
	far := newRepuncher(r.far.host, r.far.speaks, pause, slog.New(slog.DiscardHandler))
	eventually(t, "the connection is made anew so often", func() bool {
		for _, c := range r.near.host.Network().ConnsToPeer(r.far.PeerID()) {
			seen[c.ID()] = true
		}
		return len(seen) == 1+mostRepunches
	})
	eventually(t, "it is back", func() bool { return limited(r.near, r.far) })
	time.Sleep(10 * pause) // and it stays so
	if conns := r.near.host.Network().ConnsToPeer(r.far.PeerID()); len(conns) != 1 || !seen[conns[0].ID()] {
		t.Errorf("it goes on: %v", conns)
	}
	if err := near.Close(); err != nil {
		t.Error(err)
	}
	if err := far.Close(); err != nil {
		t.Error(err)
	}
	if near.tries[r.far.PeerID()].count != mostRepunches || len(near.tries) != 1 || len(far.tries) != 0 {
		t.Errorf("tries %v, of the other side %v", near.tries, far.tries)
	}
	if keeps.IsClosed() || !first.IsClosed() {
		t.Error("a direct connection was made anew, or the relayed one was not")
	}
	set(t, r.far.Service(), "still there", "repunch")
	wantRead(t, direct.Service(), "still there", "repunch")
}

// TestRepunchWaits holds that nothing is cut off that is under way, and that who left is forgotten.
func TestRepunchWaits(t *testing.T) {
	t.Parallel()
	r := startRelayed(t)
	eventually(t, "a relayed connection", func() bool { return limited(r.near, r.far) })
	p := &repuncher{host: r.near.host, speaks: r.near.speaks, pause: time.Minute, tries: map[peer.ID]tries{"gone": {count: 1}}}
	eventually(t, "nothing is under way", func() bool { return p.ours(r.far.PeerID()) })
	now := time.Now()
	if due := p.due(now); len(due) > 0 || len(p.tries) != 1 {
		t.Errorf("due at once: %v, %v", due, p.tries)
	}
	s, err := r.near.host.NewStream(network.WithAllowLimitedConn(t.Context(), "test"), r.far.PeerID(), "/ipfs/ping/1.0.0")
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
