package node

import (
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// road passes bytes on between loopback addresses until it is frozen: then those connections hang
// that there are, as those of a machine that has moved do, and new ones pass.
type road struct {
	t      *testing.T
	l      net.Listener
	to     string
	mu     sync.Mutex
	frozen chan struct{} // closed for the connections there were
	conns  []net.Conn
	done   sync.WaitGroup
}

func newRoad(t *testing.T, to *Node) *road {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(to.Addresses()[0], "/tcp/")
	port, _, _ = strings.Cut(port, "/")
	r := &road{t: t, l: l, to: "127.0.0.1:" + port, frozen: make(chan struct{})}
	r.done.Go(r.accept)
	t.Cleanup(func() {
		_ = l.Close()
		r.mu.Lock()
		for _, c := range r.conns {
			_ = c.Close()
		}
		r.mu.Unlock()
		r.done.Wait()
	})
	return r
}

// address is a node's, by this road.
func (r *road) address(to *Node) string {
	_, port, _ := net.SplitHostPort(r.l.Addr().String())
	return "/ip4/127.0.0.1/tcp/" + port + "/p2p/" + to.PeerID().String()
}

func (r *road) accept() {
	for {
		in, err := r.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.to)
		if err != nil {
			_ = in.Close()
			continue
		}
		r.mu.Lock()
		r.conns = append(r.conns, in, out)
		frozen := r.frozen
		r.mu.Unlock()
		r.done.Go(func() { pass(in, out, frozen) })
		r.done.Go(func() { pass(out, in, frozen) })
	}
}

// pass copies, and keeps silent about all, also about the end, once it is frozen.
func pass(from, to net.Conn, frozen <-chan struct{}) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-frozen:
			if err == nil {
				continue // it vanishes
			}
			return
		default:
		}
		if n > 0 {
			_, _ = to.Write(buffer[:n])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

func (r *road) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.frozen)
	r.frozen = make(chan struct{})
}

// TestRoaming has a node move: its connections hang. It finds that out and comes back; its peer,
// whose old connection hangs too, ends that one when it comes; and both read what the other writes.
func TestRoaming(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	r := newRoad(t, a)
	b := start(t, config(t, n, func(c *Config) { c.Seeds = []string{r.address(a)} }))
	wantPeers(t, b, 1)
	set(t, b.Service(), "before", "moving")
	wantRead(t, a.Service(), "before", "moving")
	oldA, oldB := a.host.Network().ConnsToPeer(b.PeerID()), b.host.Network().ConnsToPeer(a.PeerID())
	r.freeze()
	begin := time.Now()
	b.roaming.probe(b.host.Network().Conns())
	eventually(t, "the old connections are gone, on both sides", func() bool {
		return !slices.ContainsFunc(append(oldA, oldB...), func(c network.Conn) bool { return !c.IsClosed() })
	})
	eventually(t, "another connection", func() bool { return connected(a, b) && connected(b, a) })
	if took := time.Since(begin); took > 4*probeTime {
		t.Errorf("back after %s", took)
	}
	set(t, b.Service(), "after", "moving#1")
	wantRead(t, a.Service(), "after", "moving#1")
	set(t, a.Service(), "answer", "moving#2")
	wantRead(t, b.Service(), "answer", "moving#2")
}

// TestRoamingKeeps holds that connections that live are left alone, whoever doubts them how often,
// also those of peers that speak no ping.
func TestRoamingKeeps(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	b := start(t, config(t, n, seeds(a)))
	mute := start(t, config(t, n, seeds(a)))
	mute.host.RemoveStreamHandler("/ipfs/ping/1.0.0")
	wantPeers(t, a, 2)
	conns := a.host.Network().Conns()
	for range 20 {
		a.roaming.probe(a.host.Network().Conns())
		b.roaming.probe(b.host.Network().Conns())
	}
	eventually(t, "all are asked", func() bool { return a.roaming.idle() && b.roaming.idle() })
	for _, c := range conns {
		if c.IsClosed() {
			t.Errorf("the connection with %s is closed", c.RemotePeer())
		}
	}
}

// idle reports whether nothing is pinged.
func (r *roaming) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.asked) == 0
}

// TestRoamingCloses ends while a connection is in doubt, at once.
func TestRoamingCloses(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	r := newRoad(t, a)
	b := start(t, config(t, n, func(c *Config) { c.Seeds = []string{r.address(a)} }))
	wantPeers(t, b, 1)
	other := newRoaming(b.host, slog.New(slog.DiscardHandler))
	r.freeze()
	other.probe(b.host.Network().Conns())
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	if err := other.Close(); err != nil || time.Since(begin) > probeTime/2 {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
	if b.host.Network().Connectedness(a.PeerID()) != network.Connected {
		t.Error("a connection was ended that nobody has judged")
	}
	other.probe(b.host.Network().Conns())
	if !other.idle() {
		t.Error("it goes on after its end")
	}
}

func TestWasAsleep(t *testing.T) {
	for _, c := range []struct {
		wall, awake time.Duration
		want        bool
	}{{time.Hour, time.Hour, false}, {time.Hour, time.Second, true}, {2 * time.Second, 2 * time.Second, false}, {-time.Hour, 2 * time.Second, false}} {
		if got := wasAsleep(c.wall, c.awake); got != c.want {
			t.Errorf("%s by the clock on the wall, %s awake: %v", c.wall, c.awake, got)
		}
	}
	here, known := interfaces()
	if again, _ := interfaces(); !known || !strings.Contains(here, "127.0.0.1") || here != again {
		t.Errorf("the machine is at %q", here)
	}
}

// TestWhyDoubt holds what the log says of connections that may be dead. That the system does not
// tell its addresses, for want of file descriptors, is no reason.
func TestWhyDoubt(t *testing.T) {
	unknown := func() (string, bool) { return "", false }
	for _, c := range []struct {
		before      string
		look        func() (string, bool)
		wall, awake time.Duration
		want        string
	}{
		{"a", func() (string, bool) { return "a", true }, lookAround, lookAround, ""},
		{"a", func() (string, bool) { return "b", true }, lookAround, lookAround, "addresses have changed"},
		{"a", func() (string, bool) { return "", true }, lookAround, lookAround, "addresses have changed"},
		{"a", func() (string, bool) { return "a", true }, time.Hour, lookAround, "asleep"},
		{"a", unknown, lookAround, lookAround, ""},
		// it was not known before
		{"", func() (string, bool) { return "a", true }, lookAround, lookAround, ""},
		{"a", unknown, time.Hour, lookAround, "asleep"},
	} {
		got := whyDoubt(c.before, whereNow(c.before, c.look), c.wall, c.awake)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("from %q: %q, want %q", c.before, got, c.want)
		}
	}
}
