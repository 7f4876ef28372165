package dag

import (
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
)

// brute is the graph as its definition has it: every record with the set of its past.
type brute struct {
	parents [][]Index
	work    []uint64
	past    []map[Index]bool
	weights []uint64
	pasts   []uint64
}

func newBrute() *brute {
	return &brute{make([][]Index, 1), make([]uint64, 1), make([]map[Index]bool, 1), make([]uint64, 1), make([]uint64, 1)}
}

func (b *brute) pastOf(parents []Index) map[Index]bool {
	past := map[Index]bool{}
	for _, p := range parents {
		past[p] = true
		for a := range b.past[p] {
			past[a] = true
		}
	}
	return past
}

func (b *brute) add(parents []Index, work uint64) Index {
	work = max(work, 1)
	b.parents, b.work, b.past = append(b.parents, parents), append(b.work, work), append(b.past, b.pastOf(parents))
	i := Index(len(b.work) - 1)
	sum := uint64(0)
	for a := range b.past[i] {
		sum += b.work[a]
		b.weights[a] += work
	}
	b.weights, b.pasts = append(b.weights, work), append(b.pasts, sum)
	return i
}

func (b *brute) truncate(n int) {
	for i := n + 1; i < len(b.work); i++ {
		for a := range b.past[i] {
			b.weights[a] -= b.work[i]
		}
	}
	b.parents, b.work, b.past = b.parents[:n+1], b.work[:n+1], b.past[:n+1]
	b.weights, b.pasts = b.weights[:n+1], b.pasts[:n+1]
}

// mergeset is what a record with these parents merges if its main parent is main.
func (b *brute) mergeset(parents []Index, main Index) []Index {
	var set []Index
	for a := range b.pastOf(parents) {
		if a != main && !b.past[main][a] {
			set = append(set, a)
		}
	}
	slices.Sort(set)
	return set
}

func (b *brute) place(parents []Index) Placement {
	if len(parents) == 0 {
		return Placement{}
	}
	main := parents[0]
	for _, p := range parents[1:] {
		if b.pasts[p] >= b.pasts[main] {
			main = p
		}
	}
	return Placement{main, b.mergeset(parents, main)}
}

// add places a record in both graphs, compares, and adds it.
func add(t testing.TB, d *DAG, b *brute, parents []Index, work uint64) Index {
	t.Helper()
	got, err := d.Place(parents)
	want := b.place(parents)
	if len(want.Mergeset) > d.bound {
		var wide *WideError
		if !errors.As(err, &wide) {
			t.Fatalf("a mergeset of %d: %v", len(want.Mergeset), err)
		}
		return 0
	}
	if err != nil || got.Main != want.Main || !slices.Equal(got.Mergeset, want.Mergeset) {
		t.Fatalf("Place(%v) = %v, %v; want %v", parents, got, err, want)
	}
	i := d.Add(parents, got, work)
	if j := b.add(parents, work); i != j {
		t.Fatalf("index %d, want %d", i, j)
	}
	return i
}

// compare compares all that one can ask.
func compare(t testing.TB, d *DAG, b *brute) {
	t.Helper()
	check(t, d)
	if d.Len() != len(b.work)-1 {
		t.Fatalf("Len %d, want %d", d.Len(), len(b.work)-1)
	}
	for _, n := range []int{d.Len(), d.Len() - 1, d.Len() * 9 / 10} {
		work := uint64(0)
		for i := 1; i <= n; i++ {
			work += b.work[i]
			want := b.work[i]
			for j := i + 1; j <= n; j++ {
				if b.past[j][Index(i)] {
					want += b.work[j]
				}
			}
			if got := d.WeightUpTo(Index(i), n); got != want {
				t.Fatalf("WeightUpTo(%d, %d) = %d, want %d", i, n, got, want)
			}
		}
		if got := d.WorkUpTo(n); got != work {
			t.Fatalf("WorkUpTo(%d) = %d, want %d", n, got, work)
		}
	}
	for i := Index(1); int(i) < len(b.work); i++ {
		if got, want := d.Weight(i), b.weights[i]; got != want {
			t.Fatalf("Weight(%d) = %d, want %d", i, got, want)
		}
		if got, want := d.Past(i), b.pasts[i]; got != want {
			t.Fatalf("Past(%d) = %d, want %d", i, got, want)
		}
		if got, want := d.Parents(i), b.parents[i]; !slices.Equal(got, want) {
			t.Fatalf("Parents(%d) = %v, want %v", i, got, want)
		}
		for j := Index(1); int(j) < len(b.work); j++ {
			if got, want := d.Ancestor(i, j), b.past[j][i]; got != want {
				t.Fatalf("Ancestor(%d, %d) = %v", i, j, got)
			}
		}
	}
}

// A shape draws the parents of record n+1, given n records before it.
type shape struct {
	name    string
	parents func(rng *rand.Rand, n int) []Index
}

var shapes = []shape{
	{"anywhere", func(rng *rand.Rand, n int) []Index { return draw(rng, n, n, 1+rng.IntN(4)) }},
	{"recent", func(rng *rand.Rand, n int) []Index { return draw(rng, n, 6, 2) }},
	{"wide", func(rng *rand.Rand, n int) []Index { return draw(rng, n, 30, 1+rng.IntN(3)) }},
	{"stale", func(rng *rand.Rand, n int) []Index {
		if rng.IntN(5) == 0 {
			return draw(rng, n, 60, 2)
		}
		return draw(rng, n, 4, 2)
	}},
	{"ancient", func(rng *rand.Rand, n int) []Index {
		p := draw(rng, n, 3, 1)
		return distinct(append(p, Index(1+rng.IntN(n))))
	}},
	{"partitions", func(rng *rand.Rand, n int) []Index {
		if n < 4 || n%60 == 59 {
			return draw(rng, n, 4, 2)
		}
		var p []Index // odd and even do not meet
		for range 2 {
			p = append(p, Index(max(1, n-1-2*rng.IntN(min(4, (n-1)/2+1)))))
		}
		return distinct(p)
	}},
	{"fan", func(rng *rand.Rand, n int) []Index {
		if n < 20 {
			return []Index{Index(max(1, n-1))}
		}
		return distinct([]Index{19, Index(20 - rng.IntN(3)), Index(1 + rng.IntN(n))})
	}},
	{"forest", func(rng *rand.Rand, n int) []Index {
		if rng.IntN(10) == 0 {
			return nil
		}
		return draw(rng, n, 20, 2)
	}},
}

func draw(rng *rand.Rand, n, window, count int) []Index {
	var p []Index
	for range count {
		p = append(p, Index(n-rng.IntN(min(n, window))))
	}
	return distinct(p)
}

func distinct(p []Index) []Index {
	var out []Index
	for _, x := range p {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}

// records are a graph's, as Load wants them.
func records(b *brute) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for i := 1; i < len(b.work); i++ {
			if !yield(Record{b.parents[i], b.work[i], b.place(b.parents[i])}, nil) {
				return
			}
		}
	}
}
