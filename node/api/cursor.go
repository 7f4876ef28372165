package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/lf-store/lf/protocol"
)

// Position is a place in the answers to a query, which are ordered by their ordinals and then by
// Prefix.
type Position struct {
	Ordinals []uint64
	Prefix   [8]byte // how the composite key's ID begins
}

// ErrCursor says that a query's After is not the Next of a page of that query.
var ErrCursor = Invalid("the cursor is not one of this query: ask with the member next of the page before, and change nothing else")

const (
	cursorVersion = 1
	cursorTag     = 8
)

// Cursor is where the page after p begins, as a text. Every selector must have its key. Any node
// that knows the records understands it.
func (q *Query) Cursor(p Position) string {
	b := append([]byte{cursorVersion}, q.cursorTag()...)
	for _, ordinal := range p.Ordinals {
		b = binary.AppendUvarint(b, ordinal)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, p.Prefix[:]...))
}

// Position reads After, which must be a cursor of this query; nil where there is none. A forged
// cursor can only begin elsewhere in the list. Every selector must have its key.
func (q *Query) Position() (*Position, error) {
	if q.After == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.After)
	if err != nil || len(b) < 1+cursorTag || b[0] != cursorVersion || !bytes.Equal(b[1:1+cursorTag], q.cursorTag()) {
		return nil, ErrCursor
	}
	p := &Position{}
	b = b[1+cursorTag:]
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
