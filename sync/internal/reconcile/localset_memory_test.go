//go:build linux && !race

package reconcile

import (
	"path/filepath"
	"runtime/debug"
	"testing"
)

// TestSetBoundsMemory: old timestamps change pages all over the set's file. A checkpoint comes
// before these take too much memory.
func TestSetBoundsMemory(t *testing.T) {
	s, path := new(markedStore), filepath.Join(t.TempDir(), "set")
	s.grow(3 * keepLeast)
	c := openedSet(t, s, path)
	c.own.memory = 1 << 18
	debug.FreeOSMemory()
	c.checkpoint(t.Context())
	c.own.add(s.grow(2 * keepLook))
	if c.own.heavy.Load() {
		t.Fatal("new timestamps take too much memory")
	}
	for n := 0; !c.own.heavy.Load(); n++ {
		if n == 5*keepLook {
			t.Fatal("old timestamps take no memory")
		}
		item := s.grow(1)
		item[0].Timestamp = 1000 + uint64(n*7919%keepLeast)
		c.own.add(item)
	}
	marks := s.marks
	c.checkpoint(t.Context())
	if c.own.heavy.Load() || s.marks != marks+1 {
		t.Error("the checkpoint gave no memory back")
	}
	s.mustBeIn(t, c)
	c.closeSet()
}
