package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/tmaxmax/go-sse"

	"github.com/lf-store/lf/protocol"
)

const (
	// watchSilence is how long a stream may be silent: three times as long as a node that lives.
	watchSilence = 45 * time.Second
	// maxWatchEvent bounds an event: a value in JSON, where a byte takes six at worst, its frame,
	// and room.
	maxWatchEvent = 6*protocol.MaxPlaintext + 2*protocol.MaxFrame + 64<<10
)

// Watch implements [Service]. A node that sends nothing for 45 s is taken for dead.
func (c *Client) Watch(ctx context.Context, r WatchRequest) iter.Seq2[*WatchEvent, error] {
	return func(yield func(*WatchEvent, error) bool) {
		err := c.watch(ctx, &r, func(e *WatchEvent) bool { return yield(e, nil) })
		if err != nil {
			yield(nil, err)
		}
	}
}

// watch returns nil if take wanted no more.
func (c *Client) watch(ctx context.Context, r *WatchRequest, take func(*WatchEvent) bool) error {
	if c.err != nil {
		return c.err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// until the answer begins, a call like others
	alive := time.AfterFunc(c.timeout, func() { cancel(&TimeoutError{c.url, c.timeout}) })
	defer alive.Stop()
	request, err := c.newRequest(ctx, request{method: http.MethodPost, path: "/v1/watch", contentType: TypeJSON, body: body, repeatable: true})
	if err != nil {
		return err
	}
	request.Header.Set("Accept", TypeEvents)
	resp, err := c.http.Do(request)
	if err != nil {
		return c.failed(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return c.problem(resp)
	case !strings.HasPrefix(resp.Header.Get("Content-Type"), TypeEvents):
		return c.stranger(resp)
	}
	alive.Stop()
	silent := time.AfterFunc(watchSilence, func() { cancel(&TimeoutError{c.url, watchSilence}) })
	defer silent.Stop()
	return c.readWatch(ctx, heard{resp.Body, silent}, silent, take)
}

// heard notes when something has come.
type heard struct {
	io.Reader
	silent *time.Timer
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if n > 0 {
		h.silent.Reset(watchSilence)
	}
	return n, err
}

// readWatch reads the events of a stream. While take is at work, nobody listens, and the node's
// silence does not count.
func (c *Client) readWatch(ctx context.Context, body io.Reader, silent *time.Timer, take func(*WatchEvent) bool) error {
	for event, err := range sse.Read(body, &sse.ReadConfig{MaxEventSize: maxWatchEvent}) {
		if err != nil {
			return c.failedStream(ctx, err)
		}
		if event.Type == EventError {
			e := new(Error)
			if err := readEvent(event.Data, e); err != nil {
				return c.failedEvents(ctx, err)
			}
			return e
		}
		e := new(WatchEvent)
		if err := readEvent(event.Data, e); err != nil {
			return c.failedEvents(ctx, err)
		}
		silent.Stop()
		if !take(e) {
			return nil
		}
		silent.Reset(watchSilence)
	}
	return c.failed(ctx, errors.New("the stream of events ended"))
}

// failedStream tells a connection that broke, which a watcher opens again, from what is no stream
// of events.
func (c *Client) failedStream(ctx context.Context, err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return c.failedEvents(ctx, err)
	}
	return c.failed(ctx, err)
}
