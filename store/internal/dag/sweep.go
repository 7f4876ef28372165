package dag

import "math/bits"

// A sweep finds a mergeset among recent records without a look at the tour. It goes down the
// indices from the newest parent. It marks what is in main's past and what is only in the others',
// until nothing of the latter is left to look at. It has a window of indices. Apart from a mergeset
// it looks at a bounded number of records of main's past. What it does not get done is left to the
// walk.
type sweep struct {
	top    Index // the newest index in the window
	main   [sweepWords]uint64
	others [sweepWords]uint64
	open   int // others' records still to look at
}

const (
	sweepWords = 64
	sweepLen   = 64 * sweepWords
	// sweepFree records of main's past are looked at, and sweepShare more for each one found
	sweepFree  = 256
	sweepShare = 4
)

// all gathers the parents and their past from a fresh start, as add would one after the other.
func (w *walk) all(parents []Index) bool {
	s := &w.sweep
	*s = sweep{}
	for _, p := range parents {
		s.top = max(s.top, p)
	}
	w.stack = w.stack[:0]
	s.markMain(w.main)
	for _, p := range parents {
		w.other(p)
	}
	w.goDown()
	if len(w.found) > w.d.bound {
		w.found = w.found[:0]
		return false
	}
	if len(w.stack) == 0 {
		return true
	}
	for _, r := range w.found {
		*w.seen.of(r) = seenFound
	}
	return w.run()
}

func (s *sweep) markMain(r Index) {
	at := s.top - r
	if r == 0 || at >= sweepLen {
		return
	}
	word, bit := at/64, uint64(1)<<(at%64)
	if s.main[word]&bit == 0 {
		s.main[word] |= bit
		if s.others[word]&bit != 0 {
			s.open--
		}
	}
}

// other marks r as one in another parent's past, or leaves it to the walk.
func (w *walk) other(r Index) {
	s := &w.sweep
	at := s.top - r
	if at >= sweepLen {
		w.stack = append(w.stack, r)
		return
	}
	word, bit := at/64, uint64(1)<<(at%64)
	if (s.main[word]|s.others[word])&bit == 0 {
		s.open++
	}
	s.others[word] |= bit
}

// goDown looks at every record marked, the newest first: by then all that links it has been looked
// at.
func (w *walk) goDown() {
	s := &w.sweep
	left := sweepFree
	var parents [8]Index
	for word := range s.main {
		for done := uint64(0); s.open > 0; {
			todo := (s.main[word] | s.others[word]) &^ done
			if todo == 0 {
				break
			}
			bit := todo & -todo
			done |= bit
			r := s.top - Index(word*64+bits.TrailingZeros64(todo))
			if s.main[word]&bit != 0 {
				if left--; left < 0 {
					w.leave(word, done&^bit)
					return
				}
				for _, p := range w.d.appendParents(parents[:0], r) {
					s.markMain(p)
				}
				continue
			}
			s.open--
			left += sweepShare
			if w.found = append(w.found, r); len(w.found) > w.d.bound {
				return
			}
			for _, p := range w.d.appendParents(parents[:0], r) {
				w.other(p)
			}
		}
	}
}

// leave gives what is still to look at to the walk.
func (w *walk) leave(word int, done uint64) {
	s := &w.sweep
	for ; s.open > 0; word, done = word+1, 0 {
		for todo := s.others[word] &^ s.main[word] &^ done; todo != 0; todo &= todo - 1 {
			s.open--
			w.stack = append(w.stack, s.top-Index(word*64+bits.TrailingZeros64(todo)))
		}
	}
}
