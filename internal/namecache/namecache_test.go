package namecache

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/protocol"
)

func newNetwork(t *testing.T) *protocol.Network {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "test", 0, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, 1_700_000_000_000, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestStrangersNames: strangers push out none of the names that the node's user asked for. Names
// that they ask for again and again stay, too. They do not keep the user waiting.
func TestStrangersNames(t *testing.T) {
	t.Parallel()
	n := New(newNetwork(t))
	n.own, n.strangers = newShare(8), newShare(8)
	foreign := caller.With(t.Context(), caller.Caller{Stranger: true})
	ask := func(ctx context.Context, name string) {
		t.Helper()
		want, err := n.network.DeriveName(name)
		if err != nil {
			t.Fatal(err)
		}
		if key, err := n.Derive(ctx, name); err != nil || key.Selector() != want.Selector() {
			t.Fatal(key.Selector(), err)
		}
	}
	ask(t.Context(), "mine")
	for range 2 {
		ask(foreign, "popular")
	}
	for i := range 50 {
		ask(foreign, fmt.Sprint("scan ", i))
		ask(foreign, fmt.Sprint("scan ", i/2))
	}
	if !n.own.keys.Contains("mine") || n.own.keys.Len() != 1 {
		t.Errorf("the user's names: %v", n.own.keys.Keys())
	}
	if n.strangers.keys.Contains("mine") {
		t.Error("strangers find what the user asked for")
	}
	for i := range 50 {
		ask(foreign, fmt.Sprint("once ", i))
	}
	if n.strangers.keys.Len() > 8 {
		t.Errorf("%d names of strangers", n.strangers.keys.Len())
	}
	// All places of strangers are taken.
	for range cap(n.strangers.slots) {
		n.strangers.slots <- struct{}{}
	}
	ended, end := context.WithCancel(foreign)
	end()
	if _, err := n.Derive(ended, "waits"); err == nil {
		t.Error("a stranger did not wait")
	}
	ask(t.Context(), "at once")
}

// TestPopularNames: a name that is asked for twice outlasts any number of names asked for once.
func TestPopularNames(t *testing.T) {
	t.Parallel()
	n := New(newNetwork(t))
	n.own = newShare(8)
	for _, name := range []string{"popular", "popular"} {
		if _, err := n.Derive(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if _, err := n.Derive(t.Context(), fmt.Sprint("once ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if !n.own.keys.Contains("popular") {
		t.Errorf("left: %v", n.own.keys.Keys())
	}
}
