package dag

import (
	"slices"

	"github.com/lf-store/lf/internal/mapped"
)

// record is kept small: there is one for each record on the network. It takes 48 bytes.
type record struct {
	past        uint64
	work        uint32 // see recordArena.work
	main, jump  Index  // jump: a record further down the main chain, see DAG.plant
	depth       uint32
	open, close uint32  // the blocks of the tour that its brackets are in
	others      Index   // the parent that is not main, or the address of a list of them
	own         ownList // its entries, or where they are
	entries     uint16  // bytes of the list of its entries, or bundled
	links       uint8   // how many parents
	mainAt      uint8   // which of them is main
}

// recordArena holds the records by their indices. Nearly all works are small. Large has the others.
type recordArena struct {
	mapped.Arena[record]
	large map[Index]uint64
}

// largeWork in a record stands for a work of at least as much.
const largeWork = 1<<32 - 1

func (r *recordArena) work(i Index) uint64 {
	if w := r.At(i).work; w != largeWork {
		return uint64(w)
	}
	return r.large[i]
}

func (r *recordArena) setWork(i Index, work uint64) {
	r.At(i).work = uint32(min(work, largeWork))
	if work < largeWork {
		return
	}
	if r.large == nil {
		r.large = map[Index]uint64{}
	}
	r.large[i] = work
}

// setParents notes a record's parents, in the order of its links. Only lists of three and more take
// room of their own.
func (d *DAG) setParents(r *record, parents []Index, main Index) {
	r.main, r.links = main, uint8(len(parents))
	if len(parents) == 0 {
		return
	}
	at := slices.Index(parents, main)
	r.mainAt = uint8(at)
	if len(parents) == 2 {
		r.others = parents[1-at]
	}
	if len(parents) <= 2 {
		return
	}
	r.others = d.parents.Take(len(parents) - 1)
	list := d.parents.List(r.others, len(parents)-1)
	copy(list[copy(list, parents[:at]):], parents[at+1:])
}

// appendParents appends a record's parents, in the order of its links.
func (d *DAG) appendParents(to []Index, i Index) []Index {
	r := d.recs.At(i)
	switch {
	case r.links == 0:
		return to
	case r.links == 1:
		return append(to, r.main)
	case r.links == 2 && r.mainAt == 0:
		return append(to, r.main, r.others)
	case r.links == 2:
		return append(to, r.others, r.main)
	}
	others := d.parents.List(r.others, int(r.links)-1)
	to = append(to, others[:r.mainAt]...)
	to = append(to, r.main)
	return append(to, others[r.mainAt:]...)
}

func (d *DAG) parentsOf(i Index) []Index { return d.appendParents(nil, i) }
