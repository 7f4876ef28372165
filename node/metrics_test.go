package node

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestMetrics reads /metrics: those of every part are in it.
func TestMetrics(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 0)
	a := start(t, config(t, n))
	b := start(t, config(t, n, seeds(a)))
	wantPeers(t, b, 1)
	set(t, a.Service(), "counted", "metrics")
	wantRead(t, b.Service(), "counted", "metrics")
	resp, err := http.Get(b.APIURL() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", resp.Status, err)
	}
	for _, want := range []string{
		"go_goroutines ", "process_open_fds ", "libp2p_swarm_connections_opened_total", "libp2p_rcmgr_connections", "lf_store_records", "lf_sync_",
	} {
		if !strings.Contains(string(text), "\n"+want) {
			t.Errorf("no metric %s", want)
		}
	}
}
