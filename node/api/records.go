package api

import (
	"context"
	"encoding/binary"

	"github.com/lf-store/lf/protocol"
)

// RecordsQuery asks for the attached records of an owner, newest first.
type RecordsQuery struct {
	Owner protocol.Owner
	Page
	// Frames asks for the records' frames also.
	Frames bool
}

// RecordPosition is a place in the list of an owner's records.
type RecordPosition struct {
	Timestamp uint64
	Prefix    [8]byte // how the record's ID begins
}

// Cursor is where the page after p begins, as a text. Any node understands it.
func (q *RecordsQuery) Cursor(p RecordPosition) string {
	return encodeCursor(q.tag(), append(binary.AppendUvarint(nil, p.Timestamp), p.Prefix[:]...))
}

// Position reads After, which must be a cursor of this owner's list; nil where there is none.
func (q *RecordsQuery) Position() (*RecordPosition, error) {
	if q.After == "" {
		return nil, nil
	}
	b, err := decodeCursor(q.After, q.tag())
	if err != nil {
		return nil, err
	}
	p := &RecordPosition{}
	n := 0
	if p.Timestamp, n = binary.Uvarint(b); n <= 0 || p.Timestamp > protocol.MaxTimestamp || copy(p.Prefix[:], b[n:]) != len(b)-n || q.Cursor(*p) != q.After {
		return nil, ErrCursor
	}
	return p, nil
}

func (q *RecordsQuery) tag() []byte { return listTag("records", q.Owner[:]) }

// ListedRecord is a record in a list.
type ListedRecord struct {
	RecordInfo
	Error       string `json:"error,omitempty" enum:"damaged" doc:"damaged: the node's disk damaged this record. The rest holds as far as the header is sound, and there is a frame only then"`
	Unavailable bool   `json:"unavailable,omitempty" doc:"of a damaged record: no peer has it; otherwise it is being fetched from one"`
}

// RecordList is a page of an owner's records.
type RecordList struct {
	Records []ListedRecord `json:"records" nullable:"false" doc:"of all types, the newest timestamp first"`
	Next    string         `json:"next,omitempty" doc:"the after of the next page; absent: this is the last one"`
	// Comparison is there where a proxy answers.
	Comparison *Comparison `json:"comparison,omitempty" doc:"of a proxy: which nodes agreed"`
}

// Records implements [Service].
func (c *Client) Records(ctx context.Context, q RecordsQuery) (*RecordList, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	values := q.values()
	values.Set("owner", q.Owner.String())
	if q.Frames {
		values.Set("frames", "true")
	}
	var list RecordList
	return ok(&list, c.get(ctx, "/v1/records?"+values.Encode(), &list))
}
