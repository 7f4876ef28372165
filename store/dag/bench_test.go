package dag

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

// A scenario grows a graph of about n records.
type scenario struct {
	name string
	grow func(g *grower, n int)
}

var scenarios = []scenario{
	{"steady5", func(g *grower, n int) { g.steady(n, 5, 0) }},
	{"steady50", func(g *grower, n int) { g.steady(n, 50, 0) }},
	{"steady300", func(g *grower, n int) { g.steady(n, 300, 0) }},
	{"stale", func(g *grower, n int) { g.steady(n, 5, 5) }},
	{"partitions", (*grower).partitions},
	{"private", (*grower).private},
	{"ancient", (*grower).ancient},
	{"caterpillar", (*grower).caterpillar},
	{"fan", func(g *grower, n int) { g.fan(n, false) }},
	{"fanAdvancing", func(g *grower, n int) { g.fan(n, true) }},
}

type grower struct {
	tb   testing.TB
	d    *DAG
	rng  *rand.Rand
	recs []Record
	keep bool // for Load
	// What places and adds cost.
	spent time.Duration
	n     int
}

func (g *grower) add(work uint64, parents ...Index) Index {
	parents = distinct(parents)
	start := time.Now()
	p, err := g.d.Place(parents)
	if err != nil {
		g.tb.Fatal(err)
	}
	i := g.d.Add(parents, p, work)
	g.spent += time.Since(start)
	g.n++
	if g.keep {
		g.recs = append(g.recs, Record{slices.Clone(parents), work, p})
	}
	return i
}

// crowd is a set of writers who see each record some records late and link tips at random.
type crowd struct {
	late   int
	hidden []Index // made, not yet seen
	tips   []Index
	where  map[Index]int
}

func newCrowd(first Index, late int) *crowd {
	return &crowd{late: late, tips: []Index{first}, where: map[Index]int{first: 0}}
}

func (c *crowd) draw(rng *rand.Rand) []Index {
	a, b := rng.IntN(len(c.tips)), rng.IntN(len(c.tips))
	return []Index{c.tips[a], c.tips[b]}
}

func (c *crowd) made(d *DAG, i Index) {
	c.hidden = append(c.hidden, i)
	if len(c.hidden) < c.late {
		return
	}
	i, c.hidden = c.hidden[0], c.hidden[1:]
	for _, p := range d.parentsOf(i) {
		if at, ok := c.where[p]; ok {
			last := c.tips[len(c.tips)-1]
			c.tips[at], c.where[last] = last, at
			c.tips = c.tips[:len(c.tips)-1]
			delete(c.where, p)
		}
	}
	c.where[i] = len(c.tips)
	c.tips = append(c.tips, i)
}

// steady: so many in flight; of stale > 0 every stale-th links what was there 60 records before.
func (g *grower) steady(n, flight, stale int) {
	c := newCrowd(g.add(1), flight)
	for i := 1; i < n; i++ {
		parents := c.draw(g.rng)
		if stale > 0 && i%stale == 0 && i > 100 {
			parents = []Index{Index(i - 50 - g.rng.IntN(10)), Index(i - 50 - g.rng.IntN(10))}
		}
		c.made(g.d, g.add(1+g.rng.Uint64N(100), parents...))
	}
}

// heal merges what is there by Choose.
func (g *grower) heal(tips ...Index) int {
	steps := 0
	for len(tips) > 1 {
		links := g.d.Choose(tips, 2)
		i := g.add(1, links...)
		tips = slices.DeleteFunc(tips, func(t Index) bool { return g.d.Ancestor(t, i) })
		tips = append(tips, i)
		steps++
	}
	return steps
}

func (g *grower) partitions(n int) {
	root := g.add(1)
	a, b := newCrowd(root, 5), newCrowd(root, 5)
	for i := 1; i < n; i += 2 {
		a.made(g.d, g.add(1+g.rng.Uint64N(100), a.draw(g.rng)...))
		b.made(g.d, g.add(1+g.rng.Uint64N(100), b.draw(g.rng)...))
	}
	g.heal(append(slices.Clone(a.tips), b.tips...)...)
}

func (g *grower) private(n int) {
	root := g.add(1)
	honest, private := newCrowd(root, 5), root
	for i := 1; i < n; i += 2 {
		honest.made(g.d, g.add(1+g.rng.Uint64N(100), honest.draw(g.rng)...))
		private = g.add(1, private)
	}
	g.heal(append(slices.Clone(honest.tips), private)...)
}

func (g *grower) ancient(n int) {
	c := newCrowd(g.add(1), 5)
	for i := 1; i < n; i++ {
		c.made(g.d, g.add(1+g.rng.Uint64N(100), append(c.draw(g.rng), Index(1+g.rng.IntN(i)))...))
	}
}

func (g *grower) caterpillar(n int) {
	root := g.add(1)
	a, b := g.add(1, root), g.add(1, root)
	for i := 3; i < n; i += 2 {
		links := []Index{a, b} // equally heavy: the last is the main parent
		if i%4 < 2 {
			links = []Index{b, a}
		}
		a, b = g.add(1, links...), g.add(1, links...)
	}
}

func (g *grower) fan(n int, advancing bool) {
	root := g.add(1)
	side, main := root, root
	for range MaxMergeset {
		side = g.add(1, side)
		main = g.add(2, main)
	}
	for i := 2 * MaxMergeset; i < n; i++ {
		g.add(1, main, side)
		if advancing {
			main = g.add(1, main)
			i++
		}
	}
}

func newGrower(tb testing.TB) *grower {
	return &grower{tb: tb, d: New(), rng: rand.New(rand.NewPCG(1, 2))}
}

func BenchmarkGrow(b *testing.B) {
	for _, s := range scenarios {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				for b.Loop() {
					g := newGrower(b)
					s.grow(g, n)
					report(b, g)
				}
			})
		}
	}
}

func report(b *testing.B, g *grower) {
	d, n := g.d, g.d.Len()
	entries := 0
	for i := 1; i <= n; i++ {
		entries += int(d.recs.at(Index(i)).entries)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(g.spent.Nanoseconds())/float64(g.n), "ns/record")
	b.ReportMetric(float64(d.Bytes())/float64(n), "B/record")
	b.ReportMetric(float64(entries)/float64(n), "runs/record")
	b.ReportMetric(perCall(g, 100_000, func(i, _ Index) { d.Weight(i) }), "ns/Weight")
	b.ReportMetric(perCall(g, 100_000, func(i, j Index) { d.Ancestor(min(i, j), max(i, j)) }), "ns/Ancestor")
}

func perCall(g *grower, calls int, f func(i, j Index)) float64 {
	start, n := time.Now(), 0
	for n < calls && time.Since(start) < time.Second {
		for range 64 {
			f(Index(1+g.rng.IntN(g.n)), Index(1+g.rng.IntN(g.n)))
		}
		n += 64
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

func BenchmarkLoad(b *testing.B) {
	for _, s := range scenarios[:4] {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				g := newGrower(b)
				g.keep = true
				s.grow(g, n)
				runtime.GC()
				var d *DAG
				for b.Loop() {
					d, _ = Load(stream(g.recs))
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
				b.ReportMetric(float64(d.Bytes())/float64(n), "B/record")
			})
		}
	}
}

func stream(recs []Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range recs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// BenchmarkClock is the time that the machine takes to look at the clock twice: it is in the figures above.
func BenchmarkClock(b *testing.B) {
	for b.Loop() {
		start := time.Now()
		_ = time.Since(start)
	}
}
