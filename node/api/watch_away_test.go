package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
)

// TestWatchCutOff has streams end as they do when a node or a web server in front of it goes away.
// An answer that makes no sense is another error.
func TestWatchCutOff(t *testing.T) {
	t.Parallel()
	event := "event: sync\ndata: {\"event\":\"sync\",\"cursor\":\"\",\"sync\":\"synced\",\"listed\":true}\n\n"
	for name, c := range map[string]struct {
		status int
		body   string
		events int
		away   bool
	}{
		"ended":            {200, event, 1, true},
		"ended at once":    {200, "", 0, true},
		"in an event":      {200, event + event[:len(event)/2], 1, true},
		"before its blank": {200, event + event[:len(event)-1], 1, true},
		"bad gateway":      {502, "<html>", 0, true},
		"unavailable":      {503, "<html>", 0, true},
		"gateway timeout":  {504, "<html>", 0, true},
		"not a node":       {200, "<html>", 0, false},
		"no such page":     {404, "<html>", 0, false},
		"no JSON":          {200, "event: sync\ndata: nonsense\n\n", 0, false},
		"without end":      {200, "data: " + strings.Repeat("x", 4<<20), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", api.TypeEvents)
				if strings.HasPrefix(c.body, "<") {
					w.Header().Set("Content-Type", "text/html")
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer server.Close()
			got := 0
			for e, err := range newClient(t, server.URL, "").Watch(t.Context(), api.WatchRequest{Keys: []api.WatchKey{{}}}) {
				if err == nil {
					got++
					if !e.Listed {
						t.Errorf("%+v", e)
					}
					continue
				}
				var away *api.UnreachableError
				if errors.As(err, &away) != c.away || !strings.Contains(err.Error(), server.URL) {
					t.Errorf("%v", err)
				}
			}
			if got != c.events {
				t.Errorf("%d events, want %d", got, c.events)
			}
		})
	}
}
