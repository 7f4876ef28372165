package packed

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/lf-store/lf/protocol"
)

// Lookup finds what the row of a record refers to. What it is asked for need not exist.
type Lookup interface {
	// Link returns the ID and the timestamp of the record at a distance back.
	Link(back uint64) (protocol.ID, uint64, error)
	// Word returns the word with a number, which is not 0.
	Word(number uint64) (Word, error)
}

// Unpack makes a record of its row and its value, nil where it has none. It keeps the value. Where
// the row, the value or what they refer to is damaged, it fails or returns another record: the
// caller compares the ID. All errors but those of l say that the row is damaged.
func Unpack(row Row, value []byte, l Lookup) (*protocol.Record, error) {
	p, err := row.parse()
	if err != nil {
		return nil, err
	}
	if (p.flags&hasValue != 0) != (value != nil) || len(value) > protocol.MaxValue {
		return nil, fmt.Errorf("%w with its value", errRow)
	}
	if err := p.resolve(l); err != nil {
		return nil, err
	}
	if value != nil {
		p.header.Value = &protocol.ValueRef{ID: sha256.Sum256(value), Size: uint32(len(value))}
	}
	return protocol.NewRecord(p.header, value)
}

// resolve fills in what the row refers to.
func (p *parsed) resolve(l Lookup) (err error) {
	h := &p.header
	h.Links = make([]protocol.ID, len(p.links))
	newest := uint64(0)
	for i, back := range p.links {
		var timestamp uint64
		if h.Links[i], timestamp, err = l.Link(back); err != nil {
			return err
		}
		newest = max(newest, timestamp)
	}
	h.Timestamp += newest
	if p.owner != 0 {
		owner, err := l.Word(p.owner)
		if err != nil {
			return err
		}
		h.Owner = protocol.Owner(owner)
	}
	for i, number := range p.keys {
		if number != 0 {
			key, err := l.Word(number)
			if err != nil {
				return err
			}
			h.Selectors[i].Key = protocol.SelectorKey(key)
		}
	}
	return nil
}

// IsDamage reports whether an error of [Unpack] or [WrittenOut] says that bytes are damaged.
func IsDamage(err error) bool {
	var invalid *protocol.InvalidError
	return errors.Is(err, errRow) || errors.As(err, &invalid)
}
