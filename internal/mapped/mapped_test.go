package mapped

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

type value struct {
	a uint64
	b uint32
}

// world is a file with an arena and a shelf, beside what they must hold.
type world struct {
	f      *File
	arena  Arena[value]
	lists  Arena[uint32]
	values []value
}

func config(t testing.TB, heap bool) Config {
	t.Helper()
	return Config{Path: filepath.Join(t.TempDir(), "data"), Layout: "test 1", Heap: heap, Volatile: true}
}

func build(t testing.TB, c Config) *world {
	t.Helper()
	f, err := Create(c)
	if err != nil {
		t.Fatal(err)
	}
	return &world{f: f, arena: In[value](f), lists: In[uint32](f)}
}

func (w *world) push(n int, rng *rand.Rand) {
	for range n {
		v := value{rng.Uint64(), rng.Uint32()}
		*w.arena.At(w.arena.Push()) = v
		list := w.lists.List(w.lists.Take(3), 3)
		list[2] = v.b
		w.values = append(w.values, v)
	}
}

func (w *world) change(n int, rng *rand.Rand) {
	for range min(n, len(w.values)) {
		i := rng.IntN(len(w.values))
		w.values[i].a++
		w.arena.At(uint32(i)).a++
	}
}

func (w *world) checkpoint(t testing.TB, s Stamp) {
	t.Helper()
	// The test keeps no number of pieces that needs a second byte.
	meta := []byte{byte(len(w.arena.pieces)), byte(len(w.lists.pieces))}
	for _, n := range slices.Concat([]uint32{w.arena.n >> 16, w.arena.n, w.lists.n >> 16, w.lists.n}, w.arena.pieces, w.lists.pieces) {
		meta = append(meta, byte(n>>8), byte(n))
	}
	if err := w.f.Checkpoint(s, meta); err != nil {
		t.Fatal(err)
	}
}

// reopen opens what the last checkpoint left, as after kill -9.
func reopen(c Config, s Stamp, values []value) (*world, error) {
	f, have, meta, err := Open(c, func(have Stamp) bool { return have == s })
	if err != nil {
		return nil, err
	}
	if have != s {
		return nil, errors.New("another stamp")
	}
	numbers := []uint32{}
	for at := 2; at < len(meta); at += 2 {
		numbers = append(numbers, uint32(meta[at])<<8|uint32(meta[at+1]))
	}
	w := &world{f: f, values: slices.Clone(values)}
	n := int(meta[0])
	if w.arena, err = Restore[value](f, Kept{numbers[0]<<16 | numbers[1], numbers[4 : 4+n]}); err != nil {
		return nil, err
	}
	w.lists, err = Restore[uint32](f, Kept{numbers[2]<<16 | numbers[3], numbers[4+n:]})
	return w, err
}

func (w *world) compare() error {
	var wrong error
	if err := w.f.Guard(func() {
		if int(w.arena.Len()) != len(w.values) {
			wrong = errors.New("another number of values")
			return
		}
		for i, v := range w.values {
			if *w.arena.At(uint32(i)) != v {
				wrong = errors.New("a wrong value")
			}
		}
	}); err != nil {
		return err
	}
	return wrong
}

func (w *world) mustBeRight(t testing.TB) {
	t.Helper()
	if err := w.compare(); err != nil {
		t.Fatal(err)
	}
}

// both runs a test with what the kernel offers and with heap memory.
func both(t *testing.T, test func(t *testing.T, heap bool)) {
	t.Run("kernel", func(t *testing.T) { t.Parallel(); test(t, false) })
	t.Run("heap", func(t *testing.T) { t.Parallel(); test(t, true) })
}

// TestFile changes, checkpoints and kills at random: what a checkpoint wrote is there again, and
// nothing of what came after it.
func TestFile(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, heap bool) {
		rapid.Check(t, func(rt *rapid.T) {
			c := config(t, heap)
			rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "values"), 0))
			w := build(t, c)
			w.push(rng.IntN(20_000), rng)
			stamp := Stamp{Index: 1}
			w.checkpoint(t, stamp)
			kept := slices.Clone(w.values)
			for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
				w.push(rng.IntN(9000), rng)
				w.change(rng.IntN(50), rng)
				w.mustBeRight(t)
				if rapid.Bool().Draw(rt, "checkpoint") {
					stamp.Index++
					w.checkpoint(t, stamp)
					kept = slices.Clone(w.values)
					w.mustBeRight(t)
					if w.f.Verify() != nil {
						rt.Fatal("a piece and its hash differ")
					}
				}
				if rapid.Bool().Draw(rt, "kill") {
					var err error
					if w, err = reopen(c, stamp, kept); err != nil {
						rt.Fatal(err)
					}
					w.mustBeRight(t)
				}
			}
		})
	})
}

