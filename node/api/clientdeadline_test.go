package api_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lf-store/lf/node/api"
)

func TestSocketURLs(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"unix:/nowhere/api.sock": "no node answers at unix:/nowhere/api.sock: is `lf node` running?",
		"unix:api.sock":          "the socket's whole path",
		"unix:":                  "the socket's whole path",
	} {
		if _, err := newClient(t, given, "").Status(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", given, err)
		}
	}
}

// Every call ends, even where something listens and says nothing.
func TestSilentServer(t *testing.T) {
	calls := map[string]struct {
		within time.Duration
		call   func(context.Context, *api.Client) error
	}{
		"status": {api.DefaultReadTimeout, func(ctx context.Context, c *api.Client) error { _, err := c.Status(ctx); return err }},
		"query":  {api.DefaultReadTimeout, func(ctx context.Context, c *api.Client) error { _, err := c.Query(ctx, api.Query{}); return err }},
		"synced": {time.Minute + api.DefaultReadTimeout, func(ctx context.Context, c *api.Client) error { _, err := c.Synced(ctx, time.Minute); return err }},
		"submit": {2 * time.Minute, func(ctx context.Context, c *api.Client) error { _, err := c.Submit(ctx, []byte{1}); return err }},
		"set":    {time.Hour, func(ctx context.Context, c *api.Client) error { _, err := c.Set(ctx, api.SetRequest{}); return err }},
	}
	for name, q := range calls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := api.NewClientVia("http://127.0.0.1:9980", "", func(context.Context, string, string) (net.Conn, error) {
					near, far := net.Pipe()
					go func() { // takes everything, says nothing
						for b := make([]byte, 1024); ; {
							if _, err := far.Read(b); err != nil {
								return
							}
						}
					}()
					return near, nil
				})
				defer c.Close()
				begin := time.Now()
				err := q.call(t.Context(), c)
				var late *api.TimeoutError
				if took := time.Since(begin); !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || took != q.within {
					t.Errorf("after %s: %v, want an end after %s", took, err, q.within)
				}
				c.SetReadTimeout(time.Second)
				begin = time.Now()
				if _, err := c.Status(t.Context()); time.Since(begin) != time.Second || !strings.Contains(err.Error(), "127.0.0.1:9980 within 1s") {
					t.Errorf("after %s: %v", time.Since(begin), err)
				}
			})
		})
	}
}
