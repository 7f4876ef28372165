package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// errorOf turns whatever a service returned into an Error. What is nobody's business but the node's
// becomes a 500 without its text; the caller logs it.
func errorOf(err error) *api.Error {
	var e *api.Error
	var invalid *protocol.InvalidError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &invalid):
		return api.InvalidRecord(invalid)
	case errors.Is(err, protocol.ErrTooFarAhead):
		return api.Invalid("%v", err)
	case errors.Is(err, context.Canceled):
		return api.Unavailable("the node stopped working on the request: it may be closing")
	case errors.Is(err, context.DeadlineExceeded):
		return api.Unavailable("the node took too long")
	}
	return api.NewError(http.StatusInternalServerError, "the node failed; its log says why")
}

// statusError is a problem as huma wants errors, until problems takes it out again.
type statusError struct {
	problem *api.Error
	tag     string // the entity tag of what there is in place of a value; "": none
}

// taggedError is an error that a client may know already, by its entity tag.
type taggedError struct {
	error
	tag string
}

func (e *taggedError) Unwrap() error { return e.error }

// newStatusError is the error of a handler.
func newStatusError(problem *api.Error, err error) *statusError {
	var tagged *taggedError
	if errors.As(err, &tagged) {
		return &statusError{problem, tagged.tag}
	}
	return &statusError{problem, ""}
}

func (e *statusError) Error() string { return e.problem.Error() }

// GetStatus implements [huma.StatusError].
func (e *statusError) GetStatus() int { return e.problem.Status }

// setHeaders sets the headers of an answer that is a problem.
func setHeaders(e *api.Error, set func(name, value string)) {
	set("Content-Type", api.TypeProblem)
	switch {
	case e.Status == http.StatusUnauthorized:
		set("WWW-Authenticate", `Bearer realm="lf"`)
	case e.RetryAfter > 0:
		set("Retry-After", strconv.Itoa(e.RetryAfter))
	case e.Status == http.StatusServiceUnavailable:
		set("Retry-After", "1")
	}
}

// problems is the transformer that huma sends every answer through: errors, huma's own among them,
// become ours. (Setting huma.NewError would do the same, but to every API in the process.)
func problems(ctx huma.Context, _ string, v any) (any, error) {
	var e *api.Error
	switch err := v.(type) {
	case *statusError:
		if e = err.problem; err.tag != "" {
			ctx.SetHeader("ETag", err.tag)
		}
	case *huma.ErrorModel:
		e = api.NewError(err.Status, "%s", detail(err))
	default:
		return v, nil
	}
	setHeaders(e, ctx.SetHeader)
	return e, nil
}

// kinds are what a parameter must be, by huma's complaint that it is not.
var kinds = map[string]string{
	"invalid integer": "want a whole number",
	"invalid float":   "want a number",
	"invalid boolean": "want true or false",
}

// detail words the first of huma's complaints in one line.
func detail(m *huma.ErrorModel) string {
	if m.Status == http.StatusRequestTimeout {
		return "the body did not come in time, or not whole"
	}
	if _, limit, found := strings.Cut(m.Detail, "limit="); found && m.Status == http.StatusRequestEntityTooLarge {
		return "the body is larger than the limit of " + limit
	}
	if len(m.Errors) == 0 {
		return m.Detail
	}
	first := m.Errors[0]
	where, name, _ := strings.Cut(first.Location, ".")
	switch {
	case name == "":
		return "the body: " + first.Message
	case where == "body" && first.Message == validation.MsgUnexpectedProperty:
		return fmt.Sprintf("member %q: not known here (the case of letters matters)", name)
	case where == "body":
		return fmt.Sprintf("member %q: %s", name, first.Message)
	}
	// a parser of ours says what is wrong, and names the value
	message := strings.TrimPrefix(first.Message, "invalid value: ")
	if want, found := kinds[message]; found {
		message = want
	}
	if value, _ := first.Value.(string); value != "" && !strings.Contains(message, strconv.Quote(value)) {
		message += fmt.Sprintf(", not %q", value)
	}
	return fmt.Sprintf("parameter %q: %s", name, message)
}
