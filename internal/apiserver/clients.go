package apiserver

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
)

// addClients adds what a proxy's user may know of its clients.
func (h *Handler) addClients(c api.Clients) {
	if c == nil {
		return
	}
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/clients", OperationID: "clients", Summary: "The proxy's clients, and what they use", Security: holders,
		Description: "Of each its budget, the effort that it has spent in the past hour, and how many of its requests wait for work.",
	}, func(ctx context.Context, _ *nothing) (*answer[*api.ClientList], error) {
		return answered(c.Clients(ctx))
	})
}
