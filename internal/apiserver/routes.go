package apiserver

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

func (h *Handler) addNode() {
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/status", OperationID: "status", Summary: "How the node is", Security: readers,
		Description: "Its version, network, peer ID and addresses; how its records stand to those of its peers; what it stores, and how it ranks claims.",
	}, func(ctx context.Context, _ *nothing) (*answer[*api.Status], error) {
		return answered(h.service.Status(ctx))
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/doctor", OperationID: "doctor", Summary: "What works and what does not, in words", Security: readers,
		Description: "Findings, an area each, with what to try next where something is not as it should be, and the facts that they rest on. The status is 200 whatever is found: healthy tells.",
	}, func(ctx context.Context, _ *nothing) (*answer[*api.Checkup], error) {
		return answered(h.service.Doctor(ctx))
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/peers", OperationID: "peers", Summary: "The connected peers", Security: readers,
		Description: "In the order of their IDs: of each its ID and addresses, how and over which transport it is reached, and when it last had the same records. A page ends after limit peers. Give its next as after, until there is none.",
	}, func(ctx context.Context, in *peersInput) (*answer[*api.PeerList], error) {
		return answered(h.service.Peers(ctx, in.page()))
	})
	add(h, huma.Operation{
		Method: "POST", Path: "/v1/synced", OperationID: "synced", Summary: "Wait until the node is in sync with its peers", Security: readers,
		Description: "The node compares its records with its peers' now. It answers when at least half of the peers, and at least one, have agreed since the request and nothing that they listed is missing. 504: the time ran out. 409: the node is offline. Both come with the member sync, which tells how far the node came.",
		Middlewares: huma.Middlewares{takeTime},
	}, func(ctx context.Context, in *syncedInput) (*answer[*api.SyncStatus], error) {
		timeout, err := in.duration()
		if err != nil {
			return nil, err
		}
		return answered(h.service.Synced(ctx, timeout))
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/network", OperationID: "network", Summary: "The network's file: genesis and seeds", Security: readers,
		Description: "What another node starts with to join the network, as lf node --network takes it.",
	}, func(ctx context.Context, _ *nothing) (*answer[*protocol.NetworkFile], error) {
		return answered(h.service.Network(ctx))
	})
}

func (h *Handler) addSeeds() {
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/seeds", OperationID: "seeds", Summary: "The node's bootstrap sources, and which of them answer", Security: readers,
		Description: "The network's seeds and the bootstrap peers of the public DHT, with the state of each.",
	}, func(ctx context.Context, _ *nothing) (*answer[*api.Seeds], error) {
		seeds, err := h.service.Seeds(ctx)
		if err == nil && seeds.Seeds == nil {
			listed := *seeds
			listed.Seeds = []api.Seed{}
			seeds = &listed
		}
		return answered(seeds, err)
	})
}

func (h *Handler) addQueries() {
	addJSON(h, huma.Operation{
		Method: "POST", Path: "/v1/query", OperationID: "query", Summary: "Composite keys and the records under them", Security: readers,
		Description:  "Answers a list, which may be empty, whatever is asked for. A selector by name costs the node a derivation if it has not seen the name lately. A bounded number of derivations run at once: a busy node answers 503. A selector by key costs none.",
		MaxBodyBytes: maxQueryBody,
	}, func(ctx context.Context, q *api.Query) (*answer[*api.QueryResult], error) {
		return answered(h.query(ctx, *q))
	})
}

// query answers a query. The list of answers is never null.
func (h *Handler) query(ctx context.Context, q api.Query) (*api.QueryResult, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	result, err := h.service.Query(ctx, q)
	if err == nil && result.Answers == nil {
		answered := *result
		answered.Answers = []api.Answer{}
		result = &answered
	}
	return result, err
}

func (h *Handler) addRecords() {
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/records/{cid}", OperationID: "record", Summary: "One record, attached, pending or held", Security: readers,
		Description: "Accept " + api.TypeHeader + " for the header's block (whose CID is the record's), " + api.TypeFrame + " for the frame (header and sealed value, what POST /v1/records takes).",
		Responses: map[string]*huma.Response{"200": {
			Description: "the record",
			Content:     map[string]*huma.MediaType{api.TypeJSON: {Schema: h.schema(typeOf[api.RecordInfo]())}, api.TypeHeader: binary(), api.TypeFrame: binary()},
		}},
	}, h.getRecord)
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/records", OperationID: "records", Summary: "An owner's records, newest first", Security: readers,
		Description: "Attached records of all types. A page ends after limit records, or after 4 MiB of them. Give its next as after, until there is none. " +
			"422: after is no cursor of this owner's list. A record that comes meanwhile with an old timestamp may be left out.",
	}, func(ctx context.Context, in *recordsInput) (*answer[*api.RecordList], error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		return answered(h.service.Records(ctx, q))
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/links", OperationID: "links", Summary: "What a new record should link to", Security: readers,
		Description: "For clients that compose records: recent records of several owners, the least timestamp that a record with these links may carry, and the node's clock. " +
			"With key, also when the owner's newest record under that key was made: the new one should be dated later.",
	}, func(ctx context.Context, in *linksInput) (*answer[*api.Links], error) {
		q, err := in.query()
		if err != nil {
			return nil, err
		}
		return answered(h.service.Links(ctx, q))
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/owners/{owner}", OperationID: "owner", Summary: "What is known of an owner: its certificates", Security: readers,
		Description: "The certificates of the network's authorities that the owner has, those that are valid for longest first, and what became of them. A page ends after limit certificates. Give its next as after, until there is none.",
	}, func(ctx context.Context, in *ownerInput) (*answer[*api.OwnerInfo], error) {
		return answered(h.service.Owner(ctx, api.OwnerQuery{Owner: in.Owner, Page: in.page()}))
	})
}

