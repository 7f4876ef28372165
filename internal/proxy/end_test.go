package proxy

import (
	"errors"
	"net/http"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// TestEndHandsBack ends a proxy while it works for one client and others wait. All of them learn
// that they must ask again, before their connections end. The proxy is not ready any more then, but
// it answers.
func TestEndHandsBack(t *testing.T) {
	t.Parallel()
	// so much work that nobody does it
	n := newNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = 1 << 24 })
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := startProxy(t, Config{Home: h, Network: n, Nodes: []NodeAddress{serveNode(t, n)}})
	token, err := h.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	client := api.NewClient(p.APIURL(), token)
	defer client.Close()
	if _, err := h.Owners().New("phone"); err != nil {
		t.Fatal(err)
	}
	const requests = 5
	done := make(chan error, requests)
	for range requests {
		go func() {
			text := "never"
			_, err := client.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
			done <- err
		}()
	}
	eventually(t, "all wait", func() bool { return p.service.writes.pool.Len() == requests })
	closed := make(chan error, 1)
	go func() { closed <- p.Close() }()
	var first error
	for i := range requests {
		var answered *api.Error
		if err := <-done; !errors.As(err, &answered) || answered.Status != http.StatusServiceUnavailable {
			t.Errorf("request %d ended with %v", i, err)
		}
		if i == 0 { // the others wait for what is being worked for
			first = p.Ready()
		}
	}
	if !errors.Is(first, errClosing) {
		t.Errorf("while it ended it was ready: %v", first)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
