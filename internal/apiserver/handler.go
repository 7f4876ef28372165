package apiserver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// HandlerOptions says how a [Handler] serves. Its zero value serves reads to this machine and
// refuses the rest.
type HandlerOptions struct {
	// Token is what a request must bear that writes, spends or administers; without one, none of
	// that is possible.
	Token string
	// Tokens finds the limited token that a request shows, nil where it is none; a nil Tokens knows
	// none. It logs why it fails.
	Tokens func(token string) (*Grant, error)
	// OwnerNamed finds the owner that a name means to the service, for limited tokens; nil: they
	// name owners by their peer IDs.
	OwnerNamed func(name string) (protocol.Owner, error)
	// Hosts are further values of the Host header to accept: NAME with any port, or NAME:PORT.
	Hosts []string
	// Certificate is that of the endpoint: its names are accepted, too. Nil: none.
	Certificate *Certificate
	// AllowOrigins are the origins, as [ParseOrigin] returns them, whose pages may talk to the
	// node. Its own may, too.
	AllowOrigins []string
	// Private asks for the token for reads, too, wherever they come from. Otherwise Public lets
	// everybody read, and not only this machine.
	Private, Public bool
	// AnonymousRate is how many requests a second an address may make without a token; 0: any
	// number. Of IPv6 addresses the first 64 bits count.
	AnonymousRate int
	// TrustedProxies are the addresses of proxies whose X-Forwarded-For header names the client.
	TrustedProxies []netip.Prefix
	// Registry takes the handler's metrics and is what /metrics shows; nil: one of the handler's
	// own.
	Registry *prometheus.Registry
	// Ready says why the node is not ready to serve, nil if it is; a nil Ready is always so.
	Ready func() error
	// Logger gets requests at level debug and failures at level error; nil: none.
	Logger *slog.Logger
	// Version is that of the software, for the OpenAPI document.
	Version string
	// IdempotencyKeys tells that the service heeds [api.WithIdempotencyKey].
	IdempotencyKeys bool
	// Clients adds what a proxy tells of its clients; nil: this is none.
	Clients api.Clients
	// Page serves the page for browsers at /.
	Page bool
	// Activities adds what the node did lately; nil: this is a proxy, which does not tell.
	Activities api.Activities
	// Archive adds the records as a file; nil: this is a proxy, which has none.
	Archive api.Archive
	// Graph adds the records around one; nil: this is a proxy, which has no graph.
	Graph api.Graph
	// Keeper adds the owners and oracles of the home; nil: they are not served.
	Keeper api.Keeper
	// Testbed adds what only the nodes of a testbed offer; nil: this is none.
	Testbed api.Testbed
}

// Handler serves a [Service] over HTTP.
type Handler struct {
	service api.Service
	guard   *guard
	// sessions are those of the page.
	sessions *sessions
	metrics  *metrics
	mux      *mux
	api      huma.API
	log      *slog.Logger
	ready    func() error
	jobs     *jobs
	rate     *rateLimit // nil: there is none
	streams  *streamCounts
	// feed is what viewers of the page are told.
	feed *feed
	// ending is done when the service ends: streams end then.
	ending    context.Context
	endStream context.CancelFunc
	// idempotency tells that the service knows the keys by which clients repeat requests.
	idempotency bool

	ownerNamed func(string) (protocol.Owner, error)
}

// NewHandler returns a handler that serves s. It starts nothing until it is asked. [Handler.Close]
// ends the jobs that clients have made then.
func NewHandler(s api.Service, o HandlerOptions) *Handler {
	browsers := newSessions()
	h := &Handler{service: s, sessions: browsers, guard: newGuard(&o, browsers), mux: newMux(), log: o.Logger, ready: o.Ready, jobs: newJobs(), idempotency: o.IdempotencyKeys, rate: newRateLimit(o.AnonymousRate), ownerNamed: o.OwnerNamed}
	h.streams = newStreamCounts()
	h.ending, h.endStream = context.WithCancel(context.Background())
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.ready == nil {
		h.ready = func() error { return nil }
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	h.metrics = newMetrics(o.Registry, o.Certificate)
	h.api = humago.New(h.mux, newConfig(o.Version))
	h.api.UseMiddleware(h.admit)
	h.addNode()
	h.addSeeds()
	h.addPeering()
	h.addQueries()
	h.addKV()
	h.addWatch()
	h.addRecords()
	h.addWriting()
	h.addPaying()
	h.addJobs()
	h.addSessions()
	h.addLive(o.Activities)
	h.addOperating()
	h.addArchive(o.Archive)
	h.addGraph(o.Graph)
	h.addKeeper(o.Keeper)
	h.addClients(o.Clients)
	h.addTestbed(o.Testbed)
	h.addDocument()
	h.addUI(o.Page)
	h.addRest()
	return h
}

// EndStreams tells all watchers that the service ends.
func (h *Handler) EndStreams() { h.endStream() }

// Close ends all streams. It waits for the jobs of clients, and ends them when ctx does.
func (h *Handler) Close(ctx context.Context) {
	h.EndStreams()
	h.feed.close()
	h.sessions.close()
	h.jobs.close(ctx)
}

// mux remembers which methods there are for a path.
type mux struct {
	*http.ServeMux
	methods map[string][]string
}

func newMux() *mux { return &mux{http.NewServeMux(), map[string][]string{}} }

// HandleFunc takes patterns of the form METHOD PATH.
func (m *mux) HandleFunc(pattern string, serve func(http.ResponseWriter, *http.Request)) {
	method, path, _ := strings.Cut(pattern, " ")
	m.methods[path] = append(m.methods[path], method)
	m.ServeMux.HandleFunc(pattern, serve)
}

// addRest adds what answers where no operation does: a list of the methods of a known path, and one
// answer for unknown paths.
func (h *Handler) addRest() {
	for path, allowed := range h.mux.methods {
		slices.Sort(allowed)
		list := strings.Join(allowed, ", ")
		h.mux.ServeMux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", list)
			h.fail(w, r, api.NewError(http.StatusMethodNotAllowed, "%s is not possible here, only %s", r.Method, list))
		})
	}
	h.mux.ServeMux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, api.NotFound("there is nothing at %s: GET /openapi.json lists what there is", r.URL.Path))
	})
}

