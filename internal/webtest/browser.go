package webtest

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"testing"
)

// Browser asks a server by HTTPS, by HTTP/1.1 or HTTP/2.
type Browser struct {
	t       *testing.T
	name    string
	version string
	// Client is what it asks with, URL where the server is.
	Client *http.Client
	URL    string
}

// Versions are the versions of HTTP that a browser speaks.
var Versions = []string{"HTTP/1.1", "HTTP/2.0"}

// NewBrowser makes a browser that asks the server of a name at a port of this machine.
func NewBrowser(t *testing.T, trust *x509.CertPool, name, port, version string) *Browser {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust, ServerName: name}, ForceAttemptHTTP2: version != "HTTP/1.1"}
	if version == "HTTP/1.1" { // which turns HTTP/2 off
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{t, name, version, &http.Client{Transport: transport, Timeout: patience}, "https://127.0.0.1:" + port}
}

// Do sends a request for a path under the server's name.
func (b *Browser) Do(path string, change ...func(*http.Request)) *http.Response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Host = b.name
	for _, c := range change {
		c(r)
	}
	answer, err := b.Client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	if answer.Proto != b.version {
		b.t.Errorf("%s %s: answered by %s, want %s", r.Method, path, answer.Proto, b.version)
	}
	return answer
}

// Want asks for a path under the server's name, and wants a status.
func (b *Browser) Want(status int, path string, change ...func(*http.Request)) http.Header {
	b.t.Helper()
	answer := b.Do(path, change...)
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != status {
		b.t.Errorf("%s %s as %s: %s, want %d: %s", answer.Request.Method, path, answer.Request.Host, answer.Status, status, body)
	}
	return answer.Header
}

// Status asks for a path under the server's name, and returns the status.
func (b *Browser) Status(path string, change ...func(*http.Request)) int {
	b.t.Helper()
	answer := b.Do(path, change...)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// Bearer sends a token along.
func Bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}
