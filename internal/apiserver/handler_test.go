package apiserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// failing is a service whose status fails as it is told to.
type failing struct {
	api.Service
	fail func() error
}

func (f failing) Status(context.Context) (*api.Status, error) { return nil, f.fail() }

func TestErrorsOfService(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	for _, test := range []struct {
		name   string
		err    error
		status int
		says   string
		logged bool
	}{
		{"not found", api.NotFound("no such thing"), 404, "no such thing", false},
		{"wrapped", errors.Join(errors.New("x"), api.Conflict("not now")), 409, "not now", false},
		{"busy", api.Unavailable("busy"), 503, "busy", false},
		{"invalid record", &protocol.InvalidError{Rule: protocol.RuleWork, Reason: "no work"}, 422, "no work", false},
		{"ahead", protocol.ErrTooFarAhead, 422, "future", false},
		{"closing", context.Canceled, 503, "closing", false},
		{"late", context.DeadlineExceeded, 503, "too long", false},
		{"failure", errors.New("disk on fire at /secret/path"), 500, "log", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			log.Reset()
			h := apiserver.NewHandler(failing{fail: func() error { return test.err }}, apiserver.HandlerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			got := ask(t, h, "GET", "/v1/status", nil)
			got.wantProblem(t, test.status, test.says)
			if strings.Contains(got.Body.String(), "secret") {
				t.Error("the answer tells what only the log should")
			}
			if (got.Header().Get("Retry-After") != "") != (test.status == 503) {
				t.Errorf("Retry-After: %q", got.Header().Get("Retry-After"))
			}
			if strings.Contains(log.String(), "secret") != test.logged {
				t.Errorf("log: %s", &log)
			}
		})
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := apiserver.NewHandler(failing{fail: func() error { panic("a bug") }}, apiserver.HandlerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ask(t, h, "GET", "/v1/status", nil).wantProblem(t, 500, "log")
	if !strings.Contains(log.String(), "a bug") || !strings.Contains(log.String(), "goroutine") {
		t.Errorf("log: %s", &log)
	}
}

// broken panics when half of an answer is out.
type broken struct{ discard }

func (b broken) Write([]byte) (int, error) { panic("a bug") }

// Nobody takes half an answer for a whole one.
func TestPanicAmidAnswer(t *testing.T) {
	t.Parallel()
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v, want the connection cut", p)
		}
	}()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{})
	r := httptest.NewRequestWithContext(arrivedAt(t.Context(), "127.0.0.1"), "GET", "http://localhost/v1/status", nil)
	h.ServeHTTP(broken{discard{http.Header{}}}, r)
}

// gone is the answer's end that nobody holds.
type gone struct{ discard }

func (gone) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// Who goes away before the answer is out is no failure of the node's.
func TestNobodyWaits(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, target := range []string{"/v1/status", "/v1/kv?k=n&limit=many", "/openapi.json", "/nowhere", "/livez"} {
		r := httptest.NewRequestWithContext(arrivedAt(t.Context(), "127.0.0.1"), "GET", "http://localhost"+target, nil)
		h.ServeHTTP(gone{discard{http.Header{}}}, r)
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
}

// A body that breaks off is its sender's doing.
func TestHalfBody(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token})
	for _, path := range []string{"/v1/query", "/v1/set", "/v1/records"} {
		body := io.MultiReader(strings.NewReader(`{"selectors":`), iotest.ErrReader(io.ErrUnexpectedEOF))
		ask(t, h, "POST", path, body, withToken).wantProblem(t, 408, "not whole")
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	var err error
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Ready: func() error { return err }})
	ask(t, h, "GET", "/readyz", nil).want(t, 200, "text/plain; charset=utf-8")
	err = errors.New("the database is opening")
	ask(t, h, "GET", "/readyz", nil).wantProblem(t, 503, "the database is opening")
	ask(t, h, "GET", "/livez", nil).want(t, 200, "text/plain; charset=utf-8")
}

// No request of a client adds a metric series.
func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Registry: registry})
	for _, target := range []string{"/v1/status", "/v1/status?x=1", "/a", "/b", "/c", "/v1/records/x", "/v1/records/y"} {
		ask(t, h, "GET", target, nil)
	}
	ask(t, h, "BREW", "/v1/status", nil)
	ask(t, h, "GET", "/v1/status", nil, func(r *http.Request) { r.Host = "evil.example" })
	page := ask(t, h, "GET", "/metrics", nil).Body.String()
	for _, line := range []string{
		`lf_api_requests_total{code="200",route="GET /v1/status"} 2`,
		`lf_api_requests_total{code="404",route="other"} 3`,
		`lf_api_requests_total{code="422",route="GET /v1/records/{cid}"} 2`,
		`lf_api_requests_total{code="405",route="/v1/status"} 1`,
		`lf_api_requests_total{code="421",route="other"} 1`,
		`lf_api_request_seconds_count{route="GET /v1/status"} 2`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if n := strings.Count(page, "lf_api_requests_total{"); n != 5 {
		t.Errorf("%d series, want 5", n)
	}
}

// What is asked for stays out of the log: names are secrets, and so is the token.
func TestLogKeepsSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{
		Token: token, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	ask(t, h, "GET", "/v1/kv?k=sesame", nil)
	for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
		ask(t, h, method, "/v1/kv/sesame", nil, withToken)
	}
	ask(t, h, "GET", "/v1/sesame", nil)
	ask(t, h, "POST", "/v1/query", text(`{"selectors":[{"name":"sesame"}],"maskingKey":"sesame"}`))
	ask(t, h, "POST", "/v1/set", text(`{"selectors":["sesame"],"text":"sesame"}`), withToken)
	if !strings.Contains(log.String(), "/v1/kv") {
		t.Errorf("nothing logged: %s", &log)
	}
	for _, secret := range []string{"sesame", token} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the log: %s", secret, &log)
		}
	}
}

