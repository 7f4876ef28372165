package dag

import (
	"encoding/binary"
	"slices"
	"unsafe"

	"github.com/lf-store/lf/internal/mapped"
)

// A list of entries is kept as bytes. Each number is a signed varint: its distance from the one
// before, for the first from the record itself. A zero before it stands for lastMark. Most entries
// are near, so most numbers take a byte.
//
// Lists of up to 8 bytes are in the record itself, longer ones on a shelf, those of more than
// maxList bytes in a bundle.
const (
	maxList = 256
	bundled = 1<<16 - 1
)

// ownList is the list of a record, or in its first four bytes the address on the shelf or the
// number of the bundle.
type ownList [8]byte

func (o *ownList) number() uint32     { return binary.NativeEndian.Uint32(o[:]) }
func (o *ownList) setNumber(n uint32) { binary.NativeEndian.PutUint32(o[:], n) }

// listRoom is room for the numbers of a list that is not bundled.
type listRoom [maxList]Index

// writeRoom is what a change of a list needs. Only the goroutine that changes the graph uses it.
type writeRoom struct {
	numbers listRoom
	ends    [maxList]uint16 // where each number's bytes end
	changed [64]byte
}

// shelfWord is the unit of addresses on the shelf.
type shelfWord [4]byte

// sizes are how many words the lists of each class have room for. Those of class 0 are in the
// record.
var sizes = [...]uint16{0, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64}

// classOf is the class of a list by the number of its bytes.
var classOf = func() (of [maxList + 1]uint8) {
	class := uint8(0)
	for n := range of {
		if n > len(ownList{}) && n > 4*int(sizes[class]) {
			class++
		}
		of[n] = class
	}
	return of
}()

type entryLists struct {
	shelf   mapped.Arena[shelfWord]
	free    [len(sizes)][]uint32 // addresses of lists given back
	bundles []*bundle
	unused  []uint32 // numbers in bundles
	room    *writeRoom
}

// bytes is the list of a record as it is kept. Its capacity is the room that there is.
func (e *entryLists) bytes(r *record) []byte {
	class := classOf[r.entries]
	if class == 0 {
		return r.own[:r.entries]
	}
	words := e.shelf.List(r.own.number(), int(sizes[class]))
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))[:r.entries]
}

// list returns the numbers of a record's list, which is not bundled, in the room given.
func (e *entryLists) list(i Index, r *record, room *listRoom) []Index {
	return readList(e.bytes(r), i, room, nil)
}

// listToChange is list for the goroutine that changes the graph.
func (e *entryLists) listToChange(i Index, r *record) []Index {
	if e.room == nil {
		e.room = new(writeRoom)
	}
	return readList(e.bytes(r), i, &e.room.numbers, &e.room.ends)
}

// readList reads what appendList wrote. It notes where each number ends, unless ends is nil.
func readList(b []byte, i Index, room *listRoom, ends *[maxList]uint16) []Index {
	n, mark := 0, Index(0)
	for at := 0; at < len(b); {
		v, size := readShort(b, at)
		if at += size; size == 0 {
			long, size := binary.Uvarint(b[at:])
			v, at = uint32(long), at+max(1, size)
		}
		if v == 0 {
			mark = lastMark
			continue
		}
		i += v>>1 ^ -(v & 1)
		room[n] = i | mark
		if ends != nil {
			ends[n] = uint16(at)
		}
		n, mark = n+1, 0
	}
	return room[:n]
}

// readShort reads a varint of one or two bytes, without a branch on which of the two. For others
// the size is 0.
func readShort(b []byte, at int) (v uint32, size int) {
	if at+1 >= len(b) {
		return uint32(b[at]), 1 - int(b[at]>>7)
	}
	low, high := uint32(b[at]), uint32(b[at+1])
	long := low >> 7
	if long&(high>>7) != 0 {
		return 0, 0
	}
	return low&0x7f | high<<7&-long, int(1 + long)
}

// appendList writes a list of a record as it is kept.
func appendList(b []byte, i Index, list []Index) []byte {
	for _, x := range list {
		if x >= lastMark {
			b, x = append(b, 0), x&^lastMark
		}
		d := int32(x - i)
		b, i = binary.AppendUvarint(b, uint64(uint32(d<<1^d>>31))), x
	}
	return b
}

// splice puts numbers in place of count others in the list of a record, which is in e.room. What
// is too long becomes a bundle.
func (e *entryLists) splice(i Index, r *record, list []Index, at, count int, with ...Index) {
	old, from, tail := e.bytes(r), 0, int(r.entries)
	prev := i
	if at > 0 {
		from, prev = int(e.room.ends[at-1]), list[at-1]&^lastMark
	}
	b := appendList(e.room.changed[:0], prev, with)
	if after := at + count; after < len(list) { // its distance is another one
		if len(with) > 0 {
			prev = with[len(with)-1] &^ lastMark
		}
		b, tail = appendList(b, prev, list[after:after+1]), int(e.room.ends[after])
	}
	size := from + len(b) + len(old) - tail
	if size > maxList {
		list = slices.Concat(list[:at], with, list[at+count:])
		e.release(r)
		e.bundle(r, newBundle(list))
		return
	}
	if classOf[size] == classOf[r.entries] {
		all := old[:max(size, len(old)):cap(old)]
		copy(all[from+len(b):size], old[tail:])
		copy(all[from:], b)
		r.entries = uint16(size)
		return
	}
	var room [maxList]byte
	e.set(r, append(append(append(room[:0], old[:from]...), b...), old[tail:]...))
}

// set gives a record a list of another class.
func (e *entryLists) set(r *record, b []byte) {
	e.release(r)
	if class := classOf[len(b)]; class > 0 {
		r.own.setNumber(e.take(class))
	}
	r.entries = uint16(len(b))
	copy(e.bytes(r), b)
}

// release gives back a record's place on the shelf, if it has one.
func (e *entryLists) release(r *record) {
	if class := classOf[r.entries]; class > 0 {
		e.free[class] = append(e.free[class], r.own.number())
	}
}

func (e *entryLists) take(class uint8) uint32 {
	if last := len(e.free[class]) - 1; last >= 0 {
		at := e.free[class][last]
		e.free[class] = e.free[class][:last]
		return at
	}
	return e.shelf.Take(int(sizes[class]))
}

// bundle gives a record a bundle in place of a list.
func (e *entryLists) bundle(r *record, b *bundle) {
	number := uint32(len(e.bundles))
	if last := len(e.unused) - 1; last >= 0 {
		number, e.unused = e.unused[last], e.unused[:last]
		e.bundles[number] = b
	} else {
		e.bundles = append(e.bundles, b)
	}
	r.entries = bundled
	r.own.setNumber(number)
}

// drop takes an empty bundle back.
func (e *entryLists) drop(r *record) {
	number := r.own.number()
	e.bundles[number] = nil
	e.unused = append(e.unused, number)
	r.entries, r.own = 0, ownList{}
}

// bundleOf is the bundle of a record that has one.
func (e *entryLists) bundleOf(r *record) *bundle { return e.bundles[r.own.number()] }

func (e *entryLists) memory() int {
	total := e.shelf.Bytes() + 8*cap(e.bundles) + 4*cap(e.unused)
	for _, f := range e.free {
		total += 4 * cap(f)
	}
	for _, b := range e.bundles {
		if b != nil {
			total += b.bytes()
		}
	}
	return total
}
