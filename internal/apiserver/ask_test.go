package apiserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
)

// asked is an answer of a handler.
type asked struct {
	*httptest.ResponseRecorder
	what string
}

// ask makes a request as a program on this machine would; change may alter it.
func ask(t testing.TB, h http.Handler, method, target string, body io.Reader, change ...func(*http.Request)) asked {
	t.Helper()
	r := httptest.NewRequestWithContext(arrivedAt(t.Context(), "127.0.0.1"), method, "http://localhost:9980"+target, body)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return asked{w, method + " " + target}
}

// arrivedAt is the context of a request that the server accepted at an address.
func arrivedAt(ctx context.Context, ip string) context.Context {
	return context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: net.ParseIP(ip), Port: 9980})
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func withToken(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }

func text(s string) io.Reader { return strings.NewReader(s) }

// want wants a status and a content type, and returns the body.
func (a asked) want(t testing.TB, status int, contentType string) []byte {
	t.Helper()
	if a.Code != status || a.Header().Get("Content-Type") != contentType {
		t.Fatalf("%s: status %d, %s, want %d, %s: %s", a.what, a.Code, a.Header().Get("Content-Type"), status, contentType, a.Body)
	}
	for name, value := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if a.Header().Get(name) != value {
			t.Errorf("%s: header %s is %q", a.what, name, a.Header().Get(name))
		}
	}
	for name := range a.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: header %s lets foreign pages in", a.what, name)
		}
	}
	return a.Body.Bytes()
}

// wantProblem wants an error as RFC 9457 describes one, in one line that says something.
func (a asked) wantProblem(t testing.TB, status int, says string) {
	t.Helper()
	var e api.Error
	body := a.want(t, status, "application/problem+json")
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("%s: %v: %s", a.what, err, body)
	}
	if e.Status != status || e.Title == "" || e.Detail == "" || strings.ContainsAny(e.Detail, "\n\r") {
		t.Errorf("%s: %s", a.what, body)
	}
	if !strings.Contains(e.Detail, says) {
		t.Errorf("%s: detail %q, want %q in it", a.what, e.Detail, says)
	}
	if !bytes.HasSuffix(body, []byte("\n")) {
		t.Errorf("%s: no line end, which a shell's user would like", a.what)
	}
}
