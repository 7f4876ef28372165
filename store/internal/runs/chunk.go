package runs

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Entry leads from the beginning of a hash to a number above 0.
type Entry struct {
	Key    uint64
	Number uint32
}

// A chunk begins with a checksum, where the next chunk begins (8 bytes, 0 for none), and the least
// number it may have. Then come the size of a number in bytes, and how many bits of a key are left
// out. Its entries follow by their keys. Each is the distance of its key from the one before as a
// varint, and how far its number is above the least.

const (
	// chunkSize is the greatest size of a chunk: with its row it fills a page of 4,096 bytes.
	chunkSize   = 4048
	chunkHeader = 4 + 8 + 4 + 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errChunk = errors.New("a chunk of an index is not what was written")

// chunkWriter makes one chunk after the other of sorted entries.
type chunkWriter struct {
	base  uint32
	width int
	shift uint
	run   *Run
	put   func(place int64, chunk []byte) error

	buf   []byte
	first uint64 // where the chunk begins
	last  uint64 // the last entry's key
	any   bool   // there are entries in the chunk
}

// newChunkWriter writes chunks of a run, of keys whose lowest bits are 0.
func newChunkWriter(r *Run, shift uint, put func(place int64, chunk []byte) error) *chunkWriter {
	w := &chunkWriter{base: r.First, width: widthOf(r.Last - r.First), shift: shift, run: r, put: put}
	w.reset(0)
	return w
}

// widthOf returns how many bytes a number up to n takes.
func widthOf(n uint32) int {
	width := 1
	for ; n > 0xff; n >>= 8 {
		width++
	}
	return width
}

func (w *chunkWriter) reset(first uint64) {
	w.buf = append(w.buf[:0], make([]byte, chunkHeader)...)
	binary.LittleEndian.PutUint32(w.buf[12:], w.base)
	w.buf[16], w.buf[17] = byte(w.width), byte(w.shift)
	w.first, w.last, w.any = first, first, false
}

// add adds an entry, whose key is no less than the last one's. Keys that share their first 48 bits
// are never parted.
func (w *chunkWriter) add(e Entry) error {
	if w.any && len(w.buf) > chunkSize-binary.MaxVarintLen64-w.width && w.last>>placeShift != e.Key>>placeShift {
		next := e.Key >> placeShift << placeShift
		if err := w.flush(next); err != nil {
			return err
		}
		w.reset(next)
	}
	w.buf = binary.AppendUvarint(w.buf, (e.Key-w.last)>>w.shift)
	n := e.Number - w.base
	for range w.width {
		w.buf = append(w.buf, byte(n))
		n >>= 8
	}
	w.last, w.any = e.Key, true
	return nil
}

// flush writes the chunk, which ends before a key; 0: it is the last one.
func (w *chunkWriter) flush(next uint64) error {
	binary.LittleEndian.PutUint64(w.buf[4:], next)
	place := w.run.place(w.first)
	seal(place, w.buf)
	return w.put(place, w.buf)
}

// seal writes the checksum of what follows it, and of where that is.
func seal(place int64, b []byte) { binary.LittleEndian.PutUint32(b, checksum(place, b)) }

// isSound reports whether something is what was sealed at a place.
func isSound(place int64, b []byte) bool {
	return len(b) >= 4 && binary.LittleEndian.Uint32(b) == checksum(place, b)
}

func checksum(place int64, b []byte) uint32 {
	at := binary.LittleEndian.AppendUint64(nil, uint64(place))
	return crc32.Update(crc32.Checksum(at, castagnoli), castagnoli, b[4:])
}

// chunkReader reads the entries of a chunk in their order.
type chunkReader struct {
	rest  []byte
	base  uint32
	width int
	shift uint
	key   uint64
	next  uint64 // where the next chunk begins, 0 for none
}

// readChunk begins to read the chunk at a place. An error says that it is damaged.
func readChunk(place int64, b []byte) (r chunkReader, err error) {
	if len(b) < chunkHeader || !isSound(place, b) {
		return r, errChunk
	}
	first := keyAt(place)
	r = chunkReader{rest: b[chunkHeader:], base: binary.LittleEndian.Uint32(b[12:]), width: int(b[16]), shift: uint(b[17]), key: first, next: binary.LittleEndian.Uint64(b[4:])}
	if r.width < 1 || r.width > 4 || r.shift > placeShift || r.next != 0 && r.next <= first {
		return r, errChunk
	}
	return r, nil
}

// entry returns the next entry; more is false after the last.
func (r *chunkReader) entry() (e Entry, more bool, err error) {
	if len(r.rest) == 0 {
		return e, false, nil
	}
	d, n := binary.Uvarint(r.rest)
	if n <= 0 || len(r.rest) < n+r.width {
		return e, false, errChunk
	}
	number := uint32(0)
	for i := r.width - 1; i >= 0; i-- {
		number = number<<8 | uint32(r.rest[n+i])
	}
	r.rest, r.key = r.rest[n+r.width:], r.key+d<<r.shift
	return Entry{r.key, r.base + number}, true, nil
}

// find calls yield with the numbers of a key until it returns false.
func (r *chunkReader) find(key uint64, yield func(number uint32) bool) error {
	for {
		e, more, err := r.entry()
		if err != nil || !more || e.Key > key {
			return err
		}
		if e.Key == key && !yield(e.Number) {
			return nil
		}
	}
}
