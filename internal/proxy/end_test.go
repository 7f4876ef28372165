package proxy

import (
	"errors"
	"net/http"
	"testing"

	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/internal/workqueue"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/pow"
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

// heldSearch is package pow's search, which finds nothing before it may.
type heldSearch struct {
	*pow.Search
	begun, may chan struct{}
}

func (s heldSearch) Attempt() (pow.Proof, bool) {
	select {
	case s.begun <- struct{}{}:
	default:
	}
	select {
	case <-s.may:
		return s.Search.Attempt()
	default:
		return pow.Proof{}, false
	}
}

// TestEndFinishes: what is being worked for when a proxy ends is found, handed in and answered, if
// that takes no long time. What waits for its turn is handed back.
func TestEndFinishes(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = 1 })
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := startProxy(t, Config{Home: h, Network: n, Nodes: []NodeAddress{serveNode(t, n)}})
	held := heldSearch{begun: make(chan struct{}, 1), may: make(chan struct{})}
	w := p.service.writes
	w.pool = workqueue.NewPool(workqueue.Config{
		Threads: 1, Limits: workqueue.Limits{Jobs: 10, ClientJobs: 10},
		Search: func(challenge []byte, effort uint32) (workqueue.Search, error) {
			s, err := pow.NewSearch(challenge, effort)
			return heldSearch{s, held.begun, held.may}, err
		},
	})
	w.worker = apiwriter.NewWorker(n, w.pool, w.proofs)
	token, err := h.ReadToken()
	if err != nil {
		t.Fatal(err)
	}
	client := api.NewClient(p.APIURL(), token)
	defer client.Close()
	if _, err := h.Owners().New("phone"); err != nil {
		t.Fatal(err)
	}
	set := func(key string) <-chan error {
		done := make(chan error, 1)
		go func() {
			text := key
			written, err := client.Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors(key), Text: &text})
			if err == nil && written.State != api.StateAttached {
				err = errors.New(written.State)
			}
			done <- err
		}()
		return done
	}
	worked := set("worked")
	<-held.begun
	waiting := set("waiting")
	eventually(t, "both are in the queue", func() bool { return w.pool.Len() == 2 })
	closed := make(chan error, 1)
	go func() { closed <- p.Close() }()
	var refused *api.Error
	if err := <-waiting; !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
		t.Errorf("what waits ended with %v", err)
	}
	close(held.may)
	if err := <-worked; err != nil {
		t.Errorf("what was worked for ended with %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
