package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/node/internal/usersocket"
)

// Client is a [Service] over HTTP: a node at some address. Every call ends by the deadline of its
// context, and without one after a time that depends on the call. It is safe for concurrent use and
// keeps connections until [Client.Close].
type Client struct {
	url     string // as the user knows it
	base    string // what the paths of requests are added to
	token   string
	http    *http.Client
	timeout time.Duration
	err     error // what is wrong with the address; every call returns it
}

const (
	dialTimeout = 10 * time.Second
	// maxAnswer bounds what a client reads: a node may be another one than it seems. It has room
	// for a full query of values of ordinary size.
	maxAnswer  = 256 << 20
	maxProblem = 64 << 10
	// keptConnections is how many idle ones a client keeps, and for how long: shorter than the
	// server does.
	keptConnections = 64
	keepFor         = time.Minute
)

// How long a call may take whose context has no earlier deadline.
const (
	// DefaultReadTimeout is for reading, unless [Client.SetReadTimeout] says otherwise.
	DefaultReadTimeout = 30 * time.Second
	// submitTimeout is for handing in a finished record: a node answers when its disk has it.
	submitTimeout = 2 * time.Minute
	// workTimeout is for what a node works for.
	workTimeout = time.Hour
)

// socketScheme begins the address of a node that is reached through a Unix socket: unix:PATH.
const socketScheme = "unix:"

// SocketURL is the address of the node that listens on a Unix socket, as [NewClient] takes it.
func SocketURL(path string) string { return socketScheme + path }

// NewClient returns a client of the node at an address: a URL (http or https; without a scheme:
// http), or unix:PATH for a Unix socket. token is what writing needs over TCP; it may be empty. An
// address that makes no sense is reported by every call. A client sends nothing to a socket on
// which a process of another user listens, unless that user is root or owns the socket's folder.
func NewClient(address, token string) *Client {
	if path, ok := strings.CutPrefix(address, socketScheme); ok {
		c := NewClientVia("http://localhost", token, func(ctx context.Context, _, _ string) (net.Conn, error) {
			return usersocket.Dial(ctx, path)
		})
		c.url = address
		if !filepath.IsAbs(path) {
			c.err = fmt.Errorf("%q is not the address of a node's API: want unix: and the socket's whole path", address)
		}
		return c
	}
	return NewClientVia(address, token, (&net.Dialer{Timeout: dialTimeout}).DialContext)
}

// NewClientVia is [NewClient] for a URL that is reached in a way of its own: dial opens a
// connection to its HOST:PORT.
func NewClientVia(baseURL, token string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	c := &Client{token: token, timeout: DefaultReadTimeout}
	c.base, c.err = cleanURL(baseURL)
	c.url = c.base
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment, // never for loopback addresses
			DialContext:         dial,
			TLSHandshakeTimeout: dialTimeout,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: keptConnections,
			IdleConnTimeout:     keepFor,
		},
		// A node redirects nobody, and the token is for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// SetReadTimeout says how long a call that reads may take. It must not run beside a call.
func (c *Client) SetReadTimeout(d time.Duration) { c.timeout = d }

// URL returns the node's address.
func (c *Client) URL() string { return c.url }

// Close closes the idle connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