func TestRecordFormats(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	h := apiserver.NewHandler(f, apiserver.HandlerOptions{Token: token})
	made, err := f.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("n"), Value: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	target := "/v1/records/" + made.ID.String()
	header1 := ask(t, h, "GET", target, nil, header("Accept", "application/vnd.ipld.dag-cbor")).want(t, 200, "application/vnd.ipld.dag-cbor")
	frame := ask(t, h, "GET", target, nil, header("Accept", "application/cbor")).want(t, 200, "application/cbor")
	r, err := protocol.DecodeFrame(frame)
	if err != nil || r.ID() != made.ID || !bytes.Equal(r.HeaderBytes(), header1) {
		t.Fatalf("frame: %v", err)
	}
	for _, accept := range []string{"", "*/*", "application/json", "text/html"} {
		var info api.RecordInfo
		body := ask(t, h, "GET", target, nil, header("Accept", accept)).want(t, 200, "application/json")
		if err := json.Unmarshal(body, &info); err != nil || !bytes.Equal(info.Frame, frame) {
			t.Errorf("Accept %q: %v", accept, err)
		}
	}
	// A frame is taken as it is given out, in every form.
	for contentType, body := range map[string][]byte{
		"application/cbor": frame, "application/octet-stream": frame, "application/json": mustJSON(api.SubmitRequest{Frame: frame}),
	} {
		got := ask(t, h, "POST", "/v1/records", bytes.NewReader(body), withToken, header("Content-Type", contentType))
		if got.Code != 200 { // the node has it
			t.Errorf("%s: %d %s", contentType, got.Code, got.Body)
		}
	}
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// HEAD is GET without the body; nothing else slips through a method.
func TestHead(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: token})
	if got := ask(t, h, "HEAD", "/v1/status", nil); got.Code != 200 {
		t.Errorf("HEAD: %d", got.Code)
	}
	if got := ask(t, h, "HEAD", "/v1/set", nil); got.Code != 405 {
		t.Errorf("HEAD of what is only POST: %d", got.Code)
	}
}

// GET /v1/kv asks what POST /v1/query asks.
func TestKVIsQuery(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	h := apiserver.NewHandler(f, apiserver.HandlerOptions{Token: token})
	for _, s := range []string{"horse#1", "horse#2"} {
		if _, err := f.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("bad", s), Value: []byte(s)}); err != nil {
			t.Fatal(err)
		}
	}
	for target, query := range map[string]string{
		"k=bad&k=horse%231%232":                           `{"selectors":[{"name":"bad"},{"name":"horse","from":1,"to":2}],"decrypt":true}`,
		"open&k=bad":                                      `{"selectors":[{"name":"bad"}],"open":true,"decrypt":true}`,
		"k=bad&open":                                      `{"selectors":[{"name":"bad"}],"open":true,"decrypt":true}`,
		"k=bad&open=true&limit=1&history=1":               `{"selectors":[{"name":"bad"}],"open":true,"limit":1,"history":true,"decrypt":true}`,
		"k=bad%23&open=false&&since=5&until=600":          `{"selectors":["bad#"],"since":5,"until":600,"decrypt":true}`,
		"k=bad&open&policy=newest,weight&explain":         `{"selectors":[{"name":"bad"}],"open":true,"policy":["newest","weight"],"explain":true,"decrypt":true}`,
		"k=bad&open&explain&oracle=" + anOwner:            `{"selectors":[{"name":"bad"}],"open":true,"explain":true,"oracles":["` + anOwner + `"],"decrypt":true}`,
		"k=bad&open=1&owner=" + protocol.Owner{}.String(): `{"selectors":[{"name":"bad"}],"open":true,"owners":["` + protocol.Owner{}.String() + `"],"decrypt":true}`,
	} {
		have := ask(t, h, "GET", "/v1/kv?"+target, nil).want(t, 200, "application/json")
		want := ask(t, h, "POST", "/v1/query", text(query)).want(t, 200, "application/json")
		if !bytes.Equal(have, want) {
			t.Errorf("%s:\nhave %s\nwant %s", target, have, want)
		}
	}
}

// listening is a service that remembers what it was asked.
type listening struct {
	api.Service
	asked []api.Query
}

func (l *listening) Query(_ context.Context, q api.Query) (*api.QueryResult, error) {
	l.asked = append(l.asked, q)
	return &api.QueryResult{}, nil
}

// To elect nobody is something else than to leave it to the node, and stays so on its way through
// JSON.
func TestNobodysOracles(t *testing.T) {
	t.Parallel()
	service := &listening{}
	c := newClient(t, serve(t, service, apiserver.HandlerOptions{}), "")
	some := []protocol.Owner{{7}}
	for _, oracles := range [][]protocol.Owner{nil, {}, some} {
		if _, err := c.Query(t.Context(), api.Query{Selectors: []api.SelectorRange{{Name: "n"}}, Oracles: oracles}); err != nil {
			t.Fatal(err)
		}
		got := service.asked[len(service.asked)-1].Oracles
		if (got == nil) != (oracles == nil) || !slices.Equal(got, oracles) {
			t.Errorf("sent %#v, arrived %#v", oracles, got)
		}
	}
}