func (h *Handler) getRecord(ctx context.Context, in *recordInput) (*recordAnswer, error) {
	info, err := h.service.Record(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &recordAnswer{ContentType: api.TypeJSON, Vary: "Accept", Body: info}
	switch {
	case strings.Contains(in.Accept, api.TypeHeader):
		record, err := protocol.DecodeFrame(info.Frame)
		if err != nil {
			return nil, err
		}
		out.ContentType, out.Body = api.TypeHeader, record.HeaderBytes()
	case strings.Contains(in.Accept, api.TypeFrame):
		out.ContentType, out.Body = api.TypeFrame, info.Frame
	}
	return out, nil
}

func (h *Handler) addWriting() {
	add(h, h.patient(huma.Operation{
		Method: "POST", Path: "/v1/records", OperationID: "submit", Summary: "Submit a record, finished or signed", Security: submitters,
		Description: "The body is a finished record's frame, as it is or in JSON; or, in JSON, the header, value and signature of a record that /v1/prepare composed: then the node does the work, which may take long, and hanging up stops it. When the answer comes, the record is durable. 201: it is attached. 202: it is pending (an ancestor is missing) or held (its time has not come). 200: the node had it.",
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{
			api.TypeJSON: {Schema: h.schema(typeOf[api.SubmitRequest]())}, api.TypeFrame: binary(), typeBytes: binary(),
		}},
		SkipValidateBody: true, // it need not be JSON
		MaxBodyBytes:     maxRecordBody,
		DefaultStatus:    http.StatusCreated, Responses: h.outcomes(http.StatusOK, http.StatusCreated, http.StatusAccepted),
	}), func(ctx context.Context, in *submitInput) (*madeAnswer, error) {
		frame, signed, err := in.read()
		right := rightSubmit
		if signed != nil {
			right = rightWork
		}
		if err == nil {
			err = needs(ctx, right)
		}
		switch {
		case err != nil:
			return nil, err
		case signed != nil:
			return made(h.service.SubmitSigned(ctx, *signed))
		}
		return made(h.service.Submit(ctx, frame))
	})
	addJSON(h, h.repeatable(huma.Operation{
		Method: "POST", Path: "/v1/set", OperationID: "set", Summary: "Have the node make a record", Security: setters,
		Description:   "The node seals, claims, signs with a key that it keeps, works and publishes. The work may take long; hanging up stops it.",
		MaxBodyBytes:  maxSetBody,
		DefaultStatus: http.StatusCreated, Responses: h.outcomes(http.StatusCreated, http.StatusAccepted),
	}), func(ctx context.Context, r *api.SetRequest) (*madeAnswer, error) {
		return h.set(ctx, *r)
	})
	addJSON(h, huma.Operation{
		Method: "POST", Path: "/v1/pulses", OperationID: "pulse", Summary: "Hand in pulses: say what is alive", Security: submitters,
		Description:  "Each pulse is signed by the owner of its record, at most once a minute. The node passes on those that are new. The status is 200 whatever became of them: state tells of each. 422: something that is no pulse.",
		MaxBodyBytes: maxPulsesBody,
	}, func(ctx context.Context, r *api.PulseRequest) (*answer[*api.Pulsed], error) {
		return answered(h.service.Pulse(ctx, *r))
	})
}

func (h *Handler) addOperating() {
	add(h, huma.Operation{
		Method: "GET", Path: "/livez", OperationID: "livez", Summary: "Whether the process answers", Security: everybody, Responses: plainText(),
		Description: "For whatever restarts a process that hangs.",
	}, func(context.Context, *nothing) (*textAnswer, error) {
		return &textAnswer{typeText, []byte("ok\n")}, nil
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/readyz", OperationID: "readyz", Summary: "Whether the node can serve; 503 says why not", Security: everybody, Responses: plainText(),
		Description: "For whatever sends requests to nodes that can answer them.",
	}, func(context.Context, *nothing) (*textAnswer, error) {
		if err := h.ready(); err != nil {
			return nil, api.Unavailable("not ready: %v", err)
		}
		return &textAnswer{typeText, []byte("ok\n")}, nil
	})
	add(h, huma.Operation{
		Method: "GET", Path: "/metrics", OperationID: "metrics", Summary: "Metrics for Prometheus", Security: readers, Responses: plainText(),
		Description: "In the text format of Prometheus.",
	}, func(context.Context, *nothing) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			h.metrics.page.ServeHTTP(w, r)
		}}, nil
	})
}
