package apiserver

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// What curl users call: /v1/kv for queries in a query string, and /v1/kv/{key} for one key.

type (
	// kvInput is a query in a query string.
	kvInput struct {
		Selectors []string `query:"k,explode" required:"true" maxItems:"15" nullable:"false" doc:"selector expression: NAME, NAME#ORDINAL, NAME#FROM#TO, NAME#FROM.., NAME#..TO or NAME# (every ordinal); \\# is a hash in a name" example:"[\"horse#2\"]"`
		KVOptions
	}

	// KVPath is a key in a path. A key of several selectors has the others in the query string. It
	// is exported, as KVOptions is, because huma passes over other embedded structs.
	KVPath struct {
		Key   string   `path:"key" doc:"selector expression, percent-encoded: # is %23, and a slash in a name %2F" example:"horse%232"`
		Other []string `query:"k,explode" maxItems:"14" nullable:"false" doc:"further selectors of the composite key"`
	}

	keyInput struct {
		KVPath
		KVOptions
	}

	putInput struct {
		KVPath
		Owner   string `query:"owner" doc:"name or peer ID of a key in the node's home; absent: its default owner"`
		RawBody []byte `contentType:"application/octet-stream"`
	}

	deleteInput struct {
		KVPath
		Owner   string `query:"owner" doc:"name or peer ID of a key in the node's home; absent: its default owner"`
		Release bool   `query:"release" doc:"give the claim up, in place of answering that the key is deleted"`
	}

	// KVOptions are what a query string can say but for the selectors.
	KVOptions struct {
		Open    bool        `query:"open" doc:"also records with further selectors"`
		Limit   uint64      `query:"limit" maximum:"1000" doc:"composite keys at most; 0 is 100"`
		After   string      `query:"after" maxLength:"512" doc:"the member next of the page before; the query is otherwise the same"`
		History bool        `query:"history" doc:"also the 100 newest older versions, and the 100 best claims"`
		Older   string      `query:"historyAfter" maxLength:"512" doc:"with history, the member historyNext of an answer: its next older versions"`
		Since   uint64      `query:"since" doc:"timestamp in ms, included"`
		Until   uint64      `query:"until" doc:"timestamp in ms, included; answers as of then"`
		Owners  []textOwner `query:"owner,explode" maxItems:"64" nullable:"false" doc:"only this owner; may be repeated"`
		Policy  textPolicy  `query:"policy"`
		Oracles []textOwner `query:"oracle,explode" maxItems:"64" nullable:"false" doc:"whose objections count; may be repeated; absent: the node's"`
		Explain bool        `query:"explain" doc:"also why the winner won"`
		Frames  bool        `query:"frames" doc:"also each record's frame (header and sealed value), its weight and index, and the composite key's ID"`
		Alive   uint64      `query:"alive" maximum:"86400" doc:"only answers with a pulse at most this old, in s: at least two beats and the drift"`
		Raw     bool        `query:"raw" doc:"the value's bytes alone, of one exact key"`
		Wait    float64     `query:"wait" minimum:"0" maximum:"300" doc:"with If-None-Match: seconds to wait for another answer than that one. Then 304 says that there is none"`
		// IfNoneMatch names answers that the client has.
		IfNoneMatch string `header:"If-None-Match" maxLength:"1024" doc:"the ETag of an answer that the client has: 304 says that it is still the answer"`
	}

	// kvAnswer is a list in JSON, or the bytes of a value.
	kvAnswer struct {
		Status      int
		ContentType string `header:"Content-Type" hidden:"true"`
		ETag        string `header:"ETag" hidden:"true"`
		Body        any
	}
)

func (in *KVPath) selectors() []string { return append([]string{in.Key}, in.Other...) }

func (in *KVOptions) query(expressions []string) (api.Query, error) {
	q := api.Query{
		Open: in.Open, Limit: int(in.Limit), History: in.History, HistoryAfter: in.Older, Since: in.Since, Until: in.Until,
		Explain: in.Explain, Decrypt: true, After: in.After, Frames: in.Frames, Alive: in.Alive,
	}
	var err error
	if q.Owners, err = parseOwners("owner", in.Owners); err != nil {
		return q, err
	}
	if q.Oracles, err = parseOwners("oracle", in.Oracles); err != nil {
		return q, err
	}
	if in.Policy != "" {
		if q.Policy, err = protocol.ParsePolicy(string(in.Policy)); err != nil {
			return q, api.Invalid("parameter \"policy\": %v", err)
		}
	}
	q.Selectors, err = api.ParseSelectors(expressions...)
	return q, err
}

