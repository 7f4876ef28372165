package packed

import (
	"encoding/binary"
	"errors"

	"github.com/lf-store/lf/protocol"
)

// A Row is a packed header. It begins with a byte of flags below 0x80. A canonical header begins
// with a byte above that. So the two may stand in one column.
//
//	flags
//	links × 16 + selectors
//	type, if it is no datum
//	timestamp, less the newest of the links'
//	distance back to each link, in the header's order: from index to index
//	owner: the number of a word, or 0 and the word itself
//	selectors: the key as the owner; ordinal; claim
//	signature
//	nonce, solution, effort, if there is work
//
// Numbers are varints.
type Row []byte

// Word is what many records have in common: an owner or a selector key.
type Word [32]byte

const (
	hasValue = 1 << iota
	hasWork
	hasType  // it is no datum
	allFlags = 1<<iota - 1

	headerBit = 0x80
)

// IsPacked reports whether a column holds a row, and not a header as it travels.
func IsPacked(column []byte) bool { return len(column) > 0 && column[0]&headerBit == 0 }

// errRow says that bytes are no row.
var errRow = errors.New("not a packed header")

// parsed is what a row says.
type parsed struct {
	flags byte
	// header lacks what the row refers to, the value's reference, and the timestamps of the links.
	header protocol.Header
	work   protocol.Work
	links  []uint64
	// owner and keys are numbers of words; 0: it is in the row.
	owner uint64
	keys  []uint64
}

func (row Row) parse() (*parsed, error) {
	f := fields{rest: row}
	p := &parsed{flags: f.byte()}
	counts := f.number()
	if !IsPacked(row) || p.flags > allFlags || counts > protocol.MaxLinks<<4|0xf {
		return nil, errRow
	}
	if p.flags&hasType != 0 {
		p.header.Type = protocol.Type(f.number())
	}
	p.header.Version, p.header.Timestamp = protocol.Version, f.number()
	p.links = make([]uint64, counts>>4)
	for i := range p.links {
		p.links[i] = f.number()
	}
	p.owner = f.word(p.header.Owner[:])
	p.keys, p.header.Selectors = make([]uint64, counts&0xf), make([]protocol.Selector, counts&0xf)
	for i := range p.keys {
		s := &p.header.Selectors[i]
		p.keys[i] = f.word(s.Key[:])
		s.Ordinal = f.number()
		f.take(s.Claim[:])
	}
	f.take(p.header.Signature[:])
	if p.flags&hasWork != 0 {
		f.take(p.work.Nonce[:])
		f.take(p.work.Solution[:])
		p.work.Effort = f.effort()
		p.header.Work = &p.work
	}
	if f.bad || len(f.rest) > 0 {
		return nil, errRow
	}
	return p, nil
}

// fields takes one field after the other off a row. After one that is not there all are zero.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) number() uint64 {
	n, size := binary.Uvarint(f.rest)
	if size <= 0 {
		f.bad, f.rest = true, nil
		return 0
	}
	f.rest = f.rest[size:]
	return n
}

// word takes the number of a word, or the word after a 0.
func (f *fields) word(into []byte) uint64 {
	n := f.number()
	if n == 0 {
		f.take(into)
	}
	return n
}

func (f *fields) effort() uint32 {
	n := f.number()
	f.bad = f.bad || n>>32 != 0
	return uint32(n)
}

func (f *fields) byte() byte {
	var b [1]byte
	f.take(b[:])
	return b[0]
}

func (f *fields) take(into []byte) {
	if len(f.rest) < len(into) {
		f.bad, f.rest = true, nil
		return
	}
	f.rest = f.rest[copy(into, f.rest):]
}

// WrittenOut returns a word that a row or a header has written out. At 0 is the owner, then come
// the selectors' keys.
func WrittenOut(column []byte, at int) (w Word, err error) {
	var owner uint64
	var keys []uint64
	var h *protocol.Header
	if IsPacked(column) {
		p, err := Row(column).parse()
		if err != nil {
			return w, err
		}
		owner, keys, h = p.owner, p.keys, &p.header
	} else {
		r, err := protocol.DecodeRecord(column, nil)
		if err != nil {
			return w, err
		}
		keys, h = make([]uint64, len(r.Selectors)), &r.Header
	}
	switch {
	case at == 0 && owner == 0:
		return Word(h.Owner), nil
	case at > 0 && at <= len(keys) && keys[at-1] == 0:
		return Word(h.Selectors[at-1].Key), nil
	}
	return w, errRow
}

// Place returns the distances back to the records that a row's record links, in the header's order,
// and the effort of its work.
func (row Row) Place() (links []uint64, effort uint32, err error) {
	p, err := row.parse()
	if err != nil {
		return nil, 0, err
	}
	return p.links, p.work.Effort, nil
}

// Numbers returns the numbers of words that a row has in place of a record's owner and of each of
// its keys, 0 for what is written out. It reports whether all else in the row is the record's.
func (row Row) Numbers(r *protocol.Record) (list []uint64, ok bool) {
	p, err := row.parse()
	if err != nil || p.header.Type != r.Type || len(p.links) != len(r.Links) || len(p.keys) != len(r.Selectors) ||
		p.header.Signature != r.Signature || (p.header.Work == nil) != (r.Work == nil) || r.Work != nil && p.work != *r.Work {
		return nil, false
	}
	for i := range r.Selectors {
		if have := &p.header.Selectors[i]; have.Ordinal != r.Selectors[i].Ordinal || have.Claim != r.Selectors[i].Claim {
			return nil, false
		}
	}
	return append([]uint64{p.owner}, p.keys...), true
}
