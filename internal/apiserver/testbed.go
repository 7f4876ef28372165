package apiserver

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
)

// addTestbed adds the routes of a testbed's node. Both need the token, reading too: who reads the
// set reads all of it.
func (h *Handler) addTestbed(t api.Testbed) {
	if t == nil {
		return
	}
	addJSON(h, huma.Operation{
		Method: "PUT", Path: "/v1/testbed/links", OperationID: "testbedLinks", Summary: "Block these links and no others", Security: holders,
		Description:  "Answers when the connections that they forbid are closed.",
		MaxBodyBytes: 1 << 20,
	}, func(ctx context.Context, links *api.TestbedLinks) (*answer[*api.TestbedLinks], error) {
		return answered(t.SetLinks(ctx, *links))
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/testbed/set", OperationID: "testbedSet", Summary: "The attached records, a page at a time", Security: holders,
		Description: "In the order of their local indices.",
	}, func(ctx context.Context, in *struct {
		From uint64 `query:"from" doc:"local index of the first record; 0: of all"`
	}) (*answer[*api.TestbedSet], error) {
		return answered(t.AttachedSet(ctx, in.From))
	})
}
