package p2p

import (
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/node/api"
)

// stubConn is a connection that is nothing but where it leads to and since when.
type stubConn struct {
	network.Conn
	at      ma.Multiaddr
	opened  time.Time
	out     bool
	streams int
}

func (c stubConn) GetStreams() []network.Stream { return make([]network.Stream, c.streams) }

func (c stubConn) RemoteMultiaddr() ma.Multiaddr { return c.at }
func (c stubConn) RemotePeer() peer.ID           { return "bob" }
func (c stubConn) Stat() network.ConnStats {
	direction := network.DirInbound
	if c.out {
		direction = network.DirOutbound
	}
	return network.ConnStats{Stats: network.Stats{Opened: c.opened, Direction: direction}}
}

func TestPaths(t *testing.T) {
	const relay = "12D3KooWEqnTdgqHnkkwarSrJjeMP2ZJiADWLYADaNvUb6SQNyPF"
	then := time.Unix(1000, 0)
	conn := func(at string, opened time.Time) network.Conn {
		return stubConn{at: ma.StringCast(at), opened: opened}
	}
	var p holePunchLog
	p.Trace(&holepunch.Event{Remote: "bob", Timestamp: then.UnixNano(), Evt: &holepunch.EndHolePunchEvt{Success: true, EllapsedTime: 2 * time.Second}})
	for _, c := range []struct {
		conns                  []network.Conn
		path, transport, relay string
	}{
		{[]network.Conn{conn("/ip4/11.0.0.1/tcp/1", then.Add(-time.Hour))}, api.PathDirect, api.TransportTCP, ""},
		{[]network.Conn{conn("/ip4/11.0.0.1/tcp/1/ws", then.Add(-time.Hour))}, api.PathDirect, api.TransportWebSocket, ""},
		{[]network.Conn{conn("/ip4/11.0.0.9/udp/1/quic-v1/p2p/"+relay+"/p2p-circuit", then)}, api.PathRelayed, api.TransportQUIC, relay},
		{[]network.Conn{
			conn("/ip4/11.0.0.9/tcp/1/p2p/"+relay+"/p2p-circuit", then.Add(-time.Minute)), conn("/ip4/11.0.0.1/udp/1/quic-v1", then.Add(-time.Second)),
		}, api.PathPunched, api.TransportQUIC, ""},
		{[]network.Conn{
			conn("/ip4/11.0.0.1/udp/1/quic-v1", then), conn("/ip4/192.168.0.1/tcp/1", then.Add(-time.Hour)),
		}, api.PathDirect, api.TransportTCP, ""},
	} {
		slices.SortFunc(c.conns, compareConns)
		path, through := pathOf(c.conns[0], &p)
		if transport := transportOf(c.conns[0].RemoteMultiaddr()); path != c.path || through != c.relay || transport != c.transport {
			t.Errorf("%s: %s over %s through %q", c.conns[0].RemoteMultiaddr(), path, transport, through)
		}
	}
	if path, _ := pathOf(conn("/ip4/11.0.0.1/tcp/1", then), nil); path != api.PathDirect {
		t.Errorf("a host that punches no holes: %s", path)
	}
}
