package pulse

import (
	"github.com/lf-store/lf/internal/heap"
	"github.com/lf-store/lf/protocol"
)

// room bounds how many claims a book has. Where it is full, claims whose record paid more stay.
// Those that needed no work come last, and of them each owner has the same share.
type room struct {
	size int
	paid *heap.Heap[*entry] // the least effort first
	free map[protocol.Owner]*share
	// shares has those of free, the largest first.
	shares *heap.Heap[*share]
	count  int
}

// share is what one owner has of the claims that needed no work.
type share struct {
	owner   protocol.Owner
	entries map[*entry]bool
	place   int
}

func newRoom(size int) room {
	return room{
		size: size, free: map[protocol.Owner]*share{},
		paid:   heap.New(func(a, b *entry) bool { return a.Effort < b.Effort }, func(e *entry, at int) { e.place = at }),
		shares: heap.New(func(a, b *share) bool { return len(a.entries) > len(b.entries) }, func(s *share, at int) { s.place = at }),
	}
}

// makeRoom makes room for one more claim, if that is worth more than one that is there. That one is
// dropped.
func (r *room) makeRoom(f *Facts, drop func(*entry)) bool {
	switch {
	case r.count < r.size:
		return true
	case r.shares.Len() > 0:
		largest := r.shares.First()
		if f.Effort == 0 && len(largest.entries) <= r.shareOf(f.Owner)+1 {
			return false
		}
		for e := range largest.entries {
			drop(e)
			break
		}
		return true
	case r.paid.Len() > 0 && r.paid.First().Effort < f.Effort:
		drop(r.paid.First())
		return true
	}
	return false
}

func (r *room) shareOf(o protocol.Owner) int {
	if s := r.free[o]; s != nil {
		return len(s.entries)
	}
	return 0
}

func (r *room) enter(e *entry) {
	r.count++
	if e.Effort > 0 {
		r.paid.Push(e)
		return
	}
	s := r.free[e.Owner]
	if s == nil {
		s = &share{owner: e.Owner, entries: map[*entry]bool{}}
		r.free[e.Owner] = s
	} else {
		r.shares.Remove(s.place)
	}
	s.entries[e] = true
	r.shares.Push(s)
}

func (r *room) leave(e *entry) {
	r.count--
	if e.Effort > 0 {
		r.paid.Remove(e.place)
		return
	}
	s := r.free[e.Owner]
	r.shares.Remove(s.place)
	if delete(s.entries, e); len(s.entries) == 0 {
		delete(r.free, e.Owner)
		return
	}
	r.shares.Push(s)
}
