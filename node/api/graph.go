package api

import (
	"context"
	"strconv"

	"github.com/lf-store/lf/protocol"
)

// Limits of an [AroundQuery].
const (
	MaxAroundSteps = 8
	MaxAround      = 200
	defaultSteps   = 2
	defaultAround  = 60
)

// Graph is what a full node offers in addition to [Service]: where a record stands in the graph.
type Graph interface {
	// Around returns an attached record with those around it. It is [NotFound] where the record is
	// not here, and [Conflict] where it is not attached.
	Around(ctx context.Context, q AroundQuery) (*Surroundings, error)
}

// AroundQuery asks for the records around one: those that its links lead to, and those whose links
// lead to it.
type AroundQuery struct {
	Record protocol.ID
	// Steps is how many links away they may be, at most 8; 0: 2. Limit is how many are listed at
	// most, 200 at most; 0: 60.
	Steps, Limit int
}

// Check says what is wrong with a query, nil if nothing is; see [Query.Check].
func (q *AroundQuery) Check() error {
	if q.Steps < 0 || q.Steps > MaxAroundSteps || q.Limit < 0 || q.Limit > MaxAround {
		return Invalid("want at most %d steps and %d records", MaxAroundSteps, MaxAround)
	}
	return nil
}

// Bounds returns the steps and the limit, with what 0 stands for filled in.
func (q *AroundQuery) Bounds() (steps, limit int) {
	steps, limit = q.Steps, q.Limit
	if steps == 0 {
		steps = defaultSteps
	}
	if limit == 0 {
		limit = defaultAround
	}
	return steps, limit
}

// Surroundings are the records around one.
type Surroundings struct {
	Records []GraphRecord `json:"records" nullable:"false" doc:"in the order in which the node attached them, so parents before children"`
	More    bool          `json:"more,omitempty" doc:"there are more within these steps; those nearest are listed"`
}

// GraphRecord is a record in the graph.
type GraphRecord struct {
	ID   protocol.ID `json:"id"`
	Step int         `json:"step" doc:"how many links away it is: below 0 for an ancestor, above 0 for a descendant, 0 for the record itself"`
	// The next five are absent where the record is damaged.
	Type      string         `json:"type,omitempty"`
	Owner     protocol.Owner `json:"owner,omitzero"`
	Timestamp uint64         `json:"timestamp,omitempty" doc:"ms since the Unix epoch"`
	Effort    uint32         `json:"effort,omitempty"`
	Links     []protocol.ID  `json:"links,omitempty"`
	// Main is what the record inherits its place from.
	Main   protocol.ID `json:"mainParent,omitzero" doc:"the link with the most work in its past"`
	Merges int         `json:"merges,omitempty" doc:"how many records the other links add to the main parent's past"`
	Weight Uint64      `json:"weight" doc:"work stacked on the record: its own and that of all its descendants"`
	Index  Uint64      `json:"index" doc:"local index"`
	Error  string      `json:"error,omitempty" enum:"damaged" doc:"damaged: the node's disk damaged this record"`
}

var _ Graph = (*Client)(nil)

// Around implements [Graph].
func (c *Client) Around(ctx context.Context, q AroundQuery) (*Surroundings, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	path := "/v1/records/" + q.Record.String() + "/around?steps=" + strconv.Itoa(q.Steps) + "&limit=" + strconv.Itoa(q.Limit)
	var s Surroundings
	return ok(&s, c.get(ctx, path, &s))
}
