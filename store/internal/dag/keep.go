package dag

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"slices"

	"github.com/lf-store/lf/internal/mapped"
)

// kept is what a graph remembers beside the pieces of its file.
type kept struct {
	Records, Parents, Blocks, Inners, Lists mapped.Kept
	FreeBlocks, FreeInners                  []uint32
	FreeLists                               [][]uint32
	Bundles                                 [][][]Index // nil: unused
	Large                                   map[Index]uint64
}

// Layout says how a graph lies in a file. Another layout cannot be read.
func Layout() string {
	return "graph 2 " + mapped.LayoutOf[record]() + mapped.LayoutOf[block]() + mapped.LayoutOf[inner]() + mapped.LayoutOf[Index]() + mapped.LayoutOf[shelfWord]()
}

// Keep returns what Restore needs apart from the file. Nothing may be added meanwhile.
func (d *DAG) Keep() []byte {
	d.mu.RLock()
	defer d.mu.RUnlock()
	k := kept{
		Records: d.recs.Keep(), Parents: d.parents.Keep(), Blocks: d.tour.blocks.Keep(), Inners: d.tour.inners.Keep(), Lists: d.entries.shelf.Keep(),
		FreeBlocks: d.tour.free.blocks, FreeInners: d.tour.free.inners, FreeLists: d.entries.free[:],
		Large: d.recs.large,
	}
	for _, b := range d.entries.bundles {
		chunks := [][]Index{}
		if b != nil {
			for _, c := range b.chunks {
				chunks = append(chunks, c.list)
			}
		}
		k.Bundles = append(k.Bundles, chunks)
	}
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(k); err != nil {
		panic(err) // a buffer takes all, and kept has only what gob knows
	}
	return out.Bytes()
}

// Restore makes the graph of a file, of which Keep returned the rest.
func Restore(f *mapped.File, rest []byte) (*DAG, error) {
	var k kept
	if err := gob.NewDecoder(bytes.NewReader(rest)).Decode(&k); err != nil {
		return nil, fmt.Errorf("the graph's file: %w", err)
	}
	d := &DAG{bound: MaxMergeset}
	if len(k.FreeLists) != len(d.entries.free) || k.Records.Len == 0 {
		return nil, fmt.Errorf("the graph's file has lists of %d sizes, want %d", len(k.FreeLists), len(d.entries.free))
	}
	var errs [5]error
	d.recs.Arena, errs[0] = mapped.Restore[record](f, k.Records)
	d.parents, errs[1] = mapped.Restore[Index](f, k.Parents)
	d.tour.blocks, errs[2] = mapped.Restore[block](f, k.Blocks)
	d.tour.inners, errs[3] = mapped.Restore[inner](f, k.Inners)
	d.entries.shelf, errs[4] = mapped.Restore[shelfWord](f, k.Lists)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	d.tour.recs, d.recs.large = &d.recs, k.Large
	d.tour.free.blocks, d.tour.free.inners = k.FreeBlocks, k.FreeInners
	copy(d.entries.free[:], k.FreeLists)
	for n, chunks := range k.Bundles {
		d.entries.bundles = append(d.entries.bundles, bundleOf(chunks))
		if len(chunks) == 0 {
			d.entries.unused = append(d.entries.unused, uint32(n))
		}
	}
	return d, nil
}

// bundleOf makes a bundle of its chunks; nil where there are none.
func bundleOf(chunks [][]Index) *bundle {
	if len(chunks) == 0 {
		return nil
	}
	b := new(bundle)
	for _, list := range chunks {
		b.chunks = append(b.chunks, &bundleChunk{list: slices.Clip(list)})
	}
	return b
}
