package testbed

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// soon is how long what must come may take, on a busy machine.
	soon = time.Minute
	// silence is how long nothing comes where nothing may.
	silence = 300 * time.Millisecond
)

// bench is a fabric of namespaces with an echo server in each.
type bench struct {
	*Namespaces
	t *testing.T
}

func newBench(t *testing.T, names ...string) *bench {
	t.Helper()
	f, err := NewNamespaces()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	var nodes []*Node
	for _, name := range names {
		nodes = append(nodes, &Node{Name: name})
	}
	places, err := f.Prepare(t.Context(), &Scenario{Nodes: nodes})
	if err != nil && strings.Contains(err.Error(), "do not work here") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if want := fmt.Sprintf("/ip4/%s/tcp/%d", f.nodes[name].address, listenPort); !slices.Equal(places[i].Listen, []string{want}) || !places[i].Anywhere {
			t.Fatalf("%s is at %+v, want %s", name, places[i], want)
		}
		serveEcho(t, f.nodes[name])
	}
	return &bench{f, t}
}

func serveEcho(t *testing.T, ns *namespace) {
	t.Helper()
	var l net.Listener
	err := onOwnThread(func() (err error) {
		if err := unix.Setns(int(ns.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		l, err = net.Listen("tcp4", fmt.Sprintf("%s:%d", ns.address, listenPort))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	var ended bool
	var echoing sync.WaitGroup
	echoing.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if conns = append(conns, c); ended {
				_ = c.Close()
			}
			mu.Unlock()
			echoing.Go(func() { _, _ = io.Copy(c, c); _ = c.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		ended = true
		for _, c := range conns { // whose other end is cut off: it never hears of an end
			_ = c.Close()
		}
		mu.Unlock()
		echoing.Wait()
	})
}

func (b *bench) dial(from, to string, within time.Duration) (net.Conn, error) {
	b.t.Helper()
	ctx, done := context.WithTimeout(b.t.Context(), within)
	defer done()
	return b.nodes[from].dial(ctx, "tcp4", fmt.Sprintf("%s:%d", b.nodes[to].address, listenPort))
}

// open wants a connection that answers.
func (b *bench) open(from, to string) net.Conn {
	b.t.Helper()
	c, err := b.dial(from, to, soon)
	if err != nil {
		b.t.Fatalf("%s to %s: %v", from, to, err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	if !answers(c, soon) {
		b.t.Fatalf("%s to %s: connected, and no answer", from, to)
	}
	return c
}

func (b *bench) refuses(from, to string) {
	b.t.Helper()
	if c, err := b.dial(from, to, silence); err == nil {
		_ = c.Close()
		b.t.Fatalf("%s reached %s", from, to)
	} else if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		b.t.Fatalf("%s to %s: %v; want silence", from, to, err)
	}
}

func answers(c net.Conn, within time.Duration) bool {
	_ = c.SetDeadline(time.Now().Add(within))
	if _, err := c.Write([]byte("x")); err != nil {
		return false
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err == nil
}

func (b *bench) cut(cuts ...Cut) {
	b.t.Helper()
	if err := b.Cut(b.t.Context(), cuts, nil); err != nil {
		b.t.Fatal(err)
	}
}

// TestNamespaces cuts links and wants packets to vanish: what is connected hangs and goes on after
// the heal, what connects waits.
func TestNamespaces(t *testing.T) {
	b := newBench(t, "a", "b", "c")
	ab := b.open("a", "b")
	b.open("b", "c")

	b.cut(Cut{"a", "b"}, Cut{"b", "a"})
	if answers(ab, silence) {
		t.Error("a connection over a link that is cut still answers")
	}
	b.refuses("a", "b")
	b.refuses("b", "a")
	b.open("b", "c")
	b.open("a", "c")

	b.cut()
	_ = ab.SetDeadline(time.Now().Add(soon))
	// what was sent meanwhile is sent again
	if _, err := io.ReadFull(ab, make([]byte, 1)); err != nil {
		t.Errorf("a connection does not go on after the heal: %v", err)
	}
	b.open("a", "b")
}

// TestOneWay closes a node to connections that another opens, and to no others.
func TestOneWay(t *testing.T) {
	b := newBench(t, "a", "b", "c")
	opened, accepted := b.open("a", "b"), b.open("b", "a")
	b.cut(Cut{"a", "b"})
	b.refuses("a", "b")
	b.open("b", "a")
	b.open("c", "b")
	if answers(opened, silence) {
		t.Error("a connection that a has opened still answers")
	}
	if !answers(accepted, soon) {
		t.Error("a connection that b has opened does not answer any more")
	}
	b.cut(Cut{"b", "a"})
	b.refuses("b", "a")
	b.open("a", "b")
	b.cut()
	b.open("b", "a")
}

// TestNamespacesVanish makes many and wants no trace of them: the threads that made them are back
// where they were.
func TestNamespacesVanish(t *testing.T) {
	before, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Skip("no network namespaces here")
	}
	b := newBench(t, "a", "b")
	for range 50 {
		if c, err := b.dial("a", "b", soon); err == nil {
			_ = c.Close()
		}
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if now, err := os.Readlink("/proc/self/task/" + thread.Name() + "/ns/net"); err == nil && now != before {
			t.Errorf("a thread is in %s, not in %s", now, before)
		}
	}
}
