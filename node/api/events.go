package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/tmaxmax/go-sse"

	"github.com/lf-store/lf/internal/strictjson"
)

// TypeEvents is the media type of an answer that comes as events: "progress" with a [WorkProgress]
// any number of times, then one "result" or "error".
const TypeEvents = "text/event-stream"

// The events of such an answer.
const (
	EventProgress = "progress"
	EventResult   = "result" // the answer's body
	EventError    = "error"  // an [Error]
)

// maxEvent bounds an event, in bytes. Results of work are small.
const maxEvent = maxProblem

// readEvents reads an answer that comes as events.
func (c *Client) readEvents(ctx context.Context, resp *http.Response, out any, report func(WorkProgress)) error {
	for event, err := range sse.Read(resp.Body, &sse.ReadConfig{MaxEventSize: maxEvent}) {
		if err != nil {
			return c.failedEvents(ctx, err)
		}
		switch event.Type {
		case EventProgress:
			var p WorkProgress
			if err := readEvent(event.Data, &p); err != nil {
				return c.failedEvents(ctx, err)
			}
			report(p)
		case EventResult:
			if err := readEvent(event.Data, out); err != nil {
				return c.failedEvents(ctx, err)
			}
			return nil
		case EventError:
			e := new(Error)
			if err := readEvent(event.Data, e); err != nil {
				return c.failedEvents(ctx, err)
			}
			return e
		}
	}
	return c.failedEvents(ctx, fmt.Errorf("it ended without a result"))
}

func readEvent(data string, out any) error {
	return strictjson.Read(strings.NewReader(data), out, strictjson.IgnoreUnknown)
}

func (c *Client) failedEvents(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return c.failed(ctx, err)
	}
	return fmt.Errorf("the answer of the node at %s is cut off or makes no sense: %w", c.url, err)
}

// AppendEvent appends an event. The data have no line breaks.
func AppendEvent(b []byte, name string, data []byte) []byte {
	return fmt.Appendf(b, "event: %s\ndata: %s\n\n", name, bytes.TrimSpace(data))
}