// add adds an operation. Huma reads the input and writes the output; what serve returns as an error
// becomes an [Error].
func add[I, O any](h *Handler, op huma.Operation, serve func(context.Context, *I) (*O, error)) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["4XX"], op.Responses["5XX"] = h.described("the request cannot be answered so"), h.described("the node cannot answer now, or failed")
	route := op.Method + " " + op.Path
	huma.Register(h.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := serve(ctx, in)
		if err != nil {
			return nil, newStatusError(h.problem(ctx, route, err), err)
		}
		return out, nil
	})
}

// addJSON adds an operation with a body in JSON. Huma would read the body twice, check it against
// the schema, and word errors by that. Here it is read once, strictly.
func addJSON[I, O any](h *Handler, op huma.Operation, serve func(context.Context, *I) (*O, error)) {
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{api.TypeJSON: {Schema: h.schema(typeOf[I]())}}}
	op.SkipValidateBody = true
	add(h, op, func(ctx context.Context, in *struct{ RawBody []byte }) (*O, error) {
		var body *I
		if err := unmarshal(in.RawBody, &body); err != nil {
			return nil, err
		}
		if body == nil {
			return nil, api.Invalid("the body is null, want an object in braces")
		}
		return serve(ctx, body)
	})
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	rec := &recorder{ResponseWriter: w}
	w.Header().Set("Cache-Control", "no-store") // there are decrypted values in answers
	w.Header().Set("X-Content-Type-Options", "nosniff")
	defer func() { h.done(rec, r, time.Since(begin)) }()
	defer func() {
		if p := recover(); p != nil {
			h.panicked(rec, r, p)
		}
	}()
	if err := h.guard.checkOrigin(r); err != nil {
		h.fail(rec, r, err)
		return
	}
	if h.shareAnswer(rec, r) {
		return
	}
	if err := h.checkRate(r); err != nil {
		h.fail(rec, r, err)
		return
	}
	h.mux.ServeHTTP(rec, r)
}

// panicked answers in place of a handler that panicked; http.ErrAbortHandler is how a handler hangs
// up on purpose.
func (h *Handler) panicked(rec *recorder, r *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	h.log.Error("panic while serving a request", "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
	if rec.status != 0 {
		// part of an answer is out: cut it off, so that nobody takes it for a whole one
		panic(http.ErrAbortHandler)
	}
	h.fail(rec, r, api.NewError(http.StatusInternalServerError, "the node failed; its log says why"))
}

// done counts and logs a request, with the pattern of its route. The path and the query string are
// not logged: there may be names in them, which are secrets.
func (h *Handler) done(rec *recorder, r *http.Request, took time.Duration) {
	h.metrics.observe(r.Pattern, rec.status, took)
	if h.log.Enabled(r.Context(), slog.LevelDebug) {
		h.log.Debug("request", "method", r.Method, "route", r.Pattern, "status", rec.status, "took", took)
	}
}

// problem turns an error into an [Error], and logs it if it is the node's own.
func (h *Handler) problem(ctx context.Context, route string, err error) *api.Error {
	e := errorOf(err)
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		e = api.NewError(api.StatusClientGone, "the client did not wait for the answer")
	case e.Status >= http.StatusInternalServerError && e.Status != http.StatusServiceUnavailable && e.Status != http.StatusBadGateway && e.Sync == nil:
		h.log.Error("request failed", "route", route, "status", e.Status, "error", err)
	}
	return e
}

// fail answers with an error where huma does not.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := h.problem(r.Context(), r.Pattern, err)
	setHeaders(e, w.Header().Set)
	w.WriteHeader(e.Status)
	_ = marshal(w, e) // an Error always encodes
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find the writer beneath.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// takeTime lifts the deadline of this request's answer, which may take long; a client that hangs up
// still ends it. The server itself lifts the other deadline once the body is read.
func takeTime(ctx huma.Context, next func(huma.Context)) {
	_, w := humago.Unwrap(ctx)
	// a writer without deadlines needs none lifted
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	next(ctx)
}
