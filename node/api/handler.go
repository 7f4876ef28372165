package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// HandlerOptions says how a [Handler] serves. Its zero value serves reads to this machine and refuses the rest.
type HandlerOptions struct {
	// Token is what a request must bear that writes, spends or administers; without one, none of that is possible.
	Token string
	// Hosts are further values of the Host header to accept: NAME with any port, or NAME:PORT.
	Hosts []string
	// Registry takes the handler's metrics and is what /metrics shows; nil: one of the handler's own.
	Registry *prometheus.Registry
	// Ready says why the node is not ready to serve, nil if it is; a nil Ready is always so.
	Ready func() error
	// Logger gets requests at level debug and failures at level error; nil: none.
	Logger *slog.Logger
	// Version is that of the software, for the OpenAPI document.
	Version string
}

// Handler serves a [Service] over HTTP.
type Handler struct {
	service  Service
	guard    *guard
	metrics  *metrics
	mux      *http.ServeMux
	log      *slog.Logger
	ready    func() error
	document document
}

// NewHandler returns a handler that serves s. It starts nothing.
func NewHandler(s Service, o HandlerOptions) *Handler {
	h := &Handler{service: s, guard: newGuard(o.Token, o.Hosts), mux: http.NewServeMux(), log: o.Logger, ready: o.Ready}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.ready == nil {
		h.ready = func() error { return nil }
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	routes := h.routes()
	h.metrics = newMetrics(o.Registry)
	h.document = newDocument(routes, o.Version)
	h.register(append(routes, h.documentRoutes()...))
	return h
}

// register fills the mux. Behind the routes stand, for each path, one that names the methods there are, and one for
// the paths there are not.
func (h *Handler) register(routes []route) {
	methods := map[string][]string{}
	for _, rt := range routes {
		methods[rt.path] = append(methods[rt.path], rt.method)
		h.mux.HandleFunc(rt.method+" "+rt.path, h.serving(rt))
	}
	for path, allowed := range methods {
		slices.Sort(allowed)
		list := strings.Join(allowed, ", ")
		h.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", list)
			h.fail(w, r, newError(http.StatusMethodNotAllowed, "%s is not possible here, only %s", r.Method, list))
		})
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, NotFound("there is nothing at %s: GET /openapi.json lists what there is", r.URL.Path))
	})
}

func (h *Handler) serving(rt route) http.HandlerFunc {
	check := func(*http.Request) error { return nil }
	switch rt.access {
	case readers:
		check = h.guard.checkReader
	case holders:
		check = h.guard.checkToken
	}
	return func(w http.ResponseWriter, r *http.Request) {
		err := check(r)
		if err == nil {
			err = rt.serve(w, r)
		}
		if err != nil {
			h.fail(w, r, err)
		}
	}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	rec := &recorder{ResponseWriter: w}
	header := w.Header()
	header["Cache-Control"], header["X-Content-Type-Options"] = headerNoStore, headerNoSniff
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
	h.mux.ServeHTTP(rec, r)
}

// panicked answers in place of a handler that panicked; http.ErrAbortHandler is how a handler hangs up on purpose.
func (h *Handler) panicked(rec *recorder, r *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	h.log.Error("panic while serving a request", "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
	if rec.status != 0 {
		panic(http.ErrAbortHandler) // part of an answer is out: cut it off, so that nobody takes it for a whole one
	}
	h.fail(rec, r, newError(http.StatusInternalServerError, "the node failed; its log says why"))
}

// done counts and logs a request. The query string is not logged: there are names in it, which are secrets.
func (h *Handler) done(rec *recorder, r *http.Request, took time.Duration) {
	h.metrics.observe(r.Pattern, rec.status, took)
	if h.log.Enabled(r.Context(), slog.LevelDebug) {
		h.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", rec.status, "took", took)
	}
}

// fail answers with an error.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := errorOf(err)
	switch {
	case r.Context().Err() != nil && errors.Is(err, context.Canceled):
		e = newError(statusClientGone, "the client did not wait for the answer")
	case e.Status >= http.StatusInternalServerError && e.Status != http.StatusServiceUnavailable:
		h.log.Error("request failed", "method", r.Method, "route", r.Pattern, "status", e.Status, "error", err)
	}
	writeProblem(w, e)
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

// answer writes v, unless there is an error.
func answer(w http.ResponseWriter, v any, err error) error {
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, v)
}

func writeBody(w http.ResponseWriter, status int, body []byte) error {
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // who asked may be gone; there is nobody to tell
	return nil
}

func writeProblem(w http.ResponseWriter, e *Error) {
	switch e.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="lf"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	_ = writeJSONAs(w, headerProblem, e.Status, e) // an Error always encodes
}

// takeTime lifts the deadline of this request's answer, which may take long; a client that hangs up still ends it. The
// server itself lifts the other deadline once the body is read.
func takeTime(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a writer without deadlines needs none lifted
}
