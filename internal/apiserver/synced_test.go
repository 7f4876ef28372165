package apiserver_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
)

// patient is a fake that is asked how long to wait, and is never in sync in time.
type patient struct {
	*apitest.Fake
	waited []time.Duration
}

func (p *patient) Synced(_ context.Context, timeout time.Duration) (*api.SyncStatus, error) {
	p.waited = append(p.waited, timeout)
	return nil, api.NotSynced(&api.SyncStatus{State: api.SyncFetching, Peers: 3, Agreeing: 1, Missing: 7}, "not yet")
}

// TestNotSynced holds that how far a node came crosses HTTP, and that a wait in vain is no failure
// of the node's.
func TestNotSynced(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	p := &patient{Fake: newFake(t)}
	url := serve(t, p, apiserver.HandlerOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	_, err := newClient(t, url, "").Synced(t.Context(), 1500*time.Millisecond)
	var e *api.Error
	if !errors.As(err, &e) || e.Status != http.StatusGatewayTimeout || e.Sync == nil || e.Sync.Missing != 7 || e.Sync.State != api.SyncFetching || e.Detail != "not yet" {
		t.Errorf("%+v", err)
	}
	if len(p.waited) != 1 || p.waited[0] != 1500*time.Millisecond {
		t.Errorf("waited %v", p.waited)
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", log.String())
	}
}

func TestSyncedTimeouts(t *testing.T) {
	t.Parallel()
	p := &patient{Fake: newFake(t)}
	h := apiserver.NewHandler(p, apiserver.HandlerOptions{})
	for query, status := range map[string]int{
		"": 504, "?timeout=0": 504, "?timeout=0.5": 504, "?timeout=3600": 504,
		"?timeout=-1": 422, "?timeout=3601": 422, "?timeout=NaN": 422, "?timeout=Inf": 422, "?timeout=soon": 422, "?timeout=": 422, "?wait=1": 422,
	} {
		asked := len(p.waited)
		if got := ask(t, h, "POST", "/v1/synced"+query, nil); got.Code != status {
			t.Errorf("%q: status %d, want %d: %s", query, got.Code, status, strings.TrimSpace(got.Body.String()))
		}
		if (len(p.waited) > asked) != (status == 504) {
			t.Errorf("%q: the service was asked: %v", query, p.waited)
		}
	}
}
