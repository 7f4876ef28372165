package apiserver

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
)

// livePeers is how many peers a viewer is told of. A node has fewer, unless somebody wants it so.
const livePeers = 500

// addLive adds what tells how the service is while that changes.
func (h *Handler) addLive(a api.Activities) {
	topics := []topic{
		{"status", 1, func(ctx context.Context) (any, error) { return h.service.Status(ctx) }},
		{"doctor", 5, func(ctx context.Context) (any, error) { return h.service.Doctor(ctx) }},
	}
	if !h.guard.servesProxy() {
		topics = append(topics, topic{"peers", 1, func(ctx context.Context) (any, error) { return h.service.Peers(ctx, api.Page{Limit: livePeers}) }})
	}
	if a != nil {
		topics = append(topics, topic{"activity", 5, func(ctx context.Context) (any, error) { return a.Activity(ctx) }})
		add(h, huma.Operation{
			Method: "GET", Path: "/v1/activity", OperationID: "activity", Summary: "What the node did in the last hour and day", Security: readers,
			Description: "Records that were attached, bytes from and to peers, and what bounded queues dropped: in sums, by the minute, and by the quarter of an hour.",
		}, func(ctx context.Context, _ *nothing) (*answer[*api.Activity], error) {
			return answered(a.Activity(ctx))
		})
	}
	h.feed = newFeed(topics)
	stream := map[string]*huma.Response{"200": {Description: "events", Content: map[string]*huma.MediaType{api.TypeEvents: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/live", OperationID: "live", Summary: "How the node is, as it changes", Security: readers, Responses: stream,
		Description: "Events come as " + api.TypeEvents + ", each with the whole of what has changed: status as of GET /v1/status, peers as the first 500 of GET /v1/peers, doctor as GET /v1/doctor, and activity as GET /v1/activity. A proxy tells neither peers nor activity. problem says why something cannot be told, and is null once it can. A comment comes after 15 s without events. 429: this client has too many streams.",
	}, func(context.Context, *nothing) (*huma.StreamResponse, error) {
		return h.subscribe(h.tellLive), nil
	})
}

// tellLive sends a viewer what changes.
func (h *Handler) tellLive(ctx context.Context, s *subscription) {
	_ = h.feed.serve(ctx, s) // who does not read any more needs no answer
	if h.ending.Err() != nil {
		s.fail(api.Unavailable("the service is closing"))
	}
}
