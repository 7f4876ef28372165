package apiserver

import (
	"net/http"
	"sync"

	"github.com/lf-store/lf/internal/caller"
	"github.com/lf-store/lf/node/api"
)

const (
	// maxAddressStreams is how many streams an address may have open without a token.
	// maxTokenStreams is how many the holders of a limited token may have: a proxy passes those of
	// many on.
	maxAddressStreams = 64
	maxTokenStreams   = 4096
)

// streamCounts counts the open streams of each client but the service's own user. It is safe for
// concurrent use.
type streamCounts struct {
	mu    sync.Mutex
	count map[string]int
}

func newStreamCounts() *streamCounts { return &streamCounts{count: map[string]int{}} }

// take counts a stream of a client, unless that has as many as it may have. The caller must call
// release when the stream ends.
func (c *streamCounts) take(client string, most int) (release func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count[client] >= most {
		return nil, api.NewError(http.StatusTooManyRequests, "this client has %d streams open, as many as it may have: close one, or watch several keys in one stream", most)
	}
	c.count[client]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.count[client]--; c.count[client] == 0 {
			delete(c.count, client)
		}
	}, nil
}

// takeStream counts a stream for its client: the holders of a limited token, or the site of an
// address.
func (h *Handler) takeStream(r *http.Request, by caller.Caller) (release func(), err error) {
	switch {
	case !by.Stranger:
		return func() {}, nil
	case by.Name != "":
		return h.streams.take("token "+by.Name, maxTokenStreams)
	}
	from, _ := h.guard.clientAddress(r)
	return h.streams.take("site "+siteOf(from).String(), maxAddressStreams)
}
