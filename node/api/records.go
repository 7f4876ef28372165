package api

import (
	"context"
	"net/url"
	"strconv"

	"github.com/lf-store/lf/protocol"
)

// MaxRecords is how many records a page has at most, and defaultRecords where no limit is given.
const (
	MaxRecords     = 1000
	defaultRecords = 100
)

// RecordsQuery asks for the attached records of an owner, newest first.
type RecordsQuery struct {
	Owner protocol.Owner
	// After is the Next of the page before. The zero ID asks for the first page.
	After protocol.ID
	// Limit is how many records the page has at most, up to 1,000; 0 is 100. A page may be shorter.
	Limit int
	// Frames asks for the records' frames also.
	Frames bool
}

// Check reports whether the query makes sense.
func (q *RecordsQuery) Check() error {
	if q.Limit < 0 || q.Limit > MaxRecords {
		return Invalid("limit: %d, want 0 to %d", q.Limit, MaxRecords)
	}
	return nil
}

// Count is how many records the page has at most.
func (q *RecordsQuery) Count() int {
	if q.Limit == 0 {
		return defaultRecords
	}
	return q.Limit
}

// ListedRecord is a record in a list.
type ListedRecord struct {
	RecordInfo
	Error       string `json:"error,omitempty" enum:"damaged" doc:"damaged: the node's disk damaged this record. The rest holds as far as the header is sound, and there is a frame only then"`
	Unavailable bool   `json:"unavailable,omitempty" doc:"of a damaged record: no peer has it; otherwise it is being fetched from one"`
}

// RecordList is a page of an owner's records.
type RecordList struct {
	Records []ListedRecord `json:"records" nullable:"false" doc:"of all types, the newest timestamp first"`
	Next    *protocol.ID   `json:"next,omitempty" doc:"the after of the next page; absent: this is the last one"`
}

// Records implements [Service].
func (c *Client) Records(ctx context.Context, q RecordsQuery) (*RecordList, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	values := url.Values{"owner": {q.Owner.String()}, "limit": {strconv.Itoa(q.Limit)}}
	if q.After != (protocol.ID{}) {
		values.Set("after", q.After.String())
	}
	if q.Frames {
		values.Set("frames", "true")
	}
	var list RecordList
	return ok(&list, c.get(ctx, "/v1/records?"+values.Encode(), &list))
}
