package dag

import (
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestAgainstBruteForce(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			for seed := range uint64(6) {
				rng := rand.New(rand.NewPCG(seed, 1))
				d, b := New(), newBrute()
				add(t, d, b, nil, 1)
				for n := 1; n < 150; n++ {
					add(t, d, b, s.parents(rng, n), rng.Uint64N(4))
				}
				compare(t, d, b)
				d.Truncate(100)
				b.truncate(100)
				compare(t, d, b)
				for n := 100; n < 130; n++ {
					add(t, d, b, s.parents(rng, n), rng.Uint64N(4))
				}
				compare(t, d, b)

				loaded, err := Load(records(b))
				if err != nil {
					t.Fatal(err)
				}
				compare(t, loaded, b)
				for i := Index(1); int(i) <= d.Len(); i++ {
					if !slices.Equal(d.allRuns(i), loaded.allRuns(i)) {
						t.Fatalf("loaded, the entries of %d differ", i)
					}
				}
				for n := d.Len(); n < 160; n++ {
					add(t, loaded, b, s.parents(rng, n), 1)
				}
				compare(t, loaded, b)
			}
		})
	}
}

// Very many entries to a record, which are not one run: against brute force, also when they are
// taken back and loaded.
func TestBundles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	d, b := New(), newBrute()
	root := add(t, d, b, nil, 1)
	side, main := root, root
	for range 5 {
		side = add(t, d, b, []Index{side}, 1)
	}
	var spine []Index
	for range 300 {
		main = add(t, d, b, []Index{main}, 3)
		spine = append(spine, main)
	}
	grow := func(n int) {
		for range n {
			x := add(t, d, b, distinct([]Index{side, spine[5+rng.IntN(295)]}), rng.Uint64N(5))
			if rng.IntN(4) == 0 {
				add(t, d, b, []Index{x}, 7)
			}
		}
	}
	grow(500)
	r := d.recs.At(side)
	if r.entries != bundled || len(d.entries.bundleOf(r).chunks) < 3 {
		t.Fatalf("a list of %d bytes: no bundle", r.entries)
	}
	compare(t, d, b)
	n := d.Len()
	grow(100)
	compare(t, d, b) // and what the chunks weigh is known now
	d.Truncate(n)
	b.truncate(n)
	grow(90)
	compare(t, d, b)
	loaded, err := Load(records(b))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, loaded, b)
	d = loaded
	grow(100)
	compare(t, d, b)
	for _, n := range []int{800, 400, 306, 306, 3, 0} {
		d.Truncate(n)
		b.truncate(n)
		compare(t, d, b)
	}
	if root := add(t, d, b, nil, 1); root != 1 {
		t.Errorf("the first record is number %d", root)
	}
}

// play does what next says, and compares.
func play(t testing.TB, next func(below int) int) {
	d, b := New(), newBrute()
	d.bound = 1 + next(12)
	add(t, d, b, nil, 1)
	for range next(120) {
		n := d.Len()
		switch op := next(32); {
		case op == 0:
			n -= next(n)
			d.Truncate(n)
			b.truncate(n)
			check(t, d)
		case op == 1:
			loaded, err := Load(records(b))
			if err != nil {
				t.Fatal(err)
			}
			loaded.bound, d = d.bound, loaded
		case op == 2:
			add(t, d, b, nil, 1)
		default:
			var candidates []Index
			for range 1 + next(4) {
				candidates = append(candidates, Index(n-next(min(n, 40))))
			}
			candidates = distinct(candidates)
			if op < 20 {
				add(t, d, b, candidates, uint64(next(3)))
			} else {
				checkChoice(t, d, b, candidates, 1+next(3))
				add(t, d, b, d.Choose(candidates, 2), 1)
			}
		}
	}
	compare(t, d, b)
}

func TestProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		play(t, func(below int) int { return rapid.IntRange(0, below-1).Draw(rt, "n") })
	})
}

func FuzzDAG(f *testing.F) {
	f.Add([]byte("a graph"))
	f.Fuzz(func(t *testing.T, moves []byte) {
		play(t, func(below int) int {
			if len(moves) == 0 {
				return 0
			}
			n := int(moves[0]) % below
			moves = moves[1:]
			return n
		})
	})
}

func TestLargeWork(t *testing.T) {
	d, b := New(), newBrute()
	root := add(t, d, b, nil, 1<<40)
	for _, w := range []uint64{1<<32 - 2, 1<<32 - 1, 1 << 32, 1 << 50, 0} {
		add(t, d, b, []Index{root}, w)
	}
	compare(t, d, b)
	d.Truncate(3)
	b.truncate(3)
	compare(t, d, b)
}

func TestUnknownIndices(t *testing.T) {
	d := New()
	d.Add(nil, Placement{}, 5)
	for _, i := range []Index{0, 2, 1 << 31, 1<<32 - 1} {
		if d.Weight(i) != 0 || d.Past(i) != 0 || d.Ancestor(i, 1) || d.Ancestor(1, i) || d.Parents(i) != nil {
			t.Errorf("%d", i)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	one := Record{Work: 1}
	for name, r := range map[string]Record{
		"parent":       {Parents: []Index{2}, Placement: Placement{Main: 2}},
		"main":         {Parents: []Index{1}},
		"no parents":   {Placement: Placement{Main: 1}},
		"mergeset":     {Parents: []Index{1}, Placement: Placement{1, []Index{2}}},
		"order":        {Parents: []Index{1}, Placement: Placement{1, []Index{1, 1}}},
		"wide":         {Parents: []Index{1}, Placement: Placement{1, make([]Index, 1025)}},
		"many parents": {Parents: slices.Repeat([]Index{1}, 256), Placement: Placement{Main: 1}},
	} {
		if _, err := Load(stream([]Record{one, r})); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	broken := errors.New("broken")
	var failing iter.Seq2[Record, error] = func(yield func(Record, error) bool) { yield(Record{}, broken) }
	if _, err := Load(failing); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// One writer, who also takes back, and readers beside it.
func TestReadersBesideAWriter(t *testing.T) {
	g := newGrower(t)
	g.steady(2000, 30, 5)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for k := range uint64(4) {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(k, 1))
			for {
				select {
				case <-done:
					return
				default:
				}
				i, j := Index(1+rng.IntN(1500)), Index(1+rng.IntN(1500))
				if d := g.d; d.Ancestor(i, j) && (d.Past(i) >= d.Past(j) || d.Ancestor(j, i)) {
					t.Error("an ancestor with more past")
				}
				w := g.d.Weight(i)
				if links := g.d.Choose([]Index{i, j}, 2); len(links) == 0 || w == 0 {
					t.Error("nothing chosen")
				} else if _, err := g.d.Place(links); err != nil {
					t.Error(err)
				}
				_ = g.d.Bytes() + g.d.Len()
			}
		})
	}
	for range 30 {
		n := g.d.Len()
		for range 50 {
			g.add(1, draw(g.rng, g.d.Len(), 30, 2)...)
		}
		if g.rng.IntN(2) == 0 {
			g.d.Truncate(n)
		}
	}
	close(done)
	readers.Wait()
	check(t, g.d)
}
