package mapped

import (
	"fmt"
	"slices"
	"sync/atomic"
	"unsafe"
)

// An Arena holds values of one type, which has no pointers, in chunks of equal size. They are
// addressed by number. Growing copies nothing, and there is no header for each value. The zero
// Arena is on the heap.
type Arena[T any] struct {
	file   *File
	chunks []unsafe.Pointer // nil: to be compared with its hash first
	pieces []uint32         // of the file, one for each chunk
	n      uint32           // values in use, of those in the chunks
}

// In makes an empty arena in a file; nil: on the heap.
func In[T any](f *File) Arena[T] { return Arena[T]{file: f} }

// LayoutOf says how values of a type lie in pieces: a part of [Config.Layout].
func LayoutOf[T any]() string {
	var zero T
	return fmt.Sprintf("%d×%d", unsafe.Sizeof(zero), 1<<chunkBits[T]())
}

// chunkBits is the logarithm of the number of values in a chunk: the least with 48 KiB or more. The
// compiler makes it a constant of each type.
func chunkBits[T any]() uint32 {
	var zero T
	switch size := unsafe.Sizeof(zero); {
	case size <= 4:
		return 14
	case size <= 8:
		return 13
	case size <= 16:
		return 12
	case size <= 32:
		return 11
	case size <= 64:
		return 10
	case size <= 128:
		return 9
	case size <= 288:
		return 8
	case size <= 576:
		return 7
	default:
		return 4
	}
}

// Len is how many values are in use.
func (a *Arena[T]) Len() uint32 { return a.n }

// At is a value in use. It panics where the file is broken; see [File.Guard].
func (a *Arena[T]) At(i uint32) *T {
	bits := chunkBits[T]()
	c := atomic.LoadPointer(&a.chunks[i>>bits])
	if c == nil {
		c = a.touch(i >> bits)
	}
	var zero T
	return (*T)(unsafe.Add(c, uintptr(i&(1<<bits-1))*unsafe.Sizeof(zero)))
}

func (a *Arena[T]) touch(chunk uint32) unsafe.Pointer {
	c := unsafe.Pointer(unsafe.SliceData(a.file.piece(a.pieces[chunk])))
	atomic.StorePointer(&a.chunks[chunk], c)
	return c
}

// Push makes room for one value, zero, and returns its number.
func (a *Arena[T]) Push() uint32 {
	if int(a.n>>chunkBits[T]()) == len(a.chunks) {
		a.grow()
	}
	var zero T
	a.n++
	*a.At(a.n - 1) = zero
	return a.n - 1
}

// grow adds a chunk. Where the file cannot grow it panics with a [*BrokenError]: its owner goes on
// without it.
func (a *Arena[T]) grow() {
	if a.file == nil {
		a.chunks = append(a.chunks, unsafe.Pointer(unsafe.SliceData(make([]T, 1<<chunkBits[T]()))))
		return
	}
	var zero T
	piece, mem, err := a.file.grow(int(unsafe.Sizeof(zero)) << chunkBits[T]())
	if err != nil {
		panic(a.file.broken("%v", err))
	}
	a.pieces = append(a.pieces, piece)
	a.chunks = append(a.chunks, unsafe.Pointer(unsafe.SliceData(mem)))
}

// Cut keeps the first n values. Their chunks stay, for those to come.
func (a *Arena[T]) Cut(n uint32) { a.n = n }

// Take makes room for n values in one piece, at most [Arena.MaxList], and returns the number of the
// first. What was there before is still there.
func (a *Arena[T]) Take(n int) uint32 {
	size := uint32(1) << chunkBits[T]()
	if left := size - a.n&(size-1); int(left) < n {
		a.n += left
	}
	for int((a.n+uint32(n)+size-1)>>chunkBits[T]()) > len(a.chunks) {
		a.grow()
	}
	a.n += uint32(n)
	return a.n - uint32(n)
}

// MaxList is how many values Take has room for.
func (a *Arena[T]) MaxList() int { return 1 << chunkBits[T]() }

// List is the n values from a number on that Take returned.
func (a *Arena[T]) List(from uint32, n int) []T {
	if n == 0 {
		return nil
	}
	return unsafe.Slice(a.At(from), n)
}

// Bytes is the memory that the chunks take, in the file or on the heap.
func (a *Arena[T]) Bytes() int {
	var zero T
	return len(a.chunks)*(int(unsafe.Sizeof(zero))<<chunkBits[T]()) + 8*cap(a.chunks) + 4*cap(a.pieces)
}

// Kept is what a checkpoint remembers of an arena.
type Kept struct {
	Len    uint32
	Pieces []uint32
}

// Keep returns what to remember.
func (a *Arena[T]) Keep() Kept { return Kept{a.n, a.pieces} }

// Restore makes the arena that was kept, in a file.
func Restore[T any](f *File, k Kept) (Arena[T], error) {
	a := Arena[T]{file: f, n: k.Len, pieces: slices.Clone(k.Pieces), chunks: make([]unsafe.Pointer, len(k.Pieces))}
	var zero T
	for _, n := range k.Pieces {
		if int(n) >= len(f.pieces) || int(f.pieces[n].Size) < int(unsafe.Sizeof(zero))<<chunkBits[T]() {
			return a, f.broken("its arenas are not its pieces")
		}
	}
	if int64(k.Len) > int64(len(k.Pieces))<<chunkBits[T]() {
		return a, f.broken("it has fewer pieces than its arenas need")
	}
	return a, nil
}
