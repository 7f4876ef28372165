package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/lf-store/lf/protocol"
)

// ErrCursor says that an After is not the Next of a page of the same list.
var ErrCursor = Invalid("the cursor is not one of this query: ask with the member next of the page before, and change nothing else")

const (
	cursorVersion = 1
	cursorTag     = 8
)

// encodeCursor makes a text of a place in a list. The tag tells lists apart.
func encodeCursor(tag, place []byte) string {
	b := append(append([]byte{cursorVersion}, tag...), place...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor returns the place that a text stands for in a list with this tag. A forged cursor
// can only lead elsewhere in the list.
func decodeCursor(text string, tag []byte) (place []byte, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > MaxCursor || len(b) < 1+cursorTag || b[0] != cursorVersion || !bytes.Equal(b[1:1+cursorTag], tag) {
		return nil, ErrCursor
	}
	return b[1+cursorTag:], nil
}

// listTag is the tag of a list of what belongs to an owner, or to nobody.
func listTag(list string, of []byte) []byte {
	h := sha256.New()
	h.Write([]byte("lf/cursor/1/" + list))
	h.Write(of)
	return h.Sum(nil)[:cursorTag]
}

// Position is a place in the answers to a query, which are ordered by their ordinals and then by
// Prefix.
type Position struct {
	Ordinals []uint64
	Prefix   [8]byte // how the composite key's ID begins
}

// Cursor is where the page after p begins, as a text. Every selector must have its key. Any node
// that knows the records understands it.
func (q *Query) Cursor(p Position) string {
	var b []byte
	for _, ordinal := range p.Ordinals {
		b = binary.AppendUvarint(b, ordinal)
	}
	return encodeCursor(q.cursorTag(), append(b, p.Prefix[:]...))
}

// Position reads After, which must be a cursor of this query; nil where there is none. Every
// selector must have its key.
func (q *Query) Position() (*Position, error) {
	if q.After == "" {
		return nil, nil
	}
	b, err := decodeCursor(q.After, q.cursorTag())
	if err != nil {
		return nil, err
	}
	p := &Position{}
	for i := range q.Selectors {
		ordinal, n := binary.Uvarint(b)
		if n <= 0 || ordinal < uint64(q.Selectors[i].From) || ordinal > uint64(q.Selectors[i].To) {
			return nil, ErrCursor
		}
		p.Ordinals, b = append(p.Ordinals, ordinal), b[n:]
	}
	if copy(p.Prefix[:], b) != len(b) || len(b) != len(p.Prefix) {
		return nil, ErrCursor
	}
	if q.Cursor(*p) != q.After { // an ordinal may be written in more bytes than it needs
		return nil, ErrCursor
	}
	return p, nil
}

// cursorTag tells queries apart whose answers come in another order or are others. Names are not
// part of it: a cursor is easier to come by than a name may be.
func (q *Query) cursorTag() []byte {
	h := sha256.New()
	h.Write([]byte("lf/cursor/1"))
	if q.Open {
		h.Write([]byte{1})
	}
	for i := range q.Selectors {
		s := &q.Selectors[i]
		var key protocol.SelectorKey
		if s.Key != nil {
			key = *s.Key
		}
		h.Write(key[:])
		h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(s.From)), uint64(s.To)))
	}
	return h.Sum(nil)[:cursorTag]
}