func (h *Handler) addKV() {
	answers := map[string]*huma.Response{
		"200": {Description: "what there is", Content: map[string]*huma.MediaType{
			api.TypeJSON: {Schema: h.schema(typeOf[api.QueryResult]())}, typeBytes: binary(),
		}},
		"304": {Description: "the client has this answer already (If-None-Match)"},
		"404": h.described("there is nothing at this one exact key"),
		"410": h.described("the value at this one exact key was deleted; the member answer says by whom and when"),
	}
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/kv", OperationID: "kv", Summary: "Values by a query string, for curl", Security: readers, Responses: maps.Clone(answers), Middlewares: huma.Middlewares{h.takeWait},
		Description: "The same as query. Values come decrypted. One exact key, which is one ordinal for each selector, answers 404 where there is nothing, and 410 where the value was deleted. Ranges and open queries answer a list, which may be empty. Every answer has an ETag. With that in If-None-Match, wait has the service answer when there is another one: a client that loops so misses no change but what came and went between two answers. Escape the # of an ordinal: `curl -G http://" + api.DefaultAddress + "/v1/kv --data-urlencode 'k=horse#2'`.",
	}, func(ctx context.Context, in *kvInput) (*kvAnswer, error) {
		return h.kv(ctx, &in.KVOptions, in.Selectors)
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/kv/{key}", OperationID: "kvGet", Summary: "The value of a key in the path, for curl", Security: readers, Responses: answers, Middlewares: huma.Middlewares{h.takeWait},
		Description: "As GET /v1/kv. `curl http://" + api.DefaultAddress + "/v1/kv/horse%232?raw` prints the value.",
	}, func(ctx context.Context, in *keyInput) (*kvAnswer, error) {
		return h.kv(ctx, &in.KVOptions, in.selectors())
	})
	body := &huma.RequestBody{Description: "the value", Content: map[string]*huma.MediaType{anyType: binary()}}
	add(h, h.repeatable(huma.Operation{
		Method: "PUT", Path: "/v1/kv/{key}", OperationID: "kvPut", Summary: "Set a value, for curl", Security: setters,
		Description: "The body is the value, whatever type it says. As /v1/set otherwise: the node seals, claims, signs with a key that it keeps, works and publishes. That may take long; hanging up stops it. `curl -T FILE --unix-socket HOME/api.sock http://localhost/v1/kv/horse%232`.",
		RequestBody: body, SkipValidateBody: true,
		MaxBodyBytes:  protocol.MaxPlaintext,
		DefaultStatus: http.StatusCreated, Responses: h.outcomes(http.StatusCreated, http.StatusAccepted),
	}), func(ctx context.Context, in *putInput) (*madeAnswer, error) {
		value := append([]byte{}, in.RawBody...) // huma uses RawBody again
		return h.write(ctx, in.selectors(), api.SetRequest{Value: value, Owner: in.Owner})
	})
	body.Required = false // an empty body is an empty value
	add(h, h.repeatable(huma.Operation{
		Method: "DELETE", Path: "/v1/kv/{key}", OperationID: "kvDelete", Summary: "Delete a value or release a claim, for curl", Security: setters,
		Description:   "The node makes a record that says so; older versions stay in the history. Only the owner's own claim is changed: another owner's value may be the answer then.",
		DefaultStatus: http.StatusCreated, Responses: h.outcomes(http.StatusCreated, http.StatusAccepted),
	}), func(ctx context.Context, in *deleteInput) (*madeAnswer, error) {
		r := api.SetRequest{Type: api.SetDelete, Owner: in.Owner}
		if in.Release {
			r.Type = api.SetRelease
		}
		return h.write(ctx, in.selectors(), r)
	})
}

// kv answers a query string.
func (h *Handler) kv(ctx context.Context, in *KVOptions, expressions []string) (*kvAnswer, error) {
	q, err := in.query(expressions)
	if err != nil {
		return nil, err
	}
	w, err := in.waiting()
	if err != nil {
		return nil, err
	}
	exact := !q.Open && !slices.ContainsFunc(q.Selectors, func(s api.SelectorRange) bool { return !s.Point() })
	if in.Raw && !exact {
		return nil, api.Invalid("raw wants one exact key: one ordinal for each selector, and not open")
	}
	result, tag, err := h.awaited(ctx, q, w, exact)
	switch {
	case err != nil:
		return nil, err
	case w.knows(tag):
		return notModified(tag), nil
	}
	if exact {
		if err := h.one(result); err != nil {
			return nil, &taggedError{err, tag}
		}
	}
	if in.Raw {
		return raw(&result.Answers[0], tag)
	}
	return &kvAnswer{Status: http.StatusOK, ContentType: api.TypeJSON, ETag: tag, Body: result}, nil
}

// one says why there is no value to answer with at one exact key.
func (h *Handler) one(result *api.QueryResult) error {
	switch {
	case len(result.Answers) > 0:
	case result.Lapsed > 0:
		return api.NotFound("the value at this key is not alive: its owner has not pulsed for that long")
	default:
		return api.NotFound("there is nothing at this key")
	}
	switch a := &result.Answers[0]; {
	case a.Error != "":
		return api.Damaged(a.Record, a.Unavailable)
	case a.Deleted:
		return api.Gone(a)
	}
	return nil
}

// raw answers with the bytes of a value alone.
func raw(a *api.Answer, tag string) (*kvAnswer, error) {
	if a.Sealed {
		return nil, api.Conflict("the value is sealed with a masking key: POST /v1/query with decrypt and maskingKey opens it")
	}
	return &kvAnswer{Status: http.StatusOK, ContentType: typeBytes, ETag: tag, Body: a.Plain()}, nil
}

// write has the service make a record, as an owner that the request may write as.
func (h *Handler) write(ctx context.Context, expressions []string, r api.SetRequest) (*madeAnswer, error) {
	selectors, err := api.ParseSelectors(expressions...)
	if err != nil {
		return nil, err
	}
	r.Selectors = selectors
	return h.set(ctx, r)
}

func (h *Handler) set(ctx context.Context, r api.SetRequest) (*madeAnswer, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	owner, err := h.signer(ctx, r.Owner)
	if err != nil {
		return nil, err
	}
	r.Owner = owner
	return made(h.service.Set(ctx, r))
}
