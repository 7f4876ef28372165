package runs

import (
	"cmp"
	"encoding/binary"
	"errors"
)

// head is what is in memory of a run: where its chunks begin, and which keys it has.
type head struct {
	*filter
	fences fences
}

// headPiece is the size of the pieces in which a head is kept, without its checksum: each fills a
// page.
const headPiece = 504 * 8

// maxRows bounds the rows of a kind that a record has.
const maxRows = 16

// identitySize is the size of what a head begins with: which records its run is of.
const identitySize = 4 + 4 + 4

// appendIdentity writes which records a run is of: the rows of others would not be missed.
func (r *Run) appendIdentity(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Kind))
	b = binary.LittleEndian.AppendUint32(b, r.First)
	return binary.LittleEndian.AppendUint32(b, r.Last)
}

// write writes the head: first the run's identity, then the filter's words, then the fences.
func (h *head) write(rows Rows, run *Run) error {
	b := run.appendIdentity(make([]byte, 0, identitySize+len(h.words)*8))
	for _, w := range h.words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	b = h.fences.appendTo(b)
	for n := 0; len(b) > 0; n++ {
		size := min(len(b), headPiece)
		if err := writePiece(rows, run, n, b[:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

func writePiece(rows Rows, run *Run, n int, b []byte) error {
	piece := append(make([]byte, 4, 4+len(b)), b...)
	seal(run.place(n), piece)
	return rows.PutHead(run.Number, n, piece)
}

// loadHead reads a run's head, or makes it again from its chunks.
func loadHead(rows Rows, run *Run, kind *Kind) (*head, error) {
	h, err := readHead(rows, run)
	if h == nil && err == nil {
		h, err = makeHead(rows, run, kind)
	}
	return h, err
}

// readHead reads a run's head; nil: it is damaged. [ErrIncomplete]: the run is not the one that it
// was written for.
func readHead(rows Rows, run *Run) (*head, error) {
	if run.Chunks < 0 || run.Blocks < 1 || run.Blocks > 2*blocksFor(maxRows*int(run.Last-run.First+1))+16 {
		return nil, ErrIncomplete
	}
	var b []byte
	sound, next := true, 0
	if err := rows.Head(run.Number, func(n int, piece []byte) {
		sound = sound && n == next && isSound(run.place(n), piece)
		if next++; sound {
			b = append(b, piece[4:]...)
		}
	}); err != nil {
		return nil, err
	}
	if sound && len(b) >= identitySize && string(b[:identitySize]) != string(run.appendIdentity(nil)) {
		return nil, ErrIncomplete
	}
	h := &head{filter: filterOf(run.Blocks)}
	if words := len(h.words) * 8; sound && len(b) >= identitySize+words {
		b = b[identitySize:]
		for i := range h.words {
			h.words[i] = binary.LittleEndian.Uint64(b[i*8:])
		}
		if h.fences.read(b[words:], run.Chunks) {
			return h, nil
		}
	}
	return nil, nil
}

// makeHead makes a run's head from its chunks. Where one of these is damaged too, the index is
// incomplete.
func makeHead(rows Rows, run *Run, kind *Kind) (*head, error) {
	h := &head{filter: filterOf(run.Blocks)}
	var last []byte
	for n := range run.Chunks {
		b, err := rows.Chunk(run.Number, n)
		if err != nil {
			return nil, err
		}
		c, err := readChunk(run, n, kind.Tail, b)
		for first := true; err == nil; first = false {
			var more bool
			if more, err = c.next(); err != nil || !more {
				break
			}
			if first {
				h.fences.add(separator(last, c.row))
			}
			h.add(kind.keyOf(c.row))
			last = append(last[:0], c.row...)
		}
		if err != nil || h.fences.len() != n+1 {
			return nil, errors.Join(ErrIncomplete, err)
		}
	}
	if b, err := rows.Chunk(run.Number, run.Chunks); err != nil || b != nil { // there are more
		return nil, cmp.Or(err, ErrIncomplete)
	}
	return h, nil
}
