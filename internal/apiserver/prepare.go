package apiserver

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
)

// addPaying adds what serves clients that keep their keys to themselves.
func (h *Handler) addPaying() {
	addJSON(h, huma.Operation{
		Method: "POST", Path: "/v1/prepare", OperationID: "prepare", Summary: "Compose a record for the client to sign", Security: payers,
		Description: "The node seals the value, claims the selectors, picks links and a timestamp, and answers with the whole header and the bytes to sign. It keeps nothing. POST /v1/records with header, value and signature then has the node do the work. " +
			"The signature covers the whole record: a careful client checks what the header says before it signs. A draft ages: see until.",
		MaxBodyBytes: maxSetBody,
	}, func(ctx context.Context, r *api.PrepareRequest) (*answer[*api.Prepared], error) {
		if err := r.Check(); err != nil {
			return nil, err
		}
		return answered(h.service.Prepare(ctx, *r))
	})
	addJSON(h, h.patient(huma.Operation{
		Method: "POST", Path: "/v1/work", OperationID: "work", Summary: "Have the node do the work of a record that it does not see", Security: payers,
		Description: "The client composes and signs a record, and sends the hash that its work is for. The node makes the challenge with its network's ID, and answers with a proof when it has found one. " +
			"That may take long; hanging up stops it. 503: too many wait.",
		MaxBodyBytes: maxWorkBody,
		Responses: map[string]*huma.Response{"200": {
			Description: "the proof", Content: map[string]*huma.MediaType{api.TypeJSON: {Schema: h.schema(typeOf[api.WorkResult]())}},
		}},
	}), func(ctx context.Context, r *api.WorkRequest) (*answer[*api.WorkResult], error) {
		return answered(h.service.Work(ctx, *r))
	})
}
