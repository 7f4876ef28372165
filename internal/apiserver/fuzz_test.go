package apiserver_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
)

// Whatever is asked, the handler answers, and never that the node failed.
func fuzzHandler(f *testing.F) http.Handler {
	f.Helper()
	return apiserver.NewHandler(newFake(f), apiserver.HandlerOptions{Token: token})
}

func neverFails(t *testing.T, h http.Handler, r *http.Request) {
	t.Helper()
	r = r.WithContext(arrivedAt(t.Context(), "127.0.0.1"))
	r.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= 500 || w.Code < 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("status %d as %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
}

func FuzzKV(f *testing.F) {
	h := fuzzHandler(f)
	for _, r := range malformed {
		if r.method == "GET" && len(r.target) < 100 {
			f.Add(r.target)
		}
	}
	f.Add("k=bad&k=horse%231%232&open&limit=5&history=true&since=1&until=2")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/v1/kv", nil)
		r.URL.RawQuery = query
		neverFails(t, h, r)
	})
}

func FuzzBodies(f *testing.F) {
	h := fuzzHandler(f)
	for _, r := range malformed {
		if r.method == "POST" {
			f.Add([]byte(r.body))
		}
	}
	f.Add([]byte(validSet))
	f.Add([]byte(validPrepare))
	f.Add([]byte(`{"worked":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","effort":1}`))
	f.Add([]byte(`{"header":"iQEA","value":"AA==","signature":"` + strings.Repeat("A", 86) + `=="}`))
	f.Add([]byte(`{"selectors":[{"key":"8f3bb9e7a4d5c60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f","from":1,"to":2}],"owners":[],"limit":3}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for path, contentType := range map[string]string{
			"/v1/query": "application/json", "/v1/set": "application/json", "/v1/records": "application/json", "/v1/records?": "application/cbor",
			"/v1/prepare": "application/json", "/v1/work": "application/json",
		} {
			r := httptest.NewRequest("POST", path, bytes.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			withToken(r)
			neverFails(t, h, r)
		}
	})
}

func FuzzPath(f *testing.F) {
	h := fuzzHandler(f)
	f.Add("GET", "/v1/records/bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy", "application/cbor")
	f.Add("OPTIONS", "/v1//kv/../set", "*/*")
	f.Fuzz(func(t *testing.T, method, path, accept string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL.Path = method, path
		r.Header.Set("Accept", accept)
		neverFails(t, h, r)
	})
}

// FuzzHeaders reads what clients and proxies say in headers. A client's address is the proxy's word
// or unknown, and no wait is longer than a minute.
func FuzzHeaders(f *testing.F) {
	f.Add("198.51.100.1, 10.0.0.7", "respond-async, wait=10", "application/json, text/event-stream")
	f.Add("[2001:db8::1]:443", `wait="7";x, RESPOND-ASYNC`, "text/event-stream;q=0.1")
	f.Add(",,", "wait=99999999999999999999", ";,")
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, forwarded, prefer, accept string) {
		h := http.Header{"X-Forwarded-For": {forwarded}, "Prefer": {prefer}, "Accept": {accept}}
		if a := apiserver.ClientAddress(proxies, &http.Request{RemoteAddr: "10.0.0.1:5", Header: h}); a.IsValid() && a.Zone() != "" {
			t.Errorf("%q is %s", forwarded, a)
		}
		if a := apiserver.ClientAddress(proxies, &http.Request{RemoteAddr: "192.0.2.1:5", Header: h}); a != netip.MustParseAddr("192.0.2.1") {
			t.Errorf("a stranger is taken for %s by %q", a, forwarded)
		}
		if _, wait := apiserver.Prefers(h); wait < 0 || wait > time.Minute {
			t.Errorf("%q waits %v", prefer, wait)
		}
		if apiserver.AcceptsEvents(h) && !strings.Contains(strings.ToLower(accept), "text/event-stream") {
			t.Errorf("%q accepts events", accept)
		}
	})
}
