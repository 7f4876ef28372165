package apiserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// canned answers every query at once, so that what is measured is the handler and net/http.
type canned struct {
	api.Service
	result *api.QueryResult
}

func (c canned) Query(context.Context, api.Query) (*api.QueryResult, error) { return c.result, nil }

// newCanned answers with one typical record: one selector, a value of 32 bytes.
func newCanned(b *testing.B) canned {
	f := newFake(b)
	text := "0123456789abcdef0123456789abcdef"
	if _, err := f.Set(b.Context(), api.SetRequest{Selectors: api.MustSelectors("horse#2"), Text: &text}); err != nil {
		b.Fatal(err)
	}
	q := api.Query{Selectors: []api.SelectorRange{{Name: "horse", From: 2, To: 2}}, Decrypt: true, Frames: true}
	result, err := f.Query(b.Context(), q)
	if err != nil || len(result.Answers) != 1 {
		b.Fatal(result, err)
	}
	return canned{f, result}
}

// BenchmarkHTTPQuery is the cost of a single-key query but for the query: 16 kept connections, over
// the loopback, load generator in the same process.
func BenchmarkHTTPQuery(b *testing.B) {
	s := newCanned(b)
	address := strings.TrimPrefix(serve(b, s, apiserver.HandlerOptions{}), "http://")
	byName, _ := json.Marshal(api.Query{Selectors: []api.SelectorRange{{Name: "horse", From: 2, To: 2}}, Decrypt: true})
	record, err := s.Record(b.Context(), s.result.Answers[0].Record)
	if err != nil {
		b.Fatal(err)
	}
	byKey := fmt.Appendf(nil, `{"selectors":[{"key":"%s","from":2,"to":2}],"frames":true}`, record.Selectors[0].Key)
	for name, request := range map[string][]byte{
		"kv":         apitest.Get("/v1/kv?k=horse%232"),
		"query-name": apitest.Post("/v1/query", byName),
		"query-key":  apitest.Post("/v1/query", byKey),
		"livez":      apitest.Get("/livez"), // net/http and nothing else
	} {
		b.Run(name, func(b *testing.B) {
			figures, err := apitest.Load(b.Context(), apitest.Plan{
				Address: address, Requests: max(b.N, 16), Request: func(int) []byte { return request },
			})
			if err != nil {
				b.Fatal(err)
			}
			figures.Report(b)
		})
	}
}

// discard is a response writer that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkHandler is the handler's own cost, without net/http's.
func BenchmarkHandler(b *testing.B) {
	s := newCanned(b)
	h := apiserver.NewHandler(s, apiserver.HandlerOptions{Token: token})
	body, _ := json.Marshal(api.Query{Selectors: []api.SelectorRange{{Name: "horse", From: 2, To: 2}}, Decrypt: true})
	for name, request := range map[string]func() *http.Request{
		"kv": func() *http.Request { return httptest.NewRequest("GET", "http://localhost/v1/kv?k=horse%232", nil) },
		"query": func() *http.Request {
			r := httptest.NewRequest("POST", "http://localhost/v1/query", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			return r
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r, w := request(), discard{http.Header{}}
			r.Header.Set("Authorization", "Bearer "+token)
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(body))
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}
