package apiserver

import (
	"context"
	"errors"
	"os"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
)

type (
	// watchInput is a request to watch one key, in a query string.
	watchInput struct {
		Selectors []string    `query:"k,explode" required:"true" maxItems:"15" nullable:"false" doc:"selector expression: NAME, NAME#ORDINAL, NAME#FROM#TO, NAME#FROM.., NAME#..TO or NAME# (every ordinal)" example:"[\"horse#2\"]"`
		Open      bool        `query:"open" doc:"also records with further selectors"`
		Owners    []textOwner `query:"owner,explode" maxItems:"64" nullable:"false" doc:"only this owner; may be repeated"`
		Policy    textPolicy  `query:"policy"`
		Oracles   []textOwner `query:"oracle,explode" maxItems:"64" nullable:"false" doc:"whose objections count; may be repeated; absent: the node's"`
		Frames    bool        `query:"frames" doc:"also each record's frame (header and sealed value), its weight and index"`
		Settled   uint32      `query:"settled" maximum:"86400000" doc:"how long an answer must not change to be called settled, in ms; 0 is 30,000"`
		Contested bool        `query:"contested" doc:"also tell of records of other owners that came and lost"`
		Alive     uint64      `query:"alive" maximum:"86400" doc:"also tell when the claim that answers has a pulse at most this old, in s, and when it has none any more"`
		After     string      `query:"after" maxLength:"512" doc:"the cursor of the last event that was taken"`
		LastEvent string      `header:"Last-Event-ID" maxLength:"512" doc:"the same, as a browser's EventSource sends it when it connects again"`
	}
)

func (in *watchInput) request() (api.WatchRequest, error) {
	options := KVOptions{Owners: in.Owners, Policy: in.Policy, Oracles: in.Oracles}
	q, err := options.query(in.Selectors)
	r := api.WatchRequest{
		Keys: []api.WatchKey{{Selectors: q.Selectors, Open: in.Open}}, Owners: q.Owners, Policy: q.Policy, Oracles: q.Oracles,
		Decrypt: true, Frames: in.Frames, SettledAfter: in.Settled, Contested: in.Contested, Alive: in.Alive, After: in.After,
	}
	if in.LastEvent != "" { // what the page named when it connected first is older
		r.After = in.LastEvent
	}
	return r, err
}

const watchDescription = "Events come as " + api.TypeEvents + ": the current answers, a sync event, and then each change. A comment comes after 15 s without events. " +
	"The id of an event is a cursor: a watcher that connects again with it, to this node or another one, is told only if something has changed since. " +
	"Answers that change faster than the watcher reads may be left out, but never the last one. A watcher that takes nothing for 2 minutes is cut off. " +
	"An event named error ends the stream. 413: too many composite keys have an answer. 429: this client has too many streams."

func (h *Handler) addWatch() {
	stream := map[string]*huma.Response{"200": {Description: "events", Content: map[string]*huma.MediaType{api.TypeEvents: {Schema: h.schema(typeOf[api.WatchEvent]())}}}}
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/watch", OperationID: "watchKey", Summary: "Be told when the answer under a key changes, for curl and browsers", Security: readers, Responses: stream,
		Description: watchDescription + " Values come decrypted. `curl -NG http://" + api.DefaultAddress + "/v1/watch --data-urlencode 'k=horse#2'`.",
	}, func(_ context.Context, in *watchInput) (*huma.StreamResponse, error) {
		r, err := in.request()
		if err != nil {
			return nil, err
		}
		return h.watch(r)
	})
	addJSON(h, huma.Operation{
		Method: "POST", Path: "/v1/watch", OperationID: "watch", Summary: "Be told when the answers under many keys change", Security: readers, Responses: map[string]*huma.Response{"200": stream["200"]},
		Description: watchDescription, MaxBodyBytes: maxQueryBody,
	}, func(_ context.Context, r *api.WatchRequest) (*huma.StreamResponse, error) {
		return h.watch(*r)
	})
}

func (h *Handler) watch(r api.WatchRequest) (*huma.StreamResponse, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	return h.subscribe(func(ctx context.Context, s *subscription) { h.tellEvents(ctx, s, r) }), nil
}

// tellEvents sends what the service tells.
func (h *Handler) tellEvents(ctx context.Context, s *subscription, r api.WatchRequest) {
	for e, err := range h.service.Watch(ctx, r) {
		if err == nil {
			if err = s.sendWatched(e); errors.Is(err, os.ErrDeadlineExceeded) {
				h.metrics.cutOff.Inc()
			}
			if err != nil {
				return
			}
			continue
		}
		if h.ending.Err() != nil {
			err = api.Unavailable("the service is closing: connect again soon, or to another node")
		}
		s.fail(err)
		return
	}
}
