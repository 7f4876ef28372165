package dag

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever the candidates, the chosen fit, whichever of the heaviest becomes the main parent, and
// none is chosen in vain.
func TestChooseAlwaysFits(t *testing.T) {
	for _, bound := range []int{1, 2, 5, MaxMergeset} {
		for _, s := range shapes {
			t.Run(s.name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(9, uint64(bound)))
				d, b := New(), newBrute()
				d.bound = bound
				add(t, d, b, nil, 1)
				for range 250 {
					n := d.Len()
					add(t, d, b, s.parents(rng, n), 1+rng.Uint64N(2))
					checkChoice(t, d, b, draw(rng, d.Len(), 50, 6), 1+rng.IntN(4))
				}
			})
		}
	}
}

func checkChoice(t testing.TB, d *DAG, b *brute, candidates []Index, count int) {
	t.Helper()
	chosen := d.Choose(candidates, count)
	fail := func(why string, with ...any) {
		t.Helper()
		t.Fatalf("Choose(%v, %d) = %v: "+why, append([]any{candidates, count, chosen}, with...)...)
	}
	if len(chosen) == 0 || len(chosen) > count || len(distinct(chosen)) != len(chosen) {
		fail("the number")
	}
	most := uint64(0)
	for _, c := range chosen {
		most = max(most, b.pasts[c])
	}
	for _, c := range chosen {
		if b.pasts[c] == most && len(b.mergeset(chosen, c)) > d.bound {
			fail("too wide beside %d", c)
		}
		if !slices.ContainsFunc(candidates, func(x Index) bool { return x == c || b.past[x][c] }) {
			fail("%d is not in the past of a candidate", c)
		}
	}
	// Where all useful candidates fit together, they are what is chosen.
	useful := slices.DeleteFunc(slices.Clone(candidates), func(c Index) bool {
		return slices.ContainsFunc(candidates, func(x Index) bool { return b.past[x][c] })
	})
	if len(candidates) <= count && !slices.ContainsFunc(useful, func(c Index) bool { return len(b.mergeset(useful, c)) > d.bound }) {
		for _, u := range useful {
			if !slices.Contains(chosen, u) {
				fail("%d would have fitted", u)
			}
		}
	}
	if len(candidates) == count && d.bound == MaxMergeset && len(chosen) < count {
		fail("there were enough to fill up with")
	}
}

// Whatever has to be merged is merged in the end: every step brings something new.
func TestChooseMakesProgress(t *testing.T) {
	for _, bound := range []int{1, 2, 3, 10} {
		for _, s := range shapes {
			t.Run(s.name, func(t *testing.T) {
				for seed := range uint64(3) {
					rng := rand.New(rand.NewPCG(seed, 3))
					d, b := New(), newBrute()
					d.bound = bound
					for d.Len() < 5 {
						add(t, d, b, nil, 1)
					}
					for range 100 {
						add(t, d, b, s.parents(rng, d.Len()), 1+rng.Uint64N(2))
					}
					mergeAll(t, d, b, rng, 2+rng.IntN(2))
				}
			})
		}
	}
}

func mergeAll(t *testing.T, d *DAG, b *brute, rng *rand.Rand, count int) {
	var tips []Index
	for i := Index(1); int(i) <= d.Len(); i++ {
		if b.weights[i] == b.work[i] {
			tips = append(tips, i)
		}
	}
	// build on the heaviest
	slices.SortFunc(tips, func(x, y Index) int { return int(b.pasts[y]) - int(b.pasts[x]) })
	for steps, most := 0, 2*d.Len(); len(tips) > 1; steps++ {
		if steps > most {
			t.Fatalf("%d tips are left after %d steps", len(tips), steps)
		}
		rest := tips[1:]
		rng.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		i := add(t, d, b, d.Choose(tips, count), 1)
		rest = slices.DeleteFunc(tips, func(x Index) bool { return b.past[i][x] })
		tips = append([]Index{i}, rest...)
	}
	check(t, d)
}

