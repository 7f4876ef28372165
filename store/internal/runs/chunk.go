package runs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/bits"
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
	for len(a)-n >= 8 && len(b)-n >= 8 {
		if x := binary.BigEndian.Uint64(a[n:]) ^ binary.BigEndian.Uint64(b[n:]); x != 0 {
			return n + bits.LeadingZeros64(x)/8
		}
		n += 8
	}
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
	chunk []byte
	at    int // where the next row begins
	tail  Tail
	first uint32
	width int
	row   []byte
	body  int // how many bytes of the row before the next are not its tail
}

// readChunk begins to read a chunk of a run. An error says that it is damaged.
func readChunk(r *Run, n int, tail Tail, b []byte) (c chunkReader, err error) {
	if len(b) < chunkHeader || !isSound(r.place(n), b) || b[4] < 1 || b[4] > tailSize {
		return c, errChunk
	}
	return readSound(r, tail, b), nil
}

// readSound begins to read a chunk that was found to be sound.
func readSound(r *Run, tail Tail, b []byte) chunkReader {
	return chunkReader{chunk: b, at: chunkHeader, tail: tail, first: r.First, width: int(b[4])}
}

func (c *chunkReader) ended() bool { return c.at >= len(c.chunk) }

// parse returns what the next row has in common with the one before, and how many bytes follow.
func (c *chunkReader) parse() (shared, size int, err error) {
	head, rest := c.chunk[c.at], c.chunk[c.at+1:]
	shared, size = int(head>>4), int(head&nibble)
	if head == escaped {
		a, n := binary.Uvarint(rest)
		b, m := binary.Uvarint(rest[max(n, 0):])
		if n <= 0 || m <= 0 || a > chunkSize || b > uint64(len(rest)) {
			return 0, 0, errChunk
		}
		shared, size, rest = int(a), int(b), rest[n+m:]
	}
	if shared > c.body || len(rest) < size+c.tailSize() {
		return 0, 0, errChunk
	}
	c.at = len(c.chunk) - len(rest)
	return shared, size, nil
}

// tailSize is how many bytes of a row in the chunk are its number.
func (c *chunkReader) tailSize() int {
	if c.tail == Bytes {
		return 0
	}
	return c.width
}

// skip passes over the row that was parsed.
func (c *chunkReader) skip(shared, size int) {
	c.body = shared + size
	c.at += size + c.tailSize()
}

// take makes the row that was parsed.
func (c *chunkReader) take(shared, size int) {
	c.row = append(c.row[:shared], c.chunk[c.at:c.at+size]...)
	c.body = len(c.row)
	c.at += size
	if c.tail == Bytes {
		return
	}
	number := uint32(0)
	for i := c.width - 1; i >= 0; i-- {
		number = number<<8 | uint32(c.chunk[c.at+i])
	}
	c.at += c.width
	c.row = c.tail.AppendNumber(c.row, c.first+number)
}

// next goes to the next row; more is false after the last.
func (c *chunkReader) next() (more bool, err error) {
	if c.ended() {
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
// are passed over without being made. If a row has more in common with its predecessor than that
// has with the wanted row, it is before that too. What a later row has in common with it is in the
// last row that was made.
func (c *chunkReader) seek(row []byte) (more bool, err error) {
	for alike := 0; !c.ended(); {
		shared, size, err := c.parse()
		if err != nil {
			return false, err
		}
		if shared > alike {
			c.skip(shared, size)
			continue
		}
		c.take(shared, size)
		if shared < alike || bytes.Compare(c.row, row) >= 0 {
			return true, nil
		}
		alike = min(common(c.row, row), c.body)
	}
	return false, nil
}