func cleanURL(base string) (string, error) {
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return base, fmt.Errorf("%q is not the address of a node's API: want http://HOST:PORT or unix:PATH", base)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// UnreachableError says that nothing answers where a node should.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string {
	// ENOENT: no socket
	if errors.Is(e.Err, syscall.ECONNREFUSED) || errors.Is(e.Err, syscall.ENOENT) {
		return fmt.Sprintf("no node answers at %s: is `lf node` running?", e.URL)
	}
	return fmt.Sprintf("no node answers at %s: %v", e.URL, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// TimeoutError says that a node did not answer in time; it is a [context.DeadlineExceeded].
type TimeoutError struct {
	URL   string
	After time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("no answer from the node at %s within %s", e.URL, e.After)
}

func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// request is one call: a body of a media type, or none, and where the answer goes.
type request struct {
	method, path string
	contentType  string
	accept       string // with JSON, which errors come in; "": nothing more
	body         []byte
	// sent again on another connection, if the one it was sent on turns out to be dead
	repeatable bool
	timeout    time.Duration // 0: that of reading
	out        any           // nil: the answer has no body
	// told of the progress of work, if the node tells it; nil: it is not asked to
	report func(WorkProgress)
}

func (c *Client) do(ctx context.Context, q request) error {
	if c.err != nil {
		return c.err
	}
	if q.timeout == 0 {
		q.timeout = c.timeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, q.timeout, &TimeoutError{c.url, q.timeout})
	defer cancel()
	r, err := c.newRequest(ctx, q)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return c.failed(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.problem(resp)
	}
	switch {
	case q.out == nil:
		return nil
	case q.report != nil && strings.HasPrefix(resp.Header.Get("Content-Type"), TypeEvents):
		return c.readEvents(ctx, resp, q.out, q.report)
	}
	return c.read(ctx, resp, q.out)
}

func (c *Client) newRequest(ctx context.Context, q request) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path, body)
	if err != nil {
		return nil, fmt.Errorf("ask the node at %s: %w", c.url, err)
	}
	r.Header.Set("Accept", TypeJSON)
	if q.report != nil {
		r.Header.Add("Accept", TypeEvents)
	}
	if q.accept != "" {
		r.Header.Add("Accept", q.accept)
	}
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	switch key := IdempotencyKeyOf(ctx); {
	case q.repeatable:
		r.Header[HeaderIdempotencyKey] = nil // tells the transport, and is not sent
	case key != "":
		r.Header.Set(HeaderIdempotencyKey, key)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return r, nil
}

// failed words an error of the transport, without the method and URL that net/http puts in front.
func (c *Client) failed(ctx context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var late *TimeoutError
	var stranger *usersocket.StrangerError
	var untrusted *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil && errors.As(context.Cause(ctx), &late):
		return late
	case ctx.Err() != nil:
		return fmt.Errorf("no answer from the node at %s: %w", c.url, ctx.Err())
	case errors.As(err, &stranger):
		return stranger
	case errors.As(err, &untrusted):
		return fmt.Errorf("the certificate of %s is not to be trusted: %w (if its CA is your own, name that CA's file in SSL_CERT_FILE)", c.url, untrusted.Err)
	}
	return &UnreachableError{URL: c.url, Err: err}
}

func (c *Client) read(ctx context.Context, resp *http.Response, out any) error {
	if t := resp.Header.Get("Content-Type"); !strings.HasPrefix(t, TypeJSON) {
		return c.stranger(resp)
	}
	body := &io.LimitedReader{R: resp.Body, N: maxAnswer}
	err := strictjson.Read(body, out, strictjson.IgnoreUnknown) // an answer may have grown a member
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return c.failed(ctx, err)
	case body.N <= 0:
		return fmt.Errorf("the answer of the node at %s is larger than %d MiB: ask for less (a limit, a range)", c.url, maxAnswer>>20)
	}
	return fmt.Errorf("the answer of the node at %s is cut off or makes no sense: %w", c.url, err)
}

// problem turns an answer that is an error into an [Error].
func (c *Client) problem(resp *http.Response) error {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), TypeProblem) {
		return c.stranger(resp)
	}
	e := new(Error)
	if err := strictjson.Read(io.LimitReader(resp.Body, maxProblem), e, strictjson.IgnoreUnknown); err != nil {
		return c.stranger(resp)
	}
	e.Status = resp.StatusCode
	if e.Title == "" {
		e.Title = title(e.Status)
	}
	return e
}

// stranger says what an answer is that no node has made. A web server in front of a node that is
// away answers 502, 503 or 504.
func (c *Client) stranger(resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &UnreachableError{URL: c.url, Err: fmt.Errorf("the web server there answers %s", resp.Status)}
	}
	return fmt.Errorf("what answers at %s is not a node of LF, or not directly (status %d, %q)", c.url, resp.StatusCode, resp.Header.Get("Content-Type"))
}
