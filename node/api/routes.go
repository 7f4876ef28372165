package api

import (
	"bytes"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/lf-store/lf/protocol"
)

// access says who may use a route.
type access int

const (
	anybody access = iota // whoever can reach the node
	readers               // this machine, or the token
	holders               // the token
)

// route is one operation: what serves it, and what the OpenAPI document says of it.
type route struct {
	method, path string
	access       access
	serve        func(w http.ResponseWriter, r *http.Request) error

	id, summary, text string
	params            []param
	in, out           reflect.Type
	inBytes, outBytes []string // further media types of the body and of the answer
	statuses          []int    // of success; 200 if there is none
	plain             bool     // answers with text, not JSON
}

// param is a parameter in the path or in the query string.
type param struct {
	name, in, doc, example string
	like                   reflect.Type // the type whose schema it has
	list                   bool
}

// PeerList is the answer of GET /v1/peers.
type PeerList struct {
	Peers []Peer `json:"peers"`
}

// SubmitRequest is the body of POST /v1/records in JSON.
type SubmitRequest struct {
	Frame []byte `json:"frame" doc:"header and sealed value as they travel, base64"`
}

func (h *Handler) routes() []route {
	return slices.Concat(h.nodeRoutes(), h.dataRoutes(), h.writingRoutes(), h.operatingRoutes())
}

func (h *Handler) nodeRoutes() []route {
	return []route{{
		method: "GET", path: "/v1/status", access: readers, serve: h.getStatus,
		id: "status", summary: "How the node is", out: typeOf[Status](),
	}, {
		method: "GET", path: "/v1/peers", access: readers, serve: h.getPeers,
		id: "peers", summary: "The connected peers", out: typeOf[PeerList](),
	}, {
		method: "GET", path: "/v1/network", access: readers, serve: h.getNetwork,
		id: "network", summary: "The network's file: genesis and seeds", out: typeOf[protocol.NetworkFile](),
	}}
}

func (h *Handler) dataRoutes() []route {
	return []route{{
		method: "POST", path: "/v1/query", access: readers, serve: h.postQuery,
		id: "query", summary: "Composite keys and the records under them", in: typeOf[Query](), out: typeOf[QueryResult](),
		text: "A selector by name costs the node a derivation (about 3 ms) when it has not seen the name lately; how many run at once is bounded, and a node that is busy answers 503. A selector by key costs nothing.",
	}, {
		method: "GET", path: "/v1/kv", access: readers, serve: h.getKV,
		id: "kv", summary: "The same as query, for curl", out: typeOf[QueryResult](), params: kvParams,
		text: "Values come decrypted. Take care to escape the # of an ordinal: `curl -G http://127.0.0.1:9980/v1/kv --data-urlencode 'k=horse#2'`.",
	}, {
		method: "GET", path: "/v1/records/{cid}", access: readers, serve: h.getRecord,
		id: "record", summary: "One record, attached, pending or held", out: typeOf[RecordInfo](), outBytes: []string{typeHeader, typeCBOR},
		text:   "Accept " + typeHeader + " for the header's block (whose CID is the record's), " + typeCBOR + " for the frame (header and sealed value, what POST /v1/records takes).",
		params: []param{{name: "cid", in: "path", doc: "the record's CID", like: typeOf[protocol.ID]()}},
	}, {
		method: "GET", path: "/v1/links", access: readers, serve: h.getLinks,
		id: "links", summary: "What a new record should link to", out: typeOf[Links](),
		params: []param{{name: "count", in: "query", doc: "how many links, 0 to 16; 0: the network's minimum", like: typeOf[int]()}},
	}}
}

var kvParams = []param{
	{name: "k", in: "query", doc: "selector expression: NAME, NAME#ORDINAL, NAME#FROM#TO or NAME# (every ordinal); \\# is a hash in a name", example: "horse#2", like: typeOf[string](), list: true},
	{name: "open", in: "query", doc: "also records with further selectors", like: typeOf[bool]()},
	{name: "limit", in: "query", doc: "composite keys at most, up to 1000; 0 is 100", like: typeOf[int]()},
	{name: "history", in: "query", doc: "also older versions and other claimants", like: typeOf[bool]()},
	{name: "since", in: "query", doc: "timestamp in ms, included", like: typeOf[uint64]()},
	{name: "until", in: "query", doc: "timestamp in ms, included; answers as of then", like: typeOf[uint64]()},
	{name: "owner", in: "query", doc: "only this owner; may be repeated", like: typeOf[protocol.Owner](), list: true},
}

func (h *Handler) writingRoutes() []route {
	return []route{{
		method: "POST", path: "/v1/records", access: holders, serve: h.postRecord,
		id: "submit", summary: "Submit a finished record", in: typeOf[SubmitRequest](), inBytes: []string{typeCBOR, typeBytes},
		out: typeOf[Submitted](), statuses: []int{201, 202, 200},
		text: "The body is the record's frame, as it is or in JSON. When the answer comes, the record is durable: 201 it is attached, 202 it is pending (an ancestor is missing) or held (its time has not come), 200 the node had it.",
	}, {
		method: "POST", path: "/v1/set", access: holders, serve: h.postSet,
		id: "set", summary: "Have the node make a record", in: typeOf[SetRequest](), out: typeOf[Submitted](), statuses: []int{201, 202},
		text: "The node seals, claims, signs with a key that it keeps, works and publishes. The work may take long; who hangs up stops it.",
	}}
}

