package apiserver

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

type aroundInput struct {
	ID    protocol.ID `path:"cid" doc:"the record's CID"`
	Steps int         `query:"steps" minimum:"0" maximum:"8" doc:"how many links away the records may be; 0: 2"`
	Limit int         `query:"limit" minimum:"0" maximum:"200" doc:"how many are listed at most; 0: 60"`
}

// addGraph adds where a record stands in the graph.
func (h *Handler) addGraph(g api.Graph) {
	if g == nil {
		return
	}
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/records/{cid}/around", OperationID: "around", Summary: "The records around one in the graph", Security: readers,
		Description: "An attached record, those that its links lead to, and those whose links lead to it: of each its links, its main parent and its weight. Descendants are found among the next 16,384 records. 409: the record is not attached.",
	}, func(ctx context.Context, in *aroundInput) (*answer[*api.Surroundings], error) {
		q := api.AroundQuery{Record: in.ID, Steps: in.Steps, Limit: in.Limit}
		if err := q.Check(); err != nil {
			return nil, err
		}
		return answered(g.Around(ctx, q))
	})
}
