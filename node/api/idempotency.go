package api

import "context"

// HeaderIdempotencyKey names the header by which a client says that two requests are the same one.
const HeaderIdempotencyKey = "Idempotency-Key"

// MaxIdempotencyKey is how long such a key may be, in bytes.
const MaxIdempotencyKey = 256

type idempotencyKey struct{}

// WithIdempotencyKey returns a context for calls of [Service.Set] that may be repeated. Of all
// calls with the same key, a proxy makes one record. A key stands for one request. It should be
// random, since it also keeps secret what the proxy notes of the request.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKey{}, key)
}

// IdempotencyKeyOf returns the key of a call, "" for none.
func IdempotencyKeyOf(ctx context.Context) string {
	key, _ := ctx.Value(idempotencyKey{}).(string)
	return key
}
