package testbed

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// town is a fabric with routers, and sockets in its namespaces.
type town struct {
	*Internet
	t *testing.T
}

func newTown(t *testing.T, s *Scenario) *town {
	t.Helper()
	f, err := NewInternet()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	places, err := f.Prepare(t.Context(), s)
	if err != nil && strings.Contains(err.Error(), "do not work here") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range s.Nodes {
		if reachable := len(places[i].At) > 0; reachable != (n.Behind == "") {
			t.Fatalf("%s is found at %v", n.Name, places[i].At)
		}
	}
	return &town{f, t}
}

// socket is a UDP socket in a node's namespace, on the port where nodes listen.
func (f *town) socket(node string) net.PacketConn {
	f.t.Helper()
	var c net.PacketConn
	err := onOwnThread(func() (err error) {
		if err := unix.Setns(int(f.nodes[node].file.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		c, err = net.ListenPacket("udp4", "0.0.0.0:9908")
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (f *town) address(node string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(f.nodes[node].address), listenPort)
}

// arrives sends packets until one arrives, and returns where it seems to come from; false if none
// does. Where none is expected it does not wait long.
func (f *town) arrives(from net.PacketConn, to netip.AddrPort, at net.PacketConn, expected bool) (netip.AddrPort, bool) {
	f.t.Helper()
	tries := 3
	if expected {
		tries = 100
	}
	for range tries {
		if _, err := from.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(to)); err != nil {
			f.t.Logf("send: %v", err) // the network may be down for a moment
		}
		_ = at.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, source, err := at.ReadFrom(make([]byte, 8)); err == nil {
			return netip.MustParseAddrPort(source.String()), true
		}
	}
	return netip.AddrPort{}, false
}

// drain takes what has come late, so that it is not taken for what comes next.
func (f *town) drain(sockets ...net.PacketConn) {
	for _, c := range sockets {
		for err := error(nil); err == nil; {
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, _, err = c.ReadFrom(make([]byte, 8))
		}
	}
}

// TestNAT checks that each kind of router behaves as RFC 4787 says of its name.
func TestNAT(t *testing.T) {
	for _, c := range []struct {
		router     Router
		oneMapping bool // every remote address sees the same outer address and port
		open       bool // a packet from an address that was never sent to gets in
		passes     bool
		inner      bool // the address is the inner one
	}{
		{Router{NAT: FullCone}, true, true, true, false},
		{Router{NAT: EndpointIndependent}, true, false, true, false},
		{Router{NAT: EndpointDependent}, false, false, true, false},
		{Router{NAT: NoNAT}, true, false, true, true},
		{Router{NAT: EndpointIndependent, Blocks: []Block{BlockUDP}}, false, false, false, false},
	} {
		t.Run(string(c.router.NAT)+strings.Join(blockTexts(c.router.Blocks), "-"), func(t *testing.T) {
			c.router.Name = "router"
			f := newTown(t, &Scenario{
				Routers: []*Router{&c.router},
				Nodes:   []*Node{{Name: "home", Behind: "router"}, {Name: "one"}, {Name: "two"}, {Name: "three"}},
			})
			home, one, two, three := f.socket("home"), f.socket("one"), f.socket("two"), f.socket("three")
			seen, arrived := f.arrives(home, f.address("one"), one, c.passes)
			if arrived != c.passes {
				t.Fatalf("a packet from inside arrives: %v", arrived)
			}
			if !c.passes {
				return
			}
			if inner := seen == f.address("home"); inner != c.inner {
				t.Errorf("it comes from %s", seen)
			}
			if back, ok := f.arrives(one, seen, home, true); !ok || back != f.address("one") {
				t.Errorf("the answer does not arrive, or comes from %s", back)
			}
			again, ok := f.arrives(home, f.address("two"), two, true)
			if !ok || (again == seen) != c.oneMapping {
				t.Errorf("one sees %s, another %s", seen, again)
			}
			f.drain(home)
			if _, in := f.arrives(three, seen, home, c.open); in != c.open {
				t.Errorf("a packet from an address that was never sent to gets in: %v", in)
			}
		})
	}
}

func blockTexts(blocks []Block) (texts []string) {
	for _, b := range blocks {
		texts = append(texts, string(b))
	}
	return texts
}

// TestCarrier checks that two routers in a row translate twice, and that nodes of different routers
// do not see each other.
func TestCarrier(t *testing.T) {
	f := newTown(t, &Scenario{
		Routers: []*Router{{Name: "carrier", NAT: EndpointDependent}, {Name: "home", NAT: EndpointIndependent, Behind: "carrier"}},
		Nodes:   []*Node{{Name: "a", Behind: "home"}, {Name: "out"}},
	})
	a, out := f.socket("a"), f.socket("out")
	seen, ok := f.arrives(a, f.address("out"), out, true)
	if !ok || seen.Addr().String() != f.behind["carrier"].address {
		t.Fatalf("it comes from %s, the carrier is %s", seen, f.behind["carrier"].address)
	}
	if _, ok := f.arrives(out, seen, a, true); !ok {
		t.Error("the answer does not arrive")
	}
	if got := f.behind["home"].address; !strings.HasPrefix(got, "100.64.") {
		t.Errorf("the home has the address %s at its carrier", got)
	}
}

// TestMove takes a node to another network while it has a socket.
func TestMove(t *testing.T) {
	f := newTown(t, &Scenario{
		Routers: []*Router{{Name: "home", NAT: EndpointIndependent}, {Name: "cafe", NAT: EndpointIndependent}},
		Nodes:   []*Node{{Name: "laptop", Behind: "home"}, {Name: "out"}},
	})
	laptop, out := f.socket("laptop"), f.socket("out")
	for _, at := range []string{"home", "cafe", "home"} {
		if at != "home" || f.nodes["laptop"].address != "192.168.1.10" {
			if err := f.Move(t.Context(), "laptop", at); err != nil {
				t.Fatal(err)
			}
		}
		f.drain(out)
		if seen, ok := f.arrives(laptop, f.address("out"), out, true); !ok || seen.Addr().String() != f.behind[at].address {
			t.Errorf("behind %s it comes from %s", at, seen)
		}
	}
}

// TestBlockInbound has both sides open a TCP connection at once: that passes where one of the
// routers lets it. The other side's is then an ordinary one.
func TestBlockInbound(t *testing.T) {
	inbound := []Block{BlockInbound}
	for _, c := range []struct {
		elm, oak []Block
		opens    bool
	}{{nil, nil, true}, {nil, inbound, true}, {inbound, inbound, false}} {
		f := newTown(t, &Scenario{
			Routers: []*Router{{Name: "elm", NAT: EndpointIndependent, Blocks: c.elm}, {Name: "oak", NAT: EndpointIndependent, Blocks: c.oak}},
			Nodes:   []*Node{{Name: "a", Behind: "elm"}, {Name: "b", Behind: "oak"}},
		})
		done := make(chan error, 2)
		open := func(node, router string) {
			done <- onOwnThread(func() error {
				if err := unix.Setns(int(f.nodes[node].file.Fd()), unix.CLONE_NEWNET); err != nil {
					return err
				}
				d := net.Dialer{Timeout: 4 * time.Second, LocalAddr: &net.TCPAddr{Port: listenPort}}
				c, err := d.Dial("tcp4", f.behind[router].address+":9908")
				if err == nil {
					_ = c.Close()
				}
				return err
			})
		}
		go open("a", "oak")
		go open("b", "elm")
		first, second := <-done, <-done
		if open := first == nil || second == nil; open != c.opens {
			t.Errorf("%v and %v: %v, %v", c.elm, c.oak, first, second)
		}
	}
}
