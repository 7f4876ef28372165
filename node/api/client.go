package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/lf-store/lf/internal/strictjson"
)

// Client is a [Service] over HTTP: a node at some address. Deadlines are the contexts'. It is safe for concurrent use
// and keeps connections until [Client.Close].
type Client struct {
	base  string
	token string
	http  *http.Client
	err   error // what is wrong with the address; every call returns it
}

const (
	dialTimeout = 10 * time.Second
	// maxAnswer bounds what a client reads: a node may be another one than it seems. It has room for a full query of
	// values of ordinary size.
	maxAnswer  = 256 << 20
	maxProblem = 64 << 10
	// keptConnections is how many idle ones a client keeps, and for how long: shorter than the server does.
	keptConnections = 64
	keepFor         = time.Minute
)

// NewClient returns a client of the node at baseURL (http or https; without a scheme: http). token is what writing
// needs; it may be empty. A base URL that makes no sense is reported by every call.
func NewClient(baseURL, token string) *Client {
	return NewClientVia(baseURL, token, (&net.Dialer{Timeout: dialTimeout}).DialContext)
}

// NewClientVia is [NewClient] for a node that is reached in a way of its own: dial opens a connection to its HOST:PORT.
func NewClientVia(baseURL, token string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	c := &Client{token: token}
	c.base, c.err = cleanURL(baseURL)
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

// URL returns the node's address.
func (c *Client) URL() string { return c.base }

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
		return base, fmt.Errorf("%q is not the address of a node's API: want http://HOST:PORT", base)
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// UnreachableError says that nothing answers where a node should.
type UnreachableError struct {
	URL string
	Err error
}

func (e *UnreachableError) Error() string {
	if errors.Is(e.Err, syscall.ECONNREFUSED) {
		return fmt.Sprintf("no node answers at %s: is `lf node` running?", e.URL)
	}
	return fmt.Sprintf("no node answers at %s: %v", e.URL, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// request is one call: a body of a media type, or none, and where the answer goes.
type request struct {
	method, path string
	contentType  string
	body         []byte
	repeatable   bool // sent again on another connection, if the one it was sent on turns out to be dead
	out          any
}

func (c *Client) do(ctx context.Context, q request) error {
	if c.err != nil {
		return c.err
	}
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
	return c.read(ctx, resp, q.out)
}

func (c *Client) newRequest(ctx context.Context, q request) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, c.base+q.path, body)
	if err != nil {
		return nil, fmt.Errorf("ask the node at %s: %w", c.base, err)
	}
	r.Header.Set("Accept", typeJSON)
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	if q.repeatable {
		r.Header["Idempotency-Key"] = nil // tells the transport, and is not sent
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
	if ctx.Err() != nil {
		return fmt.Errorf("no answer from the node at %s: %w", c.base, ctx.Err())
	}
	return &UnreachableError{URL: c.base, Err: err}
}

func (c *Client) read(ctx context.Context, resp *http.Response, out any) error {
	if t := resp.Header.Get("Content-Type"); !strings.HasPrefix(t, typeJSON) {
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
		return fmt.Errorf("the answer of the node at %s is larger than %d MiB: ask for less (a limit, a range)", c.base, maxAnswer>>20)
	}
	return fmt.Errorf("the answer of the node at %s is cut off or makes no sense: %w", c.base, err)
}

// problem turns an answer that is an error into an [Error].
func (c *Client) problem(resp *http.Response) error {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), typeProblem) {
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

func (c *Client) stranger(resp *http.Response) error {
	return fmt.Errorf("what answers at %s is not a node of LF, or not directly (status %d, %q)", c.base, resp.StatusCode, resp.Header.Get("Content-Type"))
}
