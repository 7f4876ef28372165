package apiserver

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lf-store/lf/node/api"
)

// repeatable makes an operation one that may take long, and that a client may repeat with a key.
func (h *Handler) repeatable(op huma.Operation) huma.Operation {
	op = h.patient(op)
	op.Middlewares = append(huma.Middlewares{h.takeKey}, op.Middlewares...)
	if !h.idempotency {
		return op
	}
	most := api.MaxIdempotencyKey
	op.Parameters = append(op.Parameters, &huma.Param{
		Name: api.HeaderIdempotencyKey, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &most},
		Description: "a random text: the same request with the same key, sent again within 24 hours, makes no second record. A key stands for one request",
	})
	return op
}

// takeKey notes the key by which a client repeats a request, for the service. A service that does
// not know such keys refuses them: the client would rely on it.
func (h *Handler) takeKey(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	keys := r.Header.Values(api.HeaderIdempotencyKey)
	var err error
	switch {
	case len(keys) == 0:
		next(ctx)
		return
	case !h.idempotency:
		err = api.Invalid("a node does not know the header %s, a proxy does: leave it out", api.HeaderIdempotencyKey)
	case len(keys) > 1 || keys[0] == "" || len(keys[0]) > api.MaxIdempotencyKey || strings.ContainsFunc(keys[0], func(c rune) bool { return c < ' ' || c > '~' }):
		err = api.Invalid("the header %s wants one key of 1 to %d characters of ASCII", api.HeaderIdempotencyKey, api.MaxIdempotencyKey)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	with := api.WithIdempotencyKey(ctx.Context(), keys[0])
	if x, ok := ctx.(exchange); ok { // it stays one
		x.humaContext = huma.WithContext(x.humaContext, with)
		next(x)
		return
	}
	next(huma.WithContext(ctx, with))
}
