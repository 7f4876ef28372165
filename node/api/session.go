package api

import (
	"context"
	"net/http"
	"net/url"
)

// Sessions is what a service offers in addition to [Service] to the user of its page in a browser.
type Sessions interface {
	// NewSession makes a session, or a code that starts one.
	NewSession(ctx context.Context, r SessionRequest) (*Session, error)
	// Sessions lists the open sessions, the oldest first.
	Sessions(ctx context.Context) (*SessionList, error)
	// EndSession ends a session at once, by its ID.
	EndSession(ctx context.Context, id string) error
}

// SessionRequest asks for a session of the page.
type SessionRequest struct {
	Code bool `json:"code,omitempty" doc:"answer with a code that starts the session, once and within 2 minutes, in place of its token"`
}

// SessionCode starts a session.
type SessionCode struct {
	Code string `json:"code" maxLength:"64" doc:"as POST /v1/sessions gave it; it works once"`
}

// Session lets a browser act for the service's user, for a time. It ends with the service's
// process.
type Session struct {
	ID    string `json:"id" doc:"names the session; it is no secret"`
	Made  uint64 `json:"made" doc:"ms since the Unix epoch"`
	Until uint64 `json:"until" doc:"when the session ends by itself, or until when the code works; ms since the Unix epoch"`
	Token string `json:"token,omitempty" doc:"what the browser shows (Authorization: Bearer TOKEN); given once"`
	Code  string `json:"code,omitempty" doc:"starts the session; given once"`
}

// SessionList lists open sessions.
type SessionList struct {
	Sessions []Session `json:"sessions" nullable:"false" doc:"the oldest first, without their tokens"`
}

var _ Sessions = (*Client)(nil)

// NewSession implements [Sessions].
func (c *Client) NewSession(ctx context.Context, r SessionRequest) (*Session, error) {
	var s Session
	return ok(&s, c.send(ctx, request{method: http.MethodPost, path: "/v1/sessions", out: &s}, r))
}

// Sessions implements [Sessions].
func (c *Client) Sessions(ctx context.Context) (*SessionList, error) {
	var list SessionList
	return ok(&list, c.get(ctx, "/v1/sessions", &list))
}

// EndSession implements [Sessions].
func (c *Client) EndSession(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/v1/sessions/" + url.PathEscape(id)})
}
