package dag

import (
	"slices"
	"sort"
	"sync/atomic"
	"unsafe"
)

// A bundle holds the runs of a record that has very many, which somebody has to pay a record each
// for. They are in chunks, and each chunk remembers what its entries' subtrees weigh.
type bundle struct {
	chunks []*bundleChunk
}

type bundleChunk struct {
	list   []Index // never empty
	weighs atomic.Pointer[weighed]
}

// weighed is what a chunk's entries weighed when all from the first one's start to the last one's
// end weighed total. While that is so nothing has come in there, since work is at least 1. Truncate
// takes out, and so starts a new era.
type weighed struct{ entries, total, era uint64 }

const bundleFull = 128 // numbers in a chunk

func newBundle(list []Index) *bundle {
	return &bundle{chunks: []*bundleChunk{{list: slices.Clone(list)}}}
}

// insert puts a number into a chunk.
func (b *bundle) insert(chunk, at int, x Index) {
	c := b.chunks[chunk]
	c.list = slices.Insert(c.list, at, x)
}

// split halves a chunk that is full, between two runs.
func (b *bundle) split(chunk int) {
	c := b.chunks[chunk]
	if len(c.list) <= bundleFull {
		return
	}
	half := len(c.list) / 2
	if c.list[half] >= lastMark {
		half++
	}
	right := &bundleChunk{list: slices.Clone(c.list[half:])}
	c.list = c.list[:half]
	b.chunks = slices.Insert(b.chunks, chunk+1, right)
}

func (b *bundle) bytes() int {
	total := int(unsafe.Sizeof(*b)) + 8*cap(b.chunks)
	for _, c := range b.chunks {
		total += int(unsafe.Sizeof(*c)) + 4*cap(c.list) + int(unsafe.Sizeof(weighed{}))
	}
	return total
}

// chunkOf is the number of the last chunk that starts at p or before it, 0 if none does.
func (d *DAG) chunkOf(b *bundle, p *point) int {
	return max(0, sort.Search(len(b.chunks), func(i int) bool { return !d.opened(b.chunks[i].list[0], p) })-1)
}

func (d *DAG) addBundled(b *bundle, p *point, next Index) {
	chunk := d.chunkOf(b, p)
	at := d.placeAfter(b.chunks[chunk].list, p)
	// The run that follows may be the first of the next chunk.
	if at == len(b.chunks[chunk].list) && chunk+1 < len(b.chunks) && b.chunks[chunk+1].list[0] == next {
		chunk, at = chunk+1, 0
	}
	c := b.chunks[chunk]
	c.weighs.Store(nil)
	if at < len(c.list) && c.list[at] == next {
		if longRun(c.list, at) {
			c.list[at] = p.record
			return
		}
		c.list[at] |= lastMark
	}
	b.insert(chunk, at, p.record)
	b.split(chunk)
}

// removeBundled says whether the bundle is empty now.
func (d *DAG) removeBundled(b *bundle, p *point, next Index) bool {
	chunk := d.chunkOf(b, p)
	c := b.chunks[chunk]
	c.weighs.Store(nil)
	i := slices.Index(c.list, p.record)
	if !shortens(c.list, i, next) {
		return false
	}
	if c.list = slices.Delete(c.list, i, i+1); len(c.list) == 0 {
		b.chunks = slices.Delete(b.chunks, chunk, chunk+1)
	}
	return len(b.chunks) == 0
}

// bundleWork weighs a bundle: a sum for each chunk in which nothing has happened since it was asked
// the last time.
func (d *DAG) bundleWork(b *bundle) uint64 {
	total := uint64(0)
	for _, c := range b.chunks {
		all := d.tour.sum(opening(c.list[0]), closing(c.list[len(c.list)-1]&^lastMark))
		w := c.weighs.Load()
		if w == nil || w.total != all || w.era != d.era {
			w = &weighed{d.listWork(c.list), all, d.era}
			c.weighs.Store(w)
		}
		total += w.entries
	}
	return total
}