// TestInterrupted opens what a process leaves that is killed in the middle of a checkpoint.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, heap bool) {
		c, rng := config(t, heap), rand.New(rand.NewPCG(1, 1))
		w := build(t, c)
		w.push(30_000, rng)
		w.checkpoint(t, Stamp{Index: 1})
		before, oldData, oldState := slices.Clone(w.values), mustRead(t, c.Path), mustRead(t, c.statePath())
		w.change(100, rng)
		w.push(30_000, rng)
		w.checkpoint(t, Stamp{Index: 2})
		after, newData, newState := slices.Clone(w.values), mustRead(t, c.Path), mustRead(t, c.statePath())
		// what is new goes to its place before the state counts, what has changed after that
		between := slices.Concat(oldData, newData[len(oldData):])
		for name, left := range map[string]struct {
			data, state []byte
			stamp       Stamp
			values      []value
		}{
			"before the state":     {between, oldState, Stamp{Index: 1}, before},
			"in the new pieces":    {between[:len(oldData)+5000], oldState, Stamp{Index: 1}, before},
			"after the state":      {between, newState, Stamp{Index: 2}, after},
			"in the middle of all": {slices.Concat(newData[:len(oldData)/2], between[len(oldData)/2:]), newState, Stamp{Index: 2}, after},
		} {
			mustWrite(t, c.Path, left.data)
			mustWrite(t, c.statePath(), left.state)
			w, err := reopen(c, left.stamp, left.values)
			if err != nil {
				t.Fatal(name, err)
			}
			w.mustBeRight(t)
			w.change(5, rng)
			w.checkpoint(t, Stamp{Index: 3})
			if w, err = reopen(c, Stamp{Index: 3}, w.values); err != nil {
				t.Fatal(name, err)
			}
			w.mustBeRight(t)
		}
	})
}

// TestDamage cuts files off, flips a bit anywhere, and puts other files in their places. Each time
// that is noticed before a wrong value is seen.
func TestDamage(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, heap bool) {
		c, rng := config(t, heap), rand.New(rand.NewPCG(2, 2))
		w := build(t, c)
		w.push(20_000, rng)
		w.checkpoint(t, Stamp{Index: 1})
		old := mustRead(t, c.Path)
		w.change(1000, rng)
		w.checkpoint(t, Stamp{Index: 2})
		state := mustRead(t, c.statePath())
		if w, err := reopen(c, Stamp{Index: 2}, w.values); err != nil || w.compare() != nil {
			t.Fatal(err)
		}
		// without its spans, so that nothing mends the file
		w, _ = reopen(c, Stamp{Index: 2}, w.values)
		w.push(1, rng)
		w.checkpoint(t, Stamp{Index: 3})
		w.checkpoint(t, Stamp{Index: 4})
		data, state4 := mustRead(t, c.Path), mustRead(t, c.statePath())
		flip := func(b []byte) []byte {
			b = slices.Clone(b)
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			return b
		}
		for range 30 {
			for name, left := range map[string]struct{ data, state []byte }{
				"data flipped":      {flip(data), state4},
				"data cut off":      {data[:rng.IntN(len(data))], state4},
				"state flipped":     {data, flip(state4)},
				"state cut off":     {data, state4[:rng.IntN(len(state4))]},
				"older data":        {old, state4},
				"older state":       {data, state},
				"no data":           {nil, state4},
				"no state":          {data, nil},
				"something else":    {data, []byte("{}")},
				"both are the data": {data, data},
			} {
				mustWrite(t, c.Path, left.data)
				mustWrite(t, c.statePath(), left.state)
				damaged, err := reopen(c, Stamp{Index: 4}, w.values)
				if err == nil {
					err = damaged.compare()
				}
				if err == nil {
					err = damaged.f.Verify()
				}
				if broken, ok := errors.AsType[*BrokenError](err); !ok && !errors.Is(err, ErrNone) {
					t.Fatalf("%s: %v, %v", name, err, broken)
				}
			}
		}
	})
}

// TestReadersMeanwhile reads while checkpoints put the file in place of memory.
func TestReadersMeanwhile(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, heap bool) {
		c, rng := config(t, heap), rand.New(rand.NewPCG(4, 4))
		w := build(t, c)
		w.push(20_000, rng)
		w.checkpoint(t, Stamp{Index: 1})
		for round := range uint64(20) {
			w.change(500, rng)
			w.push(2000, rng)
			var readers sync.WaitGroup
			stop := make(chan struct{})
			for range 2 {
				readers.Go(func() {
					for {
						if err := w.compare(); err != nil {
							t.Error(err)
							return
						}
						select {
						case <-stop:
							return
						default:
						}
					}
				})
			}
			w.checkpoint(t, Stamp{Index: 2 + round})
			close(stop)
			readers.Wait()
		}
	})
}

// TestNoRoom has the disk fail a checkpoint: the old one stands, and the next one takes all.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, heap bool) {
		c, rng := config(t, heap), rand.New(rand.NewPCG(6, 6))
		w := build(t, c)
		w.push(20_000, rng)
		w.checkpoint(t, Stamp{Index: 1})
		kept := slices.Clone(w.values)
		w.change(100, rng)
		w.push(100, rng)
		if err := os.Mkdir(c.statePath()+nextSuffix, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := w.f.Checkpoint(Stamp{Index: 2}, nil); err == nil {
			t.Fatal("a checkpoint without a state")
		}
		w.mustBeRight(t)
		if old, err := reopen(c, Stamp{Index: 1}, kept); err != nil || old.compare() != nil {
			t.Fatal(err)
		}
		if err := os.Remove(c.statePath() + nextSuffix); err != nil {
			t.Fatal(err)
		}
		w.checkpoint(t, Stamp{Index: 3})
		if w, err := reopen(c, Stamp{Index: 3}, w.values); err != nil || w.compare() != nil {
			t.Fatal(err)
		}
	})
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mustWrite replaces a file: the old one may still be mapped. Nil: there is none.
func mustWrite(t testing.TB, path string, b []byte) {
	t.Helper()
	err := os.Remove(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if b == nil {
		return
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
