//go:build linux && !race

package mapped

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"
)

// TestCutOffInUse cuts the file off while it is mapped: an error, and no end of the process.
func TestCutOffInUse(t *testing.T) {
	t.Parallel()
	c, rng := config(t, false), rand.New(rand.NewPCG(3, 3))
	w := build(t, c)
	w.push(50_000, rng)
	w.checkpoint(t, Stamp{Index: 1})
	if _, heap := w.f.memory.(heapMemory); heap {
		t.Skip("the kernel does not tell here which pages a process has changed")
	}
	if err := os.Truncate(c.Path, 4096); err != nil {
		t.Fatal(err)
	}
	if broken, ok := errors.AsType[*BrokenError](w.compare()); !ok {
		t.Fatal(broken)
	}
}

// TestMemoryIsGivenBack looks at what the kernel says of the process: after a checkpoint no page of
// the file is the process's own.
func TestMemoryIsGivenBack(t *testing.T) {
	t.Parallel()
	c, rng := config(t, false), rand.New(rand.NewPCG(5, 5))
	w := build(t, c)
	w.push(200_000, rng)
	w.checkpoint(t, Stamp{Index: 1})
	if _, heap := w.f.memory.(heapMemory); heap {
		t.Skip("the kernel does not tell here which pages a process has changed")
	}
	own := func() (pages int) {
		for i, e := range w.f.extents {
			touched, err := w.f.memory.touched(e.mem[:w.f.used(i)])
			if err != nil {
				t.Fatal(err)
			}
			for _, is := range touched {
				if is {
					pages++
				}
			}
		}
		return pages
	}
	w.change(100, rng)
	w.push(10_000, rng)
	if n := own(); n < 50 {
		t.Errorf("%d pages are the process's own after it changed some", n)
	}
	w.checkpoint(t, Stamp{Index: 2})
	if n := own(); n != 0 {
		t.Errorf("%d pages are the process's own after a checkpoint", n)
	}
	w.mustBeRight(t)
}
