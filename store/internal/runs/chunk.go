package runs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A chunk begins with a checksum and the size of a record's number in bytes. Its rows follow in
// their order. Each begins with a byte: how many bytes it has in common with the one before, and
// how many follow, in four bits each. Where they are too few, the byte is escaped, and two varints
// follow. Then come the bytes, without the tail. Of that there is how far the number is above the
// least one of the run.

const (
	// chunkSize is the size of a chunk, with few exceptions: with its row it fills a page of 4,096
	// bytes.
	chunkSize   = 4048
	chunkHeader = 4 + 1
	// nibble is what half a byte has room for; escaped is the first byte of a row that needs more.
	nibble  = 15
	escaped = nibble << 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errChunk = errors.New("a chunk of an index is not what was written")

// chunkWriter makes one chunk after the other of sorted rows.
type chunkWriter struct {
	tail  Tail
	run   *Run
	width int
	put   func(n int, chunk []byte) error

	buf    []byte
	last   []byte // the last row
	chunks int
	fences fences
	rows   int
}

func newChunkWriter(r *Run, tail Tail, put func(n int, chunk []byte) error) *chunkWriter {
	return &chunkWriter{tail: tail, run: r, width: widthOf(r.Last - r.First), put: put}
}

// widthOf returns how many bytes a number up to n takes.
func widthOf(n uint32) int {
	width := 1
	for ; n > 0xff; n >>= 8 {
		width++
	}
	return width
}

// add adds a row, which is after the last one.
func (w *chunkWriter) add(row []byte) error {
	size := len(w.buf)
	if size > 0 {
		w.appendRow(w.last, row)
		if len(w.buf) > chunkSize {
			w.buf = w.buf[:size]
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	if len(w.buf) == 0 {
		w.fences.add(separator(w.last, row))
		w.buf = append(w.buf, 0, 0, 0, 0, byte(w.width))
		w.appendRow(nil, row)
	}
	w.last = append(w.last[:0], row...)
	w.rows++
	return nil
}

// separator returns the shortest beginning of a row that is after the one before; nil: the row is
// the first.
func separator(before, row []byte) []byte {
	if before == nil {
		return nil
	}
	return row[:min(common(before, row)+1, len(row))]
}

func common(a, b []byte) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func (w *chunkWriter) appendRow(before, row []byte) {
	body, number := w.tail.split(row)
	if before != nil {
		before, _ = w.tail.split(before)
	}
	shared := common(before, body)
	rest := body[shared:]
	if shared < nibble && len(rest) <= nibble {
		w.buf = append(w.buf, byte(shared<<4|len(rest)))
	} else {
		w.buf = append(w.buf, escaped)
		w.buf = binary.AppendUvarint(w.buf, uint64(shared))
		w.buf = binary.AppendUvarint(w.buf, uint64(len(rest)))
	}
	w.buf = append(w.buf, rest...)
	if w.tail == Bytes {
		return
	}
	n := number - w.run.First
	for range w.width {
		w.buf = append(w.buf, byte(n))
		n >>= 8
	}
}

// flush writes the chunk, if there is one.
func (w *chunkWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	seal(w.run.place(w.chunks), w.buf)
	err := w.put(w.chunks, w.buf)
	w.chunks++
	w.buf = w.buf[:0]
	return err
}

// seal writes the checksum of what follows it, and of where that is.
func seal(place int64, b []byte) { binary.LittleEndian.PutUint32(b, checksum(place, b)) }

// isSound reports whether something is what was sealed at a place.
func isSound(place int64, b []byte) bool {
	return len(b) >= 4 && binary.LittleEndian.Uint32(b) == checksum(place, b)
}

func checksum(place int64, b []byte) uint32 {
	var at [8]byte
	binary.LittleEndian.PutUint64(at[:], uint64(place))
	return crc32.Update(crc32.Checksum(at[:], castagnoli), castagnoli, b[4:])
}

// chunkReader reads the rows of a chunk in their order.
type chunkReader struct {
	rest  []byte
	tail  Tail
	first uint32
	width int
	row   []byte
	body  int // how many bytes of row are not its tail
}

// readChunk begins to read a chunk of a run. An error says that it is damaged.
func readChunk(r *Run, n int, tail Tail, b []byte) (c chunkReader, err error) {
	if len(b) < chunkHeader || !isSound(r.place(n), b) || b[4] < 1 || b[4] > tailSize {
		return c, errChunk
	}
	return chunkReader{rest: b[chunkHeader:], tail: tail, first: r.First, width: int(b[4])}, nil
}

// parse returns what the next row has in common with the one before, and how many bytes follow.
func (c *chunkReader) parse() (shared, size int, err error) {
	head := c.rest[0]
	shared, size, c.rest = int(head>>4), int(head&nibble), c.rest[1:]
	if head == escaped {
		a, n := binary.Uvarint(c.rest)
		b, m := binary.Uvarint(c.rest[max(n, 0):])
		if n <= 0 || m <= 0 || a > chunkSize || b > uint64(len(c.rest)) {
			return 0, 0, errChunk
		}
		shared, size, c.rest = int(a), int(b), c.rest[n+m:]
	}
	tail := 0
	if c.tail != Bytes {
		tail = c.width
	}
	if shared > c.body || len(c.rest) < size+tail {
		return 0, 0, errChunk
	}
	return shared, size, nil
}

// take makes the row that was parsed.
func (c *chunkReader) take(shared, size int) {
	c.row = append(c.row[:shared], c.rest[:size]...)
	c.body, c.rest = len(c.row), c.rest[size:]
	if c.tail == Bytes {
		return
	}
	number := uint32(0)
	for i := c.width - 1; i >= 0; i-- {
		number = number<<8 | uint32(c.rest[i])
	}
	c.rest = c.rest[c.width:]
	c.row = c.tail.AppendNumber(c.row, c.first+number)
}

// next goes to the next row; more is false after the last.
func (c *chunkReader) next() (more bool, err error) {
	if len(c.rest) == 0 {
		return false, nil
	}
	shared, size, err := c.parse()
	if err != nil {
		return false, err
	}
	c.take(shared, size)
	return true, nil
}

// seek goes to the first row that is not before another one. It is called before next. Most rows
// are passed over without a comparison. If a row has more in common with its predecessor than that
// has with the wanted row, it is before that too.
func (c *chunkReader) seek(row []byte) (more bool, err error) {
	for alike := 0; len(c.rest) > 0; {
		shared, size, err := c.parse()
		if err != nil {
			return false, err
		}
		c.take(shared, size)
		if shared > alike {
			continue
		}
		if shared < alike || bytes.Compare(c.row, row) >= 0 {
			return true, nil
		}
		alike = min(common(c.row, row), c.body)
	}
	return false, nil
}
