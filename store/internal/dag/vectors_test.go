package dag

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The golden vectors of the format, which other implementations check themselves by too:
// protocol/testdata/README.md.
type graphVector struct {
	Name    string       `json:"name"`
	Records []graphEntry `json:"records"`
}

// graphEntry has the indices of other records of its graph, parents first, and what follows from
// them.
type graphEntry struct {
	ID       string `json:"id"`
	Links    []int  `json:"links"`
	Effort   uint32 `json:"effort"`
	PastWork uint64 `json:"pastWork"`
	Main     int    `json:"main"`
	Mergeset []int  `json:"mergeset"`
	Valid    bool   `json:"valid"`
	Weight   uint64 `json:"weight"`
}

func readGraphs(t *testing.T) (list []graphVector) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "protocol", "testdata", "graphs.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) == 0 {
		t.Fatal("no graphs")
	}
	return list
}

// digest is what IDs are ordered by. It ends the CID, whose text has another order.
func (e *graphEntry) digest(t *testing.T) []byte {
	t.Helper()
	lower := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	cid, err := lower.DecodeString(e.ID[1:])
	if err != nil || len(cid) != 36 {
		t.Fatalf("ID %s: %d bytes, %v", e.ID, len(cid), err)
	}
	return cid[4:]
}

// replay is a graph's records as they are added in some order; at has the index that each of the
// vector's got, 0 for none.
type replay struct {
	graphVector
	ids   [][]byte
	dag   *DAG
	at    []Index
	added []Record
}

func newReplay(t *testing.T, v graphVector) *replay {
	p := &replay{graphVector: v, dag: New(), at: make([]Index, len(v.Records))}
	for i := range v.Records {
		p.ids = append(p.ids, v.Records[i].digest(t))
	}
	return p
}

// indices are those that records got, in the order given.
func (p *replay) indices(t *testing.T, of []int) []Index {
	t.Helper()
	var list []Index
	for _, i := range of {
		if p.at[i] == 0 {
			t.Fatalf("record %d is not there", i)
		}
		list = append(list, p.at[i])
	}
	return list
}

// parents are what a record links, in the order of IDs, as links are.
func (p *replay) parents(t *testing.T, i int) []Index {
	t.Helper()
	links := slices.Clone(p.Records[i].Links)
	slices.SortFunc(links, func(a, b int) int { return bytes.Compare(p.ids[a], p.ids[b]) })
	return p.indices(t, links)
}

// add places a record, compares, and adds it where it is valid.
func (p *replay) add(t *testing.T, i int) {
	t.Helper()
	want := &p.Records[i]
	parents := p.parents(t, i)
	main := Index(0)
	if want.Main >= 0 {
		main = p.at[want.Main]
	}
	got, err := p.dag.Place(parents)
	if !want.Valid {
		var wide *WideError
		if !errors.As(err, &wide) || wide.Main != main {
			t.Fatalf("record %d, with a mergeset of %d: %v; want main %d", i, len(want.Mergeset), err, main)
		}
		return
	}
	mergeset := p.indices(t, want.Mergeset)
	slices.Sort(mergeset)
	if err != nil || got.Main != main || !slices.Equal(got.Mergeset, mergeset) {
		t.Fatalf("record %d: %+v, %v; want main %d and %v", i, got, err, main, mergeset)
	}
	p.at[i] = p.dag.Add(parents, got, uint64(want.Effort))
	p.added = append(p.added, Record{parents, uint64(want.Effort), got})
	if past := p.dag.Past(p.at[i]); past != want.PastWork {
		t.Fatalf("record %d: work of the past %d, want %d", i, past, want.PastWork)
	}
}

// compare compares what changes as records are added, when all are, in this graph or in one that
// was loaded.
func (p *replay) compare(t *testing.T, d *DAG) {
	t.Helper()
	check(t, d)
	for i, want := range p.Records {
		if !want.Valid {
			continue
		}
		if got := d.Weight(p.at[i]); got != want.Weight {
			t.Errorf("record %d: weight %d, want %d", i, got, want.Weight)
		}
		if got := d.Past(p.at[i]); got != want.PastWork {
			t.Errorf("record %d: work of the past %d, want %d", i, got, want.PastWork)
		}
	}
}

func (p *replay) load(t *testing.T) *DAG {
	t.Helper()
	d, err := Load(func(yield func(Record, error) bool) {
		for _, r := range p.added {
			if !yield(r, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// arrival is a random order with parents before children.
func (v *graphVector) arrival(rng *rand.Rand) (order []int) {
	here := make([]bool, len(v.Records))
	for len(order) < len(v.Records) {
		var ready []int
		for i := range v.Records {
			if !here[i] && !slices.ContainsFunc(v.Records[i].Links, func(l int) bool { return !here[l] }) {
				ready = append(ready, i)
			}
		}
		i := ready[rng.IntN(len(ready))]
		order, here[i] = append(order, i), true
	}
	return order
}

// What the vectors say holds in whatever order the records come, and when they are loaded.
func TestVectorsGraphs(t *testing.T) {
	refused := 0
	for _, v := range readGraphs(t) {
		t.Run(v.Name, func(t *testing.T) {
			for seed := range uint64(4) {
				p := newReplay(t, v)
				order := v.arrival(rand.New(rand.NewPCG(seed, 1)))
				if seed == 0 {
					slices.Sort(order) // as the vector has it
				}
				for _, i := range order {
					p.add(t, i)
				}
				p.compare(t, p.dag)
				p.compare(t, p.load(t))
			}
		})
		for _, r := range v.Records {
			if !r.Valid {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("no vector is over the bound")
	}
}
