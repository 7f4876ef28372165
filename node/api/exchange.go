package api

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/validation"
)

type humaContext = huma.Context

// exchange is a request and its answer as huma sees them.
type exchange struct {
	humaContext
	query url.Values
}

// Unwrap implements what [humago.Unwrap] looks for.
func (x exchange) Unwrap() huma.Context { return x.humaContext }

// Query answers out of a query string that has been read strictly; huma's own reader guesses where
// that is malformed, and misses a bare flag that is not the last parameter.
func (x exchange) Query(name string) string { return x.query.Get(name) }

// Header leaves out of an Accept header what is no media range: huma's choice among types fails on
// ";,".
func (x exchange) Header(name string) string {
	value := x.humaContext.Header(name)
	if name != "Accept" {
		return value
	}
	var ranges []string
	for given := range strings.SplitSeq(value, ",") {
		kind, _, err := mime.ParseMediaType(given)
		if err == nil && strings.Contains(kind, "/") {
			ranges = append(ranges, strings.TrimSpace(given))
		}
	}
	return strings.Join(ranges, ",")
}

// SetReadDeadline leaves the server's deadline as it is: huma sets one of its own for each
// operation with a body.
func (x exchange) SetReadDeadline(time.Time) error { return nil }

// BodyReader says of every body that does not come whole that it is late (408), which huma takes
// for the client's doing; any other error it takes for the server's.
func (x exchange) BodyReader() io.Reader { return lateBody{x.humaContext.BodyReader()} }

type lateBody struct{ io.Reader }

func (b lateBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", os.ErrDeadlineExceeded, err)
	}
	return n, err
}

// admit stands before every operation: it refuses who may not ask, and what huma would be lenient
// about.
func (h *Handler) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	op := ctx.Operation()
	err := h.guard.checkAccess(op.Security, r)
	if err == nil {
		err = checkType(op.RequestBody, r.Header.Get("Content-Type"))
	}
	if coding := r.Header.Get("Content-Encoding"); err == nil && op.RequestBody != nil && coding != "" && !strings.EqualFold(coding, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		err = newError(http.StatusUnsupportedMediaType, "the body is compressed (Content-Encoding %q), which the node does not accept", coding)
	}
	var query url.Values
	if err == nil && r.URL.RawQuery != "" {
		query, err = readQuery(op.Parameters, r.URL.RawQuery)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	next(exchange{ctx, query})
}

// checkType refuses a body that does not say that it is of a type the operation takes. Huma takes a
// body without a type for JSON, but a page of another site can send such a one without asking
// first.
func checkType(body *huma.RequestBody, contentType string) error {
	if body == nil {
		return nil
	}
	if _, ok := body.Content[mediaType(contentType)]; ok {
		return nil
	}
	types := slices.Sorted(maps.Keys(body.Content))
	return newError(http.StatusUnsupportedMediaType, "the content type is %q, want %s", contentType, strings.Join(types, " or "))
}

// readQuery is strict where an operation has parameters: one that is unknown, empty, or given twice
// where one is meant, is an error and not a different answer. The bare name of a flag sets it.
func readQuery(parameters []*huma.Param, raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, Malformed("the query string: %v", err)
	}
	if len(parameters) == 0 {
		return nil, nil
	}
	for name, given := range values {
		i := slices.IndexFunc(parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
		switch {
		case i < 0:
			return nil, Invalid("unknown parameter %q", name)
		case len(given) > 1 && parameters[i].Schema.Type != huma.TypeArray:
			return nil, Invalid("parameter %q is given twice", name)
		case given[0] == "" && parameters[i].Schema.Type == huma.TypeBoolean:
			given[0] = "true"
		case given[0] == "":
			return nil, Invalid("parameter %q is empty", name)
		}
	}
	return values, nil
}

// problems is the transformer that huma sends every answer through: errors, huma's own among them,
// become ours. (Setting huma.NewError would do the same, but to every API in the process.)
func problems(ctx huma.Context, _ string, v any) (any, error) {
	var e *Error
	switch err := v.(type) {
	case *Error:
		e = err
	case *huma.ErrorModel:
		e = newError(err.Status, "%s", detail(err))
	default:
		return v, nil
	}
	e.setHeaders(ctx.SetHeader)
	return e, nil
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
	if value, _ := first.Value.(string); value != "" && !strings.Contains(message, strconv.Quote(value)) {
		message += fmt.Sprintf(", not %q", value)
	}
	return fmt.Sprintf("parameter %q: %s", name, message)
}