func (h *Handler) operatingRoutes() []route {
	return []route{{
		method: "GET", path: "/livez", access: anybody, serve: h.getLive, plain: true,
		id: "livez", summary: "Whether the process answers",
	}, {
		method: "GET", path: "/readyz", access: anybody, serve: h.getReady, plain: true,
		id: "readyz", summary: "Whether the node can serve; 503 says why not",
	}, {
		method: "GET", path: "/metrics", access: readers, serve: h.getMetrics, plain: true,
		id: "metrics", summary: "Metrics for Prometheus",
	}}
}

func (h *Handler) getStatus(w http.ResponseWriter, r *http.Request) error {
	s, err := h.service.Status(r.Context())
	return answer(w, s, err)
}

func (h *Handler) getPeers(w http.ResponseWriter, r *http.Request) error {
	peers, err := h.service.Peers(r.Context())
	return answer(w, PeerList{append([]Peer{}, peers...)}, err)
}

func (h *Handler) getNetwork(w http.ResponseWriter, r *http.Request) error {
	f, err := h.service.Network(r.Context())
	return answer(w, f, err)
}

func (h *Handler) postQuery(w http.ResponseWriter, r *http.Request) error {
	var q Query
	if err := readJSON(w, r, maxQueryBody, &q); err != nil {
		return err
	}
	if err := q.Check(); err != nil {
		return err
	}
	return h.query(w, r, q)
}

func (h *Handler) getKV(w http.ResponseWriter, r *http.Request) error {
	q, err := kvQuery(r)
	if err != nil {
		return err
	}
	return h.query(w, r, q)
}

func (h *Handler) query(w http.ResponseWriter, r *http.Request, q Query) error {
	result, err := h.service.Query(r.Context(), q)
	if err == nil && result.Answers == nil {
		result = &QueryResult{Answers: []Answer{}, More: result.More}
	}
	return answer(w, result, err)
}

func (h *Handler) getRecord(w http.ResponseWriter, r *http.Request) error {
	id, err := protocol.ParseID(r.PathValue("cid"))
	if err != nil {
		return Invalid("%v", err)
	}
	info, err := h.service.Record(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	switch accept := r.Header.Get("Accept"); {
	case strings.Contains(accept, typeHeader):
		record, err := protocol.DecodeFrame(info.Frame)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", typeHeader)
		return writeBody(w, http.StatusOK, record.HeaderBytes())
	case strings.Contains(accept, typeCBOR):
		w.Header().Set("Content-Type", typeCBOR)
		return writeBody(w, http.StatusOK, info.Frame)
	}
	return writeJSON(w, http.StatusOK, info)
}

func (h *Handler) getLinks(w http.ResponseWriter, r *http.Request) error {
	count := 0
	if text := r.URL.Query().Get("count"); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return Invalid("parameter \"count\": %q is not a number", text)
		}
		count = int(n)
	}
	if err := CheckLinks(count); err != nil {
		return err
	}
	links, err := h.service.Links(r.Context(), count)
	return answer(w, links, err)
}

func (h *Handler) postRecord(w http.ResponseWriter, r *http.Request) error {
	frame, err := readFrame(w, r)
	if err != nil {
		return err
	}
	s, err := h.service.Submit(r.Context(), frame)
	if err != nil {
		return err
	}
	return writeJSON(w, s.httpStatus(), s)
}

// readFrame reads a frame. It must be a copy: the service may keep parts of it.
func readFrame(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	switch t := mediaType(r); t {
	case typeJSON:
		var s SubmitRequest
		if err := readJSON(w, r, maxRecordBody, &s); err != nil {
			return nil, err
		}
		return s.Frame, nil
	case typeCBOR, typeBytes:
		var buf bytes.Buffer
		err := readBody(w, r, protocol.MaxFrame, &buf)
		return buf.Bytes(), err
	default:
		return nil, wrongType(t, typeCBOR, typeBytes, typeJSON)
	}
}

func (h *Handler) postSet(w http.ResponseWriter, r *http.Request) error {
	var s SetRequest
	if err := readJSON(w, r, maxSetBody, &s); err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	takeTime(w)
	made, err := h.service.Set(r.Context(), s)
	if err != nil {
		return err
	}
	return writeJSON(w, made.httpStatus(), made)
}

func (s *Submitted) httpStatus() int {
	switch {
	case s.Known:
		return http.StatusOK
	case s.State == StateAttached:
		return http.StatusCreated
	}
	return http.StatusAccepted
}

func (h *Handler) getLive(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	return writeBody(w, http.StatusOK, []byte("ok\n"))
}

func (h *Handler) getReady(w http.ResponseWriter, r *http.Request) error {
	if err := h.ready(); err != nil {
		return Unavailable("not ready: %v", err)
	}
	return h.getLive(w, r)
}

func (h *Handler) getMetrics(w http.ResponseWriter, r *http.Request) error {
	h.metrics.page.ServeHTTP(w, r)
	return nil
}
