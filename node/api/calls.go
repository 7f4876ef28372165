package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/lf-store/lf/protocol"
)

var _ Service = (*Client)(nil)

func (c *Client) get(ctx context.Context, path string, out any) error {
	return c.do(ctx, request{method: http.MethodGet, path: path, out: out})
}

// send makes a call whose body is in.
func (c *Client) send(ctx context.Context, q request, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	q.contentType, q.body = TypeJSON, body
	return c.do(ctx, q)
}

// ok returns what a call filled in, unless the call failed.
func ok[T any](v *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Status implements [Service].
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var s Status
	return ok(&s, c.get(ctx, "/v1/status", &s))
}

// Doctor implements [Service].
func (c *Client) Doctor(ctx context.Context) (*Checkup, error) {
	var checkup Checkup
	return ok(&checkup, c.get(ctx, "/v1/doctor", &checkup))
}

// Network implements [Service].
func (c *Client) Network(ctx context.Context) (*protocol.NetworkFile, error) {
	var f protocol.NetworkFile
	return ok(&f, c.get(ctx, "/v1/network", &f))
}

// Synced implements [Service].
func (c *Client) Synced(ctx context.Context, timeout time.Duration) (*SyncStatus, error) {
	if err := CheckTimeout(timeout); err != nil {
		return nil, err
	}
	var s SyncStatus
	seconds := strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64)
	return ok(&s, c.do(ctx, request{
		method: http.MethodPost, path: "/v1/synced?timeout=" + seconds, repeatable: true, timeout: timeout + c.timeout, out: &s,
	}))
}

// Query implements [Service].
func (c *Client) Query(ctx context.Context, q Query) (*QueryResult, error) {
	var result QueryResult
	return ok(&result, c.send(ctx, request{method: http.MethodPost, path: "/v1/query", repeatable: true, out: &result}, q))
}

// Record implements [Service].
func (c *Client) Record(ctx context.Context, id protocol.ID) (*RecordInfo, error) {
	var info RecordInfo
	return ok(&info, c.get(ctx, "/v1/records/"+id.String(), &info))
}

// Submit implements [Service].
func (c *Client) Submit(ctx context.Context, frame []byte) (*Submitted, error) {
	if len(frame) == 0 { // an empty body would be none
		var invalid *protocol.InvalidError
		_, err := protocol.DecodeFrame(frame)
		if errors.As(err, &invalid) {
			return nil, InvalidRecord(invalid)
		}
		return nil, err
	}
	var s Submitted
	return ok(&s, c.do(ctx, request{
		method: http.MethodPost, path: "/v1/records", contentType: TypeFrame, body: frame, repeatable: true, timeout: submitTimeout, out: &s,
	}))
}

// Links implements [Service].
func (c *Client) Links(ctx context.Context, q LinksQuery) (*Links, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	path := "/v1/links?count=" + strconv.Itoa(q.Count)
	if q.Owner != nil {
		path += "&owner=" + q.Owner.String()
	}
	for _, p := range q.Selectors {
		path += "&key=" + p.Key.String() + "%23" + strconv.FormatUint(p.Ordinal, 10)
	}
	var l Links
	return ok(&l, c.get(ctx, path, &l))
}

// Set implements [Service].
func (c *Client) Set(ctx context.Context, r SetRequest) (*Submitted, error) {
	if r.Value != nil && len(r.Value) == 0 && r.Text == nil {
		r.Text, r.Value = new(string), nil // an empty value would be left out of the JSON
	}
	var s Submitted
	return ok(&s, c.send(ctx, request{method: http.MethodPost, path: "/v1/set", timeout: workTimeout, out: &s, report: WorkProgressOf(ctx)}, r))
}
