package dag

import "unsafe"

// An arena holds values of one type in chunks of equal size, addressed by number. Growing copies
// nothing, and there is no header for each value.
type arena[T any] struct {
	chunks []*[chunkLen]T
	n      uint32 // values in use, of those in the chunks
}

const (
	chunkBits = 10
	chunkLen  = 1 << chunkBits
)

func (a *arena[T]) at(i uint32) *T { return &a.chunks[i>>chunkBits][i&(chunkLen-1)] }

// push makes room for one value, zero, and returns its number.
func (a *arena[T]) push() uint32 {
	if int(a.n>>chunkBits) == len(a.chunks) {
		a.chunks = append(a.chunks, new([chunkLen]T))
	}
	var zero T
	*a.at(a.n) = zero
	a.n++
	return a.n - 1
}

// cut keeps the first n values.
func (a *arena[T]) cut(n uint32) {
	a.n = n
	used := int((n + chunkLen - 1) >> chunkBits)
	clear(a.chunks[used:])
	a.chunks = a.chunks[:used]
}

func (a *arena[T]) bytes() int {
	return len(a.chunks)*int(unsafe.Sizeof([chunkLen]T{})) + 8*cap(a.chunks)
}

// A shelf holds short lists, each in one piece, at an address.
type shelf[T any] struct {
	chunks []*[shelfLen]T
	n      uint32
}

const (
	shelfBits = 12
	shelfLen  = 1 << shelfBits
)

// take makes room for n values, at most shelfLen, and returns their address. What was there before
// is still there.
func (s *shelf[T]) take(n int) uint32 {
	if left := shelfLen - s.n&(shelfLen-1); int(left) < n {
		s.n += left
	}
	for int((s.n+uint32(n)+shelfLen-1)>>shelfBits) > len(s.chunks) {
		s.chunks = append(s.chunks, new([shelfLen]T))
	}
	s.n += uint32(n)
	return s.n - uint32(n)
}

// list is the n values at an address.
func (s *shelf[T]) list(at uint32, n int) []T {
	if n == 0 {
		return nil
	}
	from := at & (shelfLen - 1)
	return s.chunks[at>>shelfBits][from : from+uint32(n)]
}

func (s *shelf[T]) bytes() int {
	return len(s.chunks)*int(unsafe.Sizeof([shelfLen]T{})) + 8*cap(s.chunks)
}
