package simulation

import (
	"math"
	"math/rand/v2"
	"time"
)

// topology says which node dials which.
type topology struct {
	nodes int
	dials [][]int
}

func edges(nodes int, of func(connect func(a, b int))) topology {
	t := topology{nodes: nodes, dials: make([][]int, nodes)}
	known := make(map[[2]int]bool)
	of(func(a, b int) {
		if a != b && !known[[2]int{a, b}] {
			known[[2]int{a, b}], known[[2]int{b, a}] = true, true
			t.dials[a] = append(t.dials[a], b)
		}
	})
	return t
}

// random connects each node with degree others, on average, and all with each other: a ring, and
// the rest by chance.
func random(nodes, degree int, seed uint64) topology {
	luck := rand.New(rand.NewPCG(seed, uint64(nodes)))
	return edges(nodes, func(connect func(a, b int)) {
		for a := range nodes {
			connect(a, (a+1)%nodes)
			for range degree/2 - 1 {
				connect(a, luck.IntN(nodes))
			}
		}
	})
}

// full connects all with all.
func full(nodes int) topology {
	return edges(nodes, func(connect func(a, b int)) {
		for a := range nodes {
			for b := range a {
				connect(a, b)
			}
		}
	})
}

// line connects each node with the next.
func line(nodes int) topology {
	return edges(nodes, func(connect func(a, b int)) {
		for a := range nodes - 1 {
			connect(a, a+1)
		}
	})
}

// star connects all with the first and none else.
func star(nodes int) topology {
	return edges(nodes, func(connect func(a, b int)) {
		for a := range nodes - 1 {
			connect(a+1, 0)
		}
	})
}

// latencies are made of a seed: what a datagram takes from one node to another.
type latencies func(seed uint64) func(a, b int) time.Duration

// scattered puts the nodes on a plane, so that two take a base and their distance, up to base +
// span.
func scattered(base, span time.Duration) latencies {
	return func(seed uint64) func(a, b int) time.Duration {
		place := func(i int) (x, y float64) {
			luck := rand.New(rand.NewPCG(seed, uint64(i)))
			return luck.Float64(), luck.Float64()
		}
		return func(a, b int) time.Duration {
			ax, ay := place(a)
			bx, by := place(b)
			return base + time.Duration(float64(span)*math.Hypot(ax-bx, ay-by)/math.Sqrt2)
		}
	}
}

// halves cuts a network in two: the first n nodes and the rest.
func halves(n int) func(a, b int) bool {
	return func(a, b int) bool { return (a < n) != (b < n) }
}
