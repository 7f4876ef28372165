package dag

import (
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// A scenario grows a graph of about n records.
type scenario struct {
	name string
	most int // records; more take many minutes
	grow func(g *grower, n int)
}

var large = flag.Bool("large", false, "benchmarks of graphs that take many minutes")

var scenarios = []scenario{
	{"steady5", 1_000_000, func(g *grower, n int) { g.steady(n, 5, 0) }},
	{"steady50", 1_000_000, func(g *grower, n int) { g.steady(n, 50, 0) }},
	{"steady300", 10_000, func(g *grower, n int) { g.steady(n, 300, 0) }},
	{"stale", 1_000_000, func(g *grower, n int) { g.steady(n, 5, 5) }},
	{"partitions", 1_000_000, (*grower).partitions},
	{"private", 1_000_000, (*grower).private},
	{"ancient", 1_000_000, (*grower).ancient},
	{"caterpillar", 1_000_000, (*grower).caterpillar},
	{"fan", 100_000, func(g *grower, n int) { g.fan(n, 0) }},
	{"fanAdvancing", 100_000, func(g *grower, n int) { g.fan(n, 1) }},
	{"fanBehind", 10_000, func(g *grower, n int) { g.fan(n, 2) }},
}

type grower struct {
	tb   testing.TB
	d    *DAG
	rng  *rand.Rand
	recs []Record
	keep bool // for Load
	n    int
}

func (g *grower) add(work uint64, parents ...Index) Index {
	parents = distinct(parents)
	p, err := g.d.Place(parents)
	if err != nil {
		g.tb.Fatal(err)
	}
	i := g.d.Add(parents, p, work)
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

// all are the tips that nobody in the crowd has linked, and those it has not seen yet.
func (c *crowd) all() []Index { return append(slices.Clone(c.tips), c.hidden...) }

// steady: this number in flight; of stale > 0 every stale-th links what was there 60 records
// before.
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
		tips = append([]Index{i}, tips...)
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
	g.heal(append(a.all(), b.all()...)...)
}

func (g *grower) private(n int) {
	root := g.add(1)
	honest, private := newCrowd(root, 5), root
	for i := 1; i < n; i += 2 {
		honest.made(g.d, g.add(1+g.rng.Uint64N(100), honest.draw(g.rng)...))
		private = g.add(1, private)
	}
	g.heal(append(honest.all(), private)...)
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

// fan: siblings that all merge the same side chain. With advance 1 the main chain goes on after
// each, with 2 before each, so that their main parents differ.
func (g *grower) fan(n, advance int) {
	root := g.add(1)
	side, main := root, root
	for range MaxMergeset {
		side = g.add(1, side)
		main = g.add(2, main)
	}
	for g.n < n {
		on := main
		if advance == 2 {
			main = g.add(1, main)
		}
		g.add(1, on, side)
		if advance == 1 {
			main = g.add(1, main)
		}
	}
}

func newGrower(tb testing.TB) *grower {
	return &grower{tb: tb, d: New(), rng: rand.New(rand.NewPCG(1, 2))}
}

// BenchmarkGrow grows each graph once to know it and then again, for the time. All times are those
// of the processor for this thread: what else the machine does is not in them.
func BenchmarkGrow(b *testing.B) {
	for _, s := range scenarios {
		for _, n := range []int{10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", s.name, n), func(b *testing.B) {
				if n > s.most && !*large {
					b.Skip("takes many minutes: -large")
				}
				for b.Loop() {
					g := newGrower(b)
					s.grow(g, n)
					parents, works := make([][]Index, g.n), make([]uint64, g.n)
					for i := range parents {
						parents[i], works[i] = g.d.parentsOf(Index(i+1)), g.d.recs.work(Index(i+1))
					}
					g.d = New()
					runtime.GC()
					spent := cpuTime(func() {
						for i := range parents {
							p, _ := g.d.Place(parents[i])
							g.d.Add(parents[i], p, works[i])
						}
					})
					report(b, g, spent)
				}
			})
		}
	}
}

// cpuTime is what this thread works for f.
func cpuTime(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(1, &u) // RUSAGE_THREAD
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := now()
	f()
	return now() - start
}

func report(b *testing.B, g *grower, spent time.Duration) {
	d, n := g.d, g.d.Len()
	entries := 0
	for i := 1; i <= n; i++ {
		entries += int(d.recs.At(Index(i)).entries)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/record")
	b.ReportMetric(float64(d.Bytes())/float64(n), "B/record")
	b.ReportMetric(float64(entries)/float64(n), "entries/record")
	b.ReportMetric(perCall(g, 100_000, func(i, _ Index) { d.Weight(i) }), "ns/Weight")
	b.ReportMetric(perCall(g, 100_000, func(i, j Index) { d.Ancestor(min(i, j), max(i, j)) }), "ns/Ancestor")
}

func perCall(g *grower, calls int, f func(i, j Index)) float64 {
	n := 0
	spent := cpuTime(func() {
		for start := time.Now(); n < calls && time.Since(start) < 2*time.Second; n += 64 {
			for range 64 {
				f(Index(1+g.rng.IntN(g.n)), Index(1+g.rng.IntN(g.n)))
			}
		}
	})
	return float64(spent.Nanoseconds()) / float64(n)
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
					spent := cpuTime(func() { d, _ = Load(stream(g.recs)) })
					b.ReportMetric(float64(spent.Nanoseconds())/float64(n), "ns/record")
				}
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
