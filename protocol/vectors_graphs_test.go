package protocol_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// graphVector is a graph of records, parents first, and what SPEC.md makes of it.
type graphVector struct {
	Name    string      `json:"name"`
	Records []graphNode `json:"records"`
}

// graphNode is one record: what it has, then what follows. Links, main and mergeset are indices of
// records; main is −1 where there are no links. A record that is not valid is part of no other's
// past, and weighs nothing on others.
type graphNode struct {
	ID       protocol.ID `json:"id"`
	Links    []int       `json:"links"`
	Effort   uint32      `json:"effort"`
	PastWork uint64      `json:"pastWork"`
	Main     int         `json:"main"`
	Mergeset []int       `json:"mergeset"`
	Valid    bool        `json:"valid"`
	Weight   uint64      `json:"weight"`
}

func (n *graphNode) work() uint64 { return max(1, uint64(n.Effort)) }

// graphMaker draws graphs and works them out by brute force.
type graphMaker struct {
	nodes []graphNode
	past  []map[int]bool
}

func (m *graphMaker) add(effort uint32, links ...int) int {
	i := len(m.nodes)
	links = slices.Compact(slices.Sorted(slices.Values(links)))
	n := graphNode{ID: sha256.Sum256(fmt.Appendf(nil, "lf test record %d", i)), Links: links, Effort: effort, Main: -1, Mergeset: []int{}, Valid: true}
	if n.Links == nil {
		n.Links = []int{}
	}
	past := map[int]bool{}
	for _, l := range links {
		past[l] = true
		for p := range m.past[l] {
			past[p] = true
		}
	}
	for p := range past {
		n.PastWork += m.nodes[p].work()
	}
	for _, l := range links {
		if n.Main < 0 || m.nodes[l].PastWork > m.nodes[n.Main].PastWork ||
			m.nodes[l].PastWork == m.nodes[n.Main].PastWork && m.nodes[l].ID.Compare(m.nodes[n.Main].ID) > 0 {
			n.Main = l
		}
	}
	for p := range past {
		if p != n.Main && !m.past[n.Main][p] {
			n.Mergeset = append(n.Mergeset, p)
		}
	}
	slices.Sort(n.Mergeset)
	n.Valid = len(n.Mergeset) <= 1024
	m.nodes, m.past = append(m.nodes, n), append(m.past, past)
	return i
}

func (m *graphMaker) finish(name string) graphVector {
	for i := range m.nodes {
		m.nodes[i].Weight = m.nodes[i].work()
	}
	for i, past := range m.past {
		for p := range past {
			if m.nodes[i].Valid {
				m.nodes[p].Weight += m.nodes[i].work()
			}
		}
	}
	return graphVector{name, m.nodes}
}

func makeGraphs() []graphVector {
	var list []graphVector
	graph := func(name string, make func(m *graphMaker)) {
		m := &graphMaker{}
		m.add(0)
		m.add(0, 0)
		make(m)
		list = append(list, m.finish(name))
	}
	graph("a chain", func(m *graphMaker) {
		for i := range uint32(6) {
			m.add(i, len(m.nodes)-1, len(m.nodes)-2)
		}
	})
	graph("siblings and a merge", func(m *graphMaker) {
		a, b, c := m.add(5, 0, 1), m.add(7, 0, 1), m.add(0, 0, 1)
		m.add(3, a, b, c)
	})
	graph("two sides, the heavier is main", func(m *graphMaker) {
		light, heavy := m.add(1, 0, 1), m.add(100, 0, 1)
		for range 3 {
			light = m.add(1, light, 1)
		}
		heavy = m.add(1, heavy, 1)
		m.add(1, light, heavy)
	})
	graph("links to the past of another link", func(m *graphMaker) {
		a := m.add(2, 0, 1)
		b := m.add(2, a, 1)
		m.add(2, a, b)
		m.add(2, 0, b)
	})
	graph("the largest efforts", func(m *graphMaker) {
		a, b := m.add(1<<32-1, 0, 1), m.add(1<<32-1, 0, 1)
		m.add(1<<32-1, a, b)
	})
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 4 {
		graph(fmt.Sprintf("random %d", round), func(m *graphMaker) {
			for range 60 {
				links := make([]int, 2+random.IntN(3))
				for i := range links {
					links[i] = max(0, len(m.nodes)-1-random.IntN(4+8*round))
				}
				m.add(uint32(random.IntN(20)), links...)
			}
		})
	}
	graph("a mergeset of 1024 and one of 1025", func(m *graphMaker) {
		heavy := m.add(1_000_000, 0, 1)
		heavy = m.add(1, heavy, 1)
		side := 1
		for range protocol.MaxMergeset {
			side = m.add(0, 0, side)
		}
		longer := m.add(0, 0, side)
		m.add(0, side, heavy)
		m.add(0, longer, heavy)
	})
	return list
}

// TestVectorsGraphs writes one graph a line: they are long.
func TestVectorsGraphs(t *testing.T) {
	t.Parallel()
	var made bytes.Buffer
	for i, g := range makeGraphs() {
		raw, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		made.WriteString(map[bool]string{true: "[\n", false: ",\n"}[i == 0])
		made.Write(raw)
		for _, n := range g.Records {
			if err := protocol.CheckMergeset(len(n.Mergeset)); (err == nil) != n.Valid || err != nil && ruleOf(err) != protocol.RuleMergeset {
				t.Errorf("%s: a mergeset of %d: %v", g.Name, len(n.Mergeset), err)
			}
		}
	}
	made.WriteString("\n]\n")
	path := filepath.Join("testdata", "graphs.json")
	if *update {
		if err := os.WriteFile(path, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(path); err != nil || !bytes.Equal(kept, made.Bytes()) {
		t.Errorf("testdata/graphs.json is not what the generator makes: go test ./protocol -run Vectors -update (%v)", err)
	}
}
