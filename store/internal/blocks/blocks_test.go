package blocks

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawNode(t *rapid.T) Node {
	n := Node{
		Sum:       rapid.Int64Range(-1<<23, 1<<23-1).Draw(t, "sum"),
		Timestamp: rapid.Int64Range(0, 1<<53).Draw(t, "timestamp"),
		Seen:      rapid.Int64().Draw(t, "seen"),
		Place:     rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "place"),
	}
	copy(n.ID[:], rapid.SliceOfN(rapid.Byte(), idSize, idSize).Draw(t, "ID"))
	return n
}

func sameNode(a, b Node) bool {
	return a.ID == b.ID && a.Sum == b.Sum && a.Timestamp == b.Timestamp && a.Seen == b.Seen && bytes.Equal(a.Place, b.Place)
}

// TestGraph: blocks give back what was appended and set, read again from their columns. So does a
// part of one.
func TestGraph(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Int64Range(1, 1<<31).Draw(t, "first")
		list := []*Graph{{First: first}}
		var model []Node
		for range rapid.IntRange(1, 150).Draw(t, "records") {
			n := drawNode(t)
			if !list[len(list)-1].Append(&n) {
				list = append(list, &Graph{First: first + int64(len(model))})
				list[len(list)-1].Append(&n)
			}
			model = append(model, n)
		}
		block := func(idx int64) int { return slices.IndexFunc(list, func(g *Graph) bool { return g.Has(idx) }) }
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			idx, n := first+rapid.Int64Range(0, int64(len(model)-1)).Draw(t, "idx"), drawNode(t)
			at := block(idx)
			list[at] = list[at].Set(idx, &n)
			model[idx-first] = n
		}
		for i := range list {
			list[i] = &Graph{First: list[i].First, IDs: list[i].IDs, Times: list[i].Times, Nodes: list[i].Nodes}
		}
		for i, want := range model {
			idx := first + int64(i)
			g := list[block(idx)]
			if got := g.Node(idx); !sameNode(got, want) {
				t.Fatalf("record %d: %+v, want %+v", idx, got, want)
			}
			from := int(idx - g.First)
			part := &Graph{First: g.First, From: from, IDs: g.IDs[from*IdentitySize : (from+1)*IdentitySize], Times: g.Times}
			id, sum := part.ID(idx)
			timestamp, seen := part.TimesOf(idx)
			if id != want.ID || sum != want.Sum || timestamp != want.Timestamp || seen != want.Seen || part.Has(idx+1) || part.Has(idx-1) {
				t.Fatalf("a part of record %d's block says something else", idx)
			}
		}
	})
}

// TestFull: blocks are filled, and no further.
func TestFull(t *testing.T) {
	t.Parallel()
	g, r := &Graph{First: 1}, &Records{First: 1}
	for i := int64(0); g.Append(&Node{Timestamp: i * 125, Seen: i * 8, Place: make([]byte, 9)}); i++ {
	}
	if size := len(g.IDs) + len(g.Times) + len(g.Nodes); size > Size || size < Size-60 || g.Len() < 80 {
		t.Errorf("a block of %d records has %d bytes", g.Len(), size)
	}
	for r.Append(make([]byte, 139), make([]byte, 52)) {
	}
	if size := len(r.Sizes) + len(r.Bytes); size > Size || size < Size-200 || r.Len() < 20 {
		t.Errorf("a block of %d records has %d bytes", r.Len(), size)
	}
	if large := (&Records{First: 1}); !large.Append(make([]byte, 100_000), nil) || large.Append(nil, nil) {
		t.Error("a large record is not alone in its block")
	}
}

// TestRecords is TestGraph for records.
func TestRecords(t *testing.T) {
	t.Parallel()
	type row struct{ header, value []byte }
	draw := func(t *rapid.T) row {
		r := row{header: rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "header")}
		if rapid.Bool().Draw(t, "has a value") {
			r.value = append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "value")...)
		}
		return r
	}
	rapid.Check(t, func(t *rapid.T) {
		r := &Records{First: rapid.Int64Range(1, 1<<31).Draw(t, "first")}
		var model []row
		for range rapid.IntRange(1, 30).Draw(t, "records") {
			if n := draw(t); r.Append(n.header, n.value) {
				model = append(model, n)
			}
		}
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			at, n := rapid.IntRange(0, len(model)+2).Draw(t, "at"), draw(t)
			r = r.Set(r.First+int64(at), n.header, n.value)
			for len(model) <= at {
				model = append(model, row{})
			}
			model[at] = n
		}
		r = &Records{First: r.First, Sizes: r.Sizes, Bytes: r.Bytes}
		if r.Len() != len(model) {
			t.Fatalf("%d records, want %d", r.Len(), len(model))
		}
		for i, want := range model {
			header, value := r.Row(r.First + int64(i))
			if !bytes.Equal(header, want.header) || !bytes.Equal(value, want.value) || (value == nil) != (want.value == nil) {
				t.Fatalf("record %d: %x %x, want %x %x", i, header, value, want.header, want.value)
			}
		}
	})
}

// FuzzBlocks reads columns as a disk may have left them.
func FuzzBlocks(f *testing.F) {
	g, r := &Graph{First: 5}, &Records{First: 5}
	for i := range 3 {
		g.Append(&Node{Timestamp: int64(i), Seen: int64(i), Place: []byte{1, 2, 3}})
		r.Append([]byte("header"), []byte("value"))
	}
	f.Add(g.IDs, g.Times, g.Nodes, r.Sizes, r.Bytes)
	f.Add([]byte{}, []byte{0x80}, []byte{0xff, 0xff}, []byte{3, 0, 0xff}, []byte("ab"))
	f.Fuzz(func(t *testing.T, ids, times, nodes, sizes, b []byte) {
		g := &Graph{First: 5, IDs: ids, Times: times, Nodes: nodes}
		for i := range int64(g.Len()) {
			n := g.Node(5 + i)
			if have := g.Set(5+i, &n).Node(5 + i); !sameNode(have, n) {
				t.Errorf("%+v became %+v", n, have)
			}
		}
		r := &Records{First: 5, Sizes: sizes, Bytes: b}
		for i := range int64(r.Len()) {
			header, value := r.Row(5 + i)
			if h, v := r.Set(5+i, header, value).Row(5 + i); !bytes.Equal(h, header) || !bytes.Equal(v, value) {
				t.Errorf("%x %x became %x %x", header, value, h, v)
			}
		}
	})
}
