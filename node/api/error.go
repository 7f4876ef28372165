package api

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/lf-store/lf/protocol"
)

// Error is what a caller can do something about, as "problem details" of RFC 9457. It is the same
// on both sides: what a [Service] returns, a [Handler] writes as application/problem+json and a
// [Client] returns again.
type Error struct {
	Type   string `json:"type,omitempty" format:"uri-reference" doc:"absent: about:blank, the status says it all"`
	Title  string `json:"title" doc:"the status in words" example:"Not Found"`
	Status int    `json:"status" doc:"the HTTP status" example:"404"`
	Detail string `json:"detail,omitempty" doc:"what is wrong and what to do, in one line"`
	// Rule is the rule of the record format that a submitted record breaks; such an error unwraps
	// to a *protocol.InvalidError.
	Rule protocol.Rule `json:"rule,omitempty" doc:"the rule of the record format that a submitted record breaks"`
	// Damaged is the record that the node's disk damaged.
	Damaged *protocol.ID `json:"damaged,omitempty" doc:"the record that the node's disk damaged"`
	// Answer is what was deleted, with 410.
	Answer *Answer `json:"answer,omitempty" doc:"of a value that was deleted: by whom and when"`
	// RetryAfter is when trying again may help; 0: that is not known.
	RetryAfter int `json:"retryAfter,omitempty" doc:"seconds after which trying again may help, as the header Retry-After says"`
	// Sync tells how far a node came that was not in sync in time.
	Sync *SyncStatus `json:"sync,omitempty" doc:"how far the node came, where it is not in sync in time"`

	// Comparison tells what the nodes of a proxy answered that have nothing in common, with 409.
	Comparison *Comparison `json:"comparison,omitempty" doc:"of a proxy, with 409: what its nodes answered, which have nothing in common"`

	cause error
}

// Error returns the detail: one line for a user.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Title
	}
	return e.Detail
}

// Unwrap returns what the error was made from: on both sides alike for an invalid record, else only
// where it arose.
func (e *Error) Unwrap() error {
	if e.cause == nil && e.Rule != "" {
		return &protocol.InvalidError{Rule: e.Rule, Reason: e.Detail}
	}
	return e.cause
}

// Is reports whether target is an Error of the same status and without a detail, such as
// &Error{Status: 404}.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Detail == "" && t.Status == e.Status
}

// NewError says what is wrong in one line. An error among args becomes what the result unwraps to.
func NewError(status int, format string, args ...any) *Error {
	e := &Error{Status: status, Title: title(status), Detail: fmt.Sprintf(format, args...)}
	for _, a := range args {
		if err, ok := a.(error); ok {
			e.cause = err
		}
	}
	return e
}

// title is the status in words; 499 is nginx's, for a client that did not wait.
func title(status int) string {
	if status == StatusClientGone {
		return "Client Closed Request"
	}
	return http.StatusText(status)
}

// StatusClientGone is the status of a request whose client did not wait. Only logs and metrics show
// it.
const StatusClientGone = 499

// NotFound says that there is no such thing here (404).
func NotFound(format string, args ...any) *Error {
	return NewError(http.StatusNotFound, format, args...)
}

// Gone says that the value which was asked for alone has been deleted (410).
func Gone(a *Answer) *Error {
	e := NewError(http.StatusGone, "the value was deleted by %s at %s", a.Owner, time.UnixMilli(int64(a.Time)).UTC().Format(time.RFC3339))
	e.Answer = a
	return e
}

// Malformed says that a request cannot even be read (400).
func Malformed(format string, args ...any) *Error {
	return NewError(http.StatusBadRequest, format, args...)
}

// Invalid says that a request was understood and makes no sense (422).
func Invalid(format string, args ...any) *Error {
	return NewError(http.StatusUnprocessableEntity, format, args...)
}

// InvalidRecord says which rule a submitted record breaks (422).
func InvalidRecord(err *protocol.InvalidError) *Error {
	e := Invalid("%s", err.Reason)
	e.Rule, e.cause = err.Rule, err
	return e
}

// Unauthorized says that the request lacks the node's token or has another one (401).
func Unauthorized(format string, args ...any) *Error {
	return NewError(http.StatusUnauthorized, format, args...)
}

// Forbidden says that nobody may do this (403).
func Forbidden(format string, args ...any) *Error {
	return NewError(http.StatusForbidden, format, args...)
}

// Conflict says that the node's state does not allow this now, and trying again will not help
// (409).
func Conflict(format string, args ...any) *Error {
	return NewError(http.StatusConflict, format, args...)
}

// TooMany says that the caller has used up what it may for now. It may try again after wait (429).
func TooMany(wait time.Duration, format string, args ...any) *Error {
	e := NewError(http.StatusTooManyRequests, format, args...)
	e.RetryAfter = int(max(1, min((wait+time.Second-1)/time.Second, math.MaxInt32)))
	return e
}

// TooLarge says that something is above its limit (413).
func TooLarge(format string, args ...any) *Error {
	return NewError(http.StatusRequestEntityTooLarge, format, args...)
}

// NotSynced says that a node was not in sync when the time was up (504), or cannot be as it is
// offline (409).
func NotSynced(s *SyncStatus, format string, args ...any) *Error {
	status := http.StatusGatewayTimeout
	if s.State == SyncOffline {
		status = http.StatusConflict
	}
	e := NewError(status, format, args...)
	e.Sync = s
	return e
}

// Damaged says that a record cannot be shown because the node's disk damaged it. The status is 503
// while the record is fetched from a peer, and 500 when no peer has it.
func Damaged(id protocol.ID, unavailable bool) *Error {
	status := http.StatusServiceUnavailable
	if unavailable {
		status = http.StatusInternalServerError
	}
	e := NewError(status, "%s", DamagedText(id, unavailable))
	e.Damaged = &id
	return e
}

// DamagedText says in one line what it means that a record is damaged.
func DamagedText(id protocol.ID, unavailable bool) string {
	if unavailable {
		return fmt.Sprintf("this node's disk damaged record %s, and no peer has it: lf doctor says what to do", id)
	}
	return fmt.Sprintf("this node's disk damaged record %s; it is being fetched from a peer: try again soon", id)
}

// Unavailable says that the node cannot do this now: it is busy, starting or closing. Trying again
// may help (503).
func Unavailable(format string, args ...any) *Error {
	return NewError(http.StatusServiceUnavailable, format, args...)
}
