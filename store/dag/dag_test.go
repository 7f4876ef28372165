package dag

import (
	"math/rand/v2"
	"slices"
	"testing"
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

// Whatever the candidates, the chosen fit, whichever of the heaviest becomes the main parent.
func TestChooseAlwaysFits(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(9, 1))
			d, b := New(), newBrute()
			add(t, d, b, nil, 1)
			for n := 1; n < 200; n++ {
				add(t, d, b, s.parents(rng, n), rng.Uint64N(3))
				candidates, count := draw(rng, n, 50, 6), 1+rng.IntN(4)
				checkChoice(t, d, b, candidates, count, d.Choose(candidates, count))
			}
		})
	}
}

func checkChoice(t *testing.T, d *DAG, b *brute, candidates []Index, count int, chosen []Index) {
	t.Helper()
	if len(chosen) == 0 || len(chosen) > count || len(distinct(chosen)) != len(chosen) {
		t.Fatalf("Choose(%v, %d) = %v", candidates, count, chosen)
	}
	most := uint64(0)
	for _, c := range chosen {
		most = max(most, d.Past(c))
	}
	for _, c := range chosen {
		if d.Past(c) == most && len(b.mergeset(chosen, c)) > MaxMergeset {
			t.Fatalf("Choose(%v, %d) = %v: too wide beside %d", candidates, count, chosen, c)
		}
	}
}
