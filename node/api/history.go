package api

import (
	"encoding/binary"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// MaxHistory is how many older versions an answer lists at most.
const MaxHistory = 100

// HistoryPosition is a place among an owner's versions under a composite key, the newest first.
type HistoryPosition struct {
	Owner     protocol.Owner
	Timestamp uint64
	Prefix    [8]byte // how the record's ID begins
}

// HistoryCursor is where the versions after p begin, as a text. Any node understands it.
func HistoryCursor(of protocol.CompositeID, p HistoryPosition) string {
	b := binary.AppendUvarint(p.Owner[:], p.Timestamp)
	return encodeCursor(listTag("history", of[:]), append(b, p.Prefix[:]...))
}

// HistoryPosition reads HistoryAfter, which must be a cursor of the key that the query asks for;
// nil where there is none. Every selector must have its key.
func (q *Query) HistoryPosition() (*HistoryPosition, error) {
	if q.HistoryAfter == "" {
		return nil, nil
	}
	points := make([]protocol.SelectorPoint, len(q.Selectors))
	for i := range q.Selectors {
		if q.Selectors[i].Key == nil {
			return nil, ErrCursor
		}
		points[i] = protocol.SelectorPoint{Key: *q.Selectors[i].Key, Ordinal: uint64(q.Selectors[i].From)}
	}
	of := protocol.CompositeOf(points)
	b, err := decodeCursor(q.HistoryAfter, listTag("history", of[:]))
	if err != nil {
		return nil, err
	}
	p := &HistoryPosition{}
	n := copy(p.Owner[:], b)
	var read int
	if p.Timestamp, read = binary.Uvarint(b[n:]); read <= 0 || p.Timestamp > protocol.MaxTimestamp {
		return nil, ErrCursor
	}
	if rest := b[n+read:]; copy(p.Prefix[:], rest) != len(rest) || HistoryCursor(of, *p) != q.HistoryAfter {
		return nil, ErrCursor
	}
	if len(q.Owners) > 0 && !slices.Contains(q.Owners, p.Owner) {
		return nil, ErrCursor
	}
	return p, nil
}

// checkHistory says what is wrong with HistoryAfter, nil if nothing is.
func (q *Query) checkHistory() error {
	switch {
	case q.HistoryAfter == "":
		return nil
	case len(q.HistoryAfter) > MaxCursor:
		return ErrCursor
	case !q.History || q.Keys != nil || q.Open || slices.ContainsFunc(q.Selectors, func(s SelectorRange) bool { return !s.Point() }):
		return Invalid("historyAfter wants history, and one exact key: one ordinal for each selector, and not open")
	}
	return nil
}