func TestHealMergesInSteps(t *testing.T) {
	const half = 100_000
	g := newGrower(t)
	root := g.add(1)
	a, b := newCrowd(root, 5), newCrowd(root, 5)
	for range half {
		a.made(g.d, g.add(1+g.rng.Uint64N(50), a.draw(g.rng)...))
		b.made(g.d, g.add(1+g.rng.Uint64N(50), b.draw(g.rng)...))
	}
	n := g.d.Len()
	steps := g.heal(append(a.all(), b.all()...)...)
	if steps < 90 || steps > 125 {
		t.Errorf("%d steps", steps)
	}
	if got := g.d.Past(Index(g.d.Len())); got != work(g.d)-1 {
		t.Errorf("past work %d of %d", got, work(g.d))
	}
	g.d.Truncate(n)

	// Both halves grow on, without a look at the other.
	goals := append(a.all(), b.all()...)
	merged := goals[0]
	for steps = 0; slices.ContainsFunc(goals, func(x Index) bool { return !g.d.Ancestor(x, merged) }); steps++ {
		for range 10 {
			a.made(g.d, g.add(1+g.rng.Uint64N(50), a.draw(g.rng)...))
			b.made(g.d, g.add(1+g.rng.Uint64N(50), b.draw(g.rng)...))
		}
		candidates := append(slices.Clone(a.tips), b.tips...)
		g.rng.Shuffle(len(candidates), func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		merged = g.add(1, g.d.Choose(append(candidates[:3], merged), 4)...)
		if steps > 200 {
			t.Fatal("no end")
		}
	}
	t.Log(steps, "steps while both grow")
}

func work(d *DAG) (sum uint64) {
	for i := Index(1); int(i) <= d.Len(); i++ {
		sum += d.recs.work(i)
	}
	return sum
}

// The first record of the branch brings 1,024 others, and so does not fit itself.
func TestChooseTakesAnotherLink(t *testing.T) {
	g := newGrower(t)
	root := g.add(1)
	heavy := g.add(10_000, root)
	side := root
	for range MaxMergeset {
		side = g.add(1, side)
	}
	first := g.add(1, side, heavy)
	branch := g.add(1, first)
	main := g.add(1, g.add(100_000, heavy))
	if got := g.d.Choose([]Index{branch, main}, 2); !slices.Equal(got, []Index{main, side}) {
		t.Fatalf("got %v, want %v", got, []Index{main, side})
	}
	merged := g.add(1, main, side)
	if got := g.d.Choose([]Index{branch, merged}, 2); !slices.Equal(got, []Index{merged, branch}) {
		t.Fatalf("got %v, want %v", got, []Index{merged, branch})
	}
}

func TestChooseNothing(t *testing.T) {
	d := New()
	if got := d.Choose([]Index{0, 1, 7}, 2); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	d.Add(nil, Placement{}, 1)
	if got := d.Choose([]Index{1, 1, 2}, 0); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if got := d.Choose([]Index{1, 1, 2}, 2); !slices.Equal(got, []Index{1}) {
		t.Errorf("got %v", got)
	}
}

// A record down a branch must fit beside every one of the heaviest, though it is found beside one
// of them.
func TestChooseStepsBesideEqualPasts(t *testing.T) {
	d, b := New(), newBrute()
	d.bound = 5
	root := add(t, d, b, nil, 1)
	many := root
	for range 3 {
		many = add(t, d, b, []Index{many}, 1)
	}
	many = add(t, d, b, []Index{many}, 1)
	few := add(t, d, b, []Index{add(t, d, b, []Index{root}, 3)}, 1)
	branch, light := root, []Index(nil)
	for range 4 {
		branch = add(t, d, b, []Index{branch}, 0)
		light = append(light, branch)
	}
	if chosen := d.Choose([]Index{many, few, branch}, 3); !slices.Equal(chosen, []Index{many, few, light[0]}) {
		t.Errorf("chosen %v of a branch %v beside %d and %d", chosen, light, many, few)
	}
	checkChoice(t, d, b, []Index{many, few, branch}, 3)
}
