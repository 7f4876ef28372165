package dag

import "sync"

// A walk gathers what is in the past of some records and not in that of main.
type walk struct {
	d     *DAG
	main  Index
	point point
	seen  seen
	found []Index
	stack []Index
	sweep sweep
}

var walks = sync.Pool{New: func() any { return &walk{seen: newSeen()} }}

// walkFrom starts a walk, which end gives back.
func (d *DAG) walkFrom(main Index) *walk {
	w := walks.Get().(*walk)
	w.d, w.main = d, main
	d.tour.locate(&w.point, main)
	return w
}

func (w *walk) end() {
	w.d = nil
	w.found = w.found[:0]
	w.seen.clear()
	walks.Put(w)
}

// within says whether r is main or in its past.
func (w *walk) within(r Index) bool {
	if !w.d.before(r, w.main) {
		return r == w.main
	}
	return w.d.passes(r, &w.point)
}

// covered says whether r is found already or within main.
func (w *walk) covered(r Index) bool { return *w.seen.of(r) == seenFound || w.within(r) }

// add gathers r and its past. Where that makes more than the bound, it adds nothing and says so.
func (w *walk) add(r Index) bool {
	w.stack = append(w.stack[:0], r)
	return w.run()
}

// run gathers what is on the stack, as add does.
func (w *walk) run() bool {
	mark := len(w.found)
	for len(w.stack) > 0 {
		a := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		state := w.seen.of(a)
		if *state != seenNot {
			continue
		}
		if w.within(a) {
			*state = seenWithin
			continue
		}
		*state = seenFound
		if w.found = append(w.found, a); len(w.found) > w.d.bound {
			w.rewind(mark)
			return false
		}
		w.stack = w.d.appendParents(w.stack, a)
	}
	return true
}

// rewind forgets what was found after the first mark records.
func (w *walk) rewind(mark int) {
	for _, r := range w.found[mark:] {
		*w.seen.of(r) = seenNot
	}
	w.found = w.found[:mark]
}

// seen is a small hash table of what a walk has looked at.
type seen struct {
	keys   []Index // 0: free
	states []uint8
	used   []uint32 // slots
	bits   uint
}

const (
	seenNot uint8 = iota
	seenWithin
	seenFound
)

func newSeen() seen {
	s := seen{bits: 8}
	s.keys, s.states = make([]Index, 1<<s.bits), make([]uint8, 1<<s.bits)
	return s
}

// of is what is known of r, to read and to change until the next call.
func (s *seen) of(r Index) *uint8 {
	slot := s.slot(r)
	if s.keys[slot] == 0 {
		if 2*len(s.used) >= len(s.keys) {
			s.widen()
			slot = s.slot(r)
		}
		s.keys[slot] = r
		s.used = append(s.used, slot)
	}
	return &s.states[slot]
}

// slot is where r is or belongs. Indices are dense, so a multiplication spreads them well, and
// nobody chooses ours.
func (s *seen) slot(r Index) uint32 {
	slot := r * 0x9E3779B1 >> (32 - s.bits)
	for s.keys[slot] != r && s.keys[slot] != 0 {
		slot = (slot + 1) & (1<<s.bits - 1)
	}
	return slot
}

func (s *seen) widen() {
	old := *s
	s.bits++
	s.keys, s.states, s.used = make([]Index, 1<<s.bits), make([]uint8, 1<<s.bits), s.used[:0:0]
	for _, o := range old.used {
		slot := s.slot(old.keys[o])
		s.keys[slot], s.states[slot] = old.keys[o], old.states[o]
		s.used = append(s.used, slot)
	}
}

func (s *seen) clear() {
	for _, slot := range s.used {
		s.keys[slot], s.states[slot] = 0, 0
	}
	s.used = s.used[:0]
}
