package nodetest

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Road passes bytes on between loopback addresses until it is frozen. Then the existing connections
// hang, like those of a machine that has moved. New ones pass.
type Road struct {
	l      net.Listener
	to     string
	mu     sync.Mutex
	frozen chan struct{} // closed for the connections there were
	conns  []net.Conn
	done   sync.WaitGroup
}

// NewRoad makes a road to the TCP address of a host.
func NewRoad(t *testing.T, to string) *Road {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(to, "/tcp/")
	port, _, _ = strings.Cut(port, "/")
	r := &Road{l: l, to: "127.0.0.1:" + port, frozen: make(chan struct{})}
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

// Address is where a peer can be dialed by this road.
func (r *Road) Address(to peer.ID) string {
	_, port, _ := net.SplitHostPort(r.l.Addr().String())
	return "/ip4/127.0.0.1/tcp/" + port + "/p2p/" + to.String()
}

func (r *Road) accept() {
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

// Freeze has the connections hang that there are.
func (r *Road) Freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.frozen)
	r.frozen = make(chan struct{})
}
