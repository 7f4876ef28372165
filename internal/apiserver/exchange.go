package apiserver

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
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/node/api"
)

type humaContext = huma.Context

// exchange is a request and its answer as huma sees them.
type exchange struct {
	humaContext
	query url.Values
}

// Unwrap implements what [humago.Unwrap] looks for.
func (x exchange) Unwrap() huma.Context { return x.humaContext }

// Query answers out of a query string that readQuery has read strictly. Huma's own reader guesses
// where the string is malformed, and misses a bare flag that is not the last parameter.
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

// BodyReader reports every body that does not come whole as late (408). Huma takes any other error
// for the server's fault.
func (x exchange) BodyReader() io.Reader { return lateBody{x.humaContext.BodyReader()} }

type lateBody struct{ io.Reader }

func (b lateBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", os.ErrDeadlineExceeded, err)
	}
	return n, err
}

// admit runs before every operation. It refuses clients that may not ask, and requests that huma
// would be lenient about.
func (h *Handler) admit(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	op := ctx.Operation()
	grant, err := h.guard.checkAccess(op.Security, r)
	if err == nil {
		err = h.checkType(op.RequestBody, r)
	}
	if coding := r.Header.Get("Content-Encoding"); err == nil && op.RequestBody != nil && coding != "" && !strings.EqualFold(coding, "identity") {
		w.Header().Set("Accept-Encoding", "identity")
		err = api.NewError(http.StatusUnsupportedMediaType, "the body is compressed (Content-Encoding %q), which the node does not accept", coding)
	}
	var query url.Values
	if err == nil && r.URL.RawQuery != "" {
		query, err = readQuery(op.Parameters, r.URL.RawQuery)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	with := caller.With(ctx.Context(), h.guard.caller(r))
	with, done := h.guard.whileAllowed(with, op.Security, r, grant)
	defer done()
	ctx = huma.WithContext(ctx, with)
	next(exchange{withGrant(ctx, grant), query})
}

// typeForm is the content type that curl -d gives a body whatever that is.
const typeForm = "application/x-www-form-urlencoded"

// checkType refuses a body without a content type that the operation takes. Huma takes a body
// without a type for JSON, but a page of another site can send one without asking first. No such
// page can show a token or reach the socket. With either, JSON may come as curl -d sends it.
func (h *Handler) checkType(body *huma.RequestBody, r *http.Request) error {
	contentType := r.Header.Get("Content-Type")
	if body == nil {
		return nil
	}
	if _, takesJSON := body.Content[api.TypeJSON]; takesJSON && mediaType(contentType) == typeForm && h.guard.isHolder(r) {
		return nil
	}
	_, any := body.Content[anyType]
	if _, ok := body.Content[mediaType(contentType)]; ok || any {
		return nil
	}
	types := slices.Sorted(maps.Keys(body.Content))
	return api.NewError(http.StatusUnsupportedMediaType, "the content type is %q, want %s", contentType, strings.Join(types, " or "))
}

// readQuery is strict where an operation has parameters. A parameter that is unknown, empty, or
// given twice where one is meant is an error. The bare name of a flag sets it.
func readQuery(parameters []*huma.Param, raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, api.Malformed("the query string: %v", err)
	}
	if len(parameters) == 0 {
		return nil, nil
	}
	for name, given := range values {
		i := slices.IndexFunc(parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
		switch {
		case i < 0:
			return nil, api.Invalid("unknown parameter %q", name)
		case len(given) > 1 && parameters[i].Schema.Type != huma.TypeArray:
			return nil, api.Invalid("parameter %q is given twice", name)
		case given[0] == "" && parameters[i].Schema.Type == huma.TypeBoolean:
			given[0] = "true"
		case given[0] == "":
			return nil, api.Invalid("parameter %q is empty", name)
		}
	}
	return values, nil
}
