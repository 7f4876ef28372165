package dag

import (
	"slices"
	"sort"
	"sync/atomic"
	"unsafe"
)

// A bundle holds the runs of a record that has very many, which somebody has to pay a record each for. They are in
// chunks, and each chunk remembers what its entries' subtrees weigh.
type bundle struct {
	chunks []*bundleChunk
}

type bundleChunk struct {
	runs   []run // never empty
	weighs atomic.Pointer[weighed]
}

// weighed is what a chunk's entries weighed when all from the first one's start to the last one's end weighed total. While
// that is so nothing has come in there, since work is at least 1. Truncate takes out, and so starts a new era.
type weighed struct{ entries, total, era uint64 }

const (
	bundleFull = 128
	bundleFill = 64
)

func newBundle(runs []run) *bundle {
	b := &bundle{}
	for piece := range slices.Chunk(runs, bundleFill) {
		b.chunks = append(b.chunks, &bundleChunk{runs: slices.Clone(piece)})
	}
	return b
}

// insert puts a run into a chunk. The place behind the last run of the last chunk may be given as the start of the next.
func (b *bundle) insert(chunk, at int, x run) {
	if chunk == len(b.chunks) {
		chunk--
		at = len(b.chunks[chunk].runs)
	}
	c := b.chunks[chunk]
	c.weighs.Store(nil)
	c.runs = slices.Insert(c.runs, at, x)
	if len(c.runs) < bundleFull {
		return
	}
	right := &bundleChunk{runs: slices.Clone(c.runs[bundleFill:])}
	c.runs = c.runs[:bundleFill]
	b.chunks = slices.Insert(b.chunks, chunk+1, right)
}

func (b *bundle) bytes() int {
	total := int(unsafe.Sizeof(*b)) + 8*cap(b.chunks)
	for _, c := range b.chunks {
		total += int(unsafe.Sizeof(*c)) + int(unsafe.Sizeof(run{}))*cap(c.runs) + int(unsafe.Sizeof(weighed{}))
	}
	return total
}

// chunkOf is the number of the last chunk that starts at p or before it, 0 if none does.
func (d *DAG) chunkOf(b *bundle, p *point) int {
	return max(0, sort.Search(len(b.chunks), func(i int) bool { return !d.opened(b.chunks[i].runs[0].first, p) })-1)
}

func (d *DAG) chunkAt(b *bundle, p *point) []run { return b.chunks[d.chunkOf(b, p)].runs }

func (d *DAG) addBundled(b *bundle, p *point, next Index) {
	chunk := d.chunkOf(b, p)
	runs := b.chunks[chunk].runs
	at := d.behind(runs, p)
	// The run that follows may be the first of the next chunk.
	joins := b.chunks[chunk]
	i := at
	if at == len(runs) && chunk+1 < len(b.chunks) {
		joins, i = b.chunks[chunk+1], 0
	}
	if next != 0 && i < len(joins.runs) && joins.runs[i].first == next {
		joins.runs[i].first = p.record
		joins.weighs.Store(nil)
		return
	}
	b.insert(chunk, at, run{p.record, p.record})
}

// removeBundled says whether the bundle is empty now.
func (d *DAG) removeBundled(b *bundle, p *point, next Index) bool {
	chunk := d.chunkOf(b, p)
	c := b.chunks[chunk]
	c.weighs.Store(nil)
	at := d.behind(c.runs, p) - 1
	if c.runs[at].last != p.record {
		c.runs[at].first = next
		return false
	}
	if c.runs = slices.Delete(c.runs, at, at+1); len(c.runs) == 0 {
		b.chunks = slices.Delete(b.chunks, chunk, chunk+1)
	}
	return len(b.chunks) == 0
}

// bundleWork weighs a bundle: a sum for each chunk in which nothing has happened since it was asked the last time.
func (d *DAG) bundleWork(b *bundle) uint64 {
	total := uint64(0)
	for _, c := range b.chunks {
		all := d.tour.sum(opening(c.runs[0].first), closing(c.runs[len(c.runs)-1].last))
		w := c.weighs.Load()
		if w == nil || w.total != all || w.era != d.era {
			w = &weighed{d.runsWork(c.runs), all, d.era}
			c.weighs.Store(w)
		}
		total += w.entries
	}
	return total
}
