package lf_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// calls are the calls of a client, with the paths that each asks the node for.
var calls = map[string]struct {
	paths []string
	do    func(ctx context.Context, db *lf.Client, id protocol.ID) error
}{
	"get": {[]string{"/v1/query"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		_, err := db.Get(ctx, horse)
		return err
	}},
	"range": {[]string{"/v1/query"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		for _, err := range db.Range(ctx, lf.MustKey("horse#")) {
			return err
		}
		return nil
	}},
	"get synced": {[]string{"/v1/synced"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		_, err := db.Get(ctx, horse, lf.Synced(time.Second))
		return err
	}},
	"set": {[]string{"/v1/links", "/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		_, err := db.Set(ctx, horse, []byte("y"))
		return err
	}},
	"delete": {[]string{"/v1/query", "/v1/links", "/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		return db.Delete(ctx, horse)
	}},
	"load": {[]string{"/v1/links", "/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		return db.Load(ctx, lf.Entries(lf.Entry{Key: horse}), lf.Patience(0))
	}},
	"record": {[]string{"/v1/records"}, func(ctx context.Context, db *lf.Client, id protocol.ID) error {
		_, _, err := db.Record(ctx, id)
		return err
	}},
	"certificates": {[]string{"/v1/owners"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		_, err := db.Certificates(ctx, protocol.Owner{1})
		return err
	}},
	"release": {[]string{"/v1/query", "/v1/links", "/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		return db.Release(ctx, horse)
	}},
	"history": {[]string{"/v1/query"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		_, err := db.Query(ctx, horse, lf.History())
		return err
	}},
	"get many": {[]string{"/v1/query"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		for _, err := range db.GetMany(ctx, []lf.Key{horse, lf.MustKey("mule")}) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
	"records by": {[]string{"/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		for _, err := range db.RecordsBy(ctx, protocol.Owner{1}, 0) {
			return err
		}
		return nil
	}},
	"load file": {[]string{"/v1/status", "/v1/links", "/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		return loadNew(ctx, db, lf.Patience(0))
	}},
	"load changed": {[]string{"/v1/query", "/v1/links", "/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		return loadNew(ctx, db, lf.Patience(0), lf.OnlyChanged())
	}},
	"certify": {[]string{"/v1/links", "/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		ca, request, err := newCA()
		if err == nil {
			_, err = db.Certify(ctx, ca, request, time.Now().Add(time.Hour))
		}
		return err
	}},
	"revoke": {[]string{"/v1/links", "/v1/records"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		ca, _, err := newCA()
		if err == nil {
			_, err = db.Revoke(ctx, ca, []string{"\x01"}, time.Time{})
		}
		return err
	}},
	"serials": {[]string{"/v1/owners"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		ca, _, err := newCA()
		if err == nil {
			_, err = db.SerialsOf(ctx, ca, protocol.Owner{1})
		}
		return err
	}},
	"prepare": {[]string{"/v1/links"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		_, err := db.PrepareSet(ctx, protocol.Owner{7}, horse, []byte("y"))
		return err
	}},
	"await synced": {[]string{"/v1/synced"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		return db.AwaitSynced(ctx, time.Second)
	}},
	"open": {[]string{"/v1/network"}, func(ctx context.Context, db *lf.Client, _ protocol.ID) error {
		again, err := lf.Open(ctx, lf.WithNode(db.Address()), lf.WithToken(secret), lf.InHome(db.Home()))
		if err == nil {
			err = again.Close()
		}
		return err
	}},
}

// loadNew loads a file that no call has loaded before.
func loadNew(ctx context.Context, db *lf.Client, options ...lf.LoadOption) error {
	file, err := lf.OpenBulk("-", strings.NewReader(`{"selectors": ["horse"], "value": "`+rand.Text()+`"}`))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = db.LoadFile(ctx, file, options...)
	return err
}

// newCA makes a CA and an owner's request for a certificate.
func newCA() (ca *lf.CA, request []byte, err error) {
	if ca, err = lf.NewCA("ca", time.Now().Add(-time.Hour), time.Now().Add(time.Hour*2)); err != nil {
		return nil, nil, err
	}
	_, owner, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	request, err = protocol.NewRequest(owner, "somebody")
	return ca, request, err
}

// front stands before a node and meddles with what is asked for under a path.
type front struct {
	node   http.Handler
	mu     sync.Mutex
	path   string
	meddle func(w http.ResponseWriter, r *http.Request, node http.Handler)
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	path, meddle := f.path, f.meddle
	f.mu.Unlock()
	if meddle != nil && strings.HasPrefix(r.URL.Path, path) {
		meddle(w, r, f.node)
		return
	}
	f.node.ServeHTTP(w, r)
}

func (f *front) set(path string, meddle func(http.ResponseWriter, *http.Request, http.Handler)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.path, f.meddle = path, meddle
}

// openFront opens a client of a front with a fake node, and sets a value.
func openFront(t *testing.T) (*front, *lf.Client, protocol.ID) {
	t.Helper()
	f := &front{node: apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Token: secret})}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	db, err := lf.Open(t.Context(), lf.WithNode(server.URL), lf.WithToken(secret), lf.WithHome(filepath.Join(t.TempDir(), "home")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return f, db, set(t, db, horse, "x").ID
}

// die ends a connection before the answer.
func die(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// dieHalfway ends a connection in the middle of the answer.
func dieHalfway(w http.ResponseWriter, r *http.Request, node http.Handler) {
	answer := httptest.NewRecorder()
	node.ServeHTTP(answer, r)
	conn, out, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = out.WriteString("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n")
	_, _ = out.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	_ = out.Flush()
	_ = conn.Close()
}

// TestNodeDies ends the node in the middle of each call, before and in each answer. The error says
// that the node is away, and the same call succeeds when it is back.
func TestNodeDies(t *testing.T) {
	t.Parallel()
	f, db, id := openFront(t)
	for name, call := range calls {
		for _, path := range call.paths {
			for mode, meddle := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){"before": die, "halfway": dieHalfway} {
				set(t, db, horse, "x") // for a call to take back
				f.set(path, meddle)
				if err := call.do(t.Context(), db, id); !lf.IsAway(err) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s, %s %s: %v (%T)", name, mode, path, err, err)
				}
				f.set("", nil)
				if err := call.do(t.Context(), db, id); err != nil && !errors.Is(err, lf.ErrNotSynced) && !errors.Is(err, lf.ErrNotFound) && !errors.Is(err, lf.ErrDeleted) {
					t.Errorf("%s, after %s %s: %v", name, mode, path, err)
				}
			}
		}
	}
}

// TestCanceled ends the context of each call while it waits for each answer.
func TestCanceled(t *testing.T) {
	t.Parallel()
	f, db, id := openFront(t)
	for name, call := range calls {
		for _, path := range call.paths {
			f.set("", nil)
			set(t, db, horse, "x") // for a call to take back
			ctx, cancel := context.WithCancelCause(t.Context())
			f.set(path, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
				_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client go
				cancel(nil)
				<-r.Context().Done()
			})
			if err := call.do(ctx, db, id); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: %v (%T)", name, path, err, err)
			}
		}
		f.set("", nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := call.do(ctx, db, id); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, before it began: %v (%T)", name, err, err)
		}
	}
}

// TestSilentNode ends each call when the node has not answered in time.
func TestSilentNode(t *testing.T) {
	t.Parallel()
	f, _, id := openFront(t)
	server := httptest.NewServer(f)
	defer server.Close()
	db := must[*lf.Client](t)(lf.Open(t.Context(), lf.WithNode(server.URL), lf.WithTimeout(3*time.Second), lf.WithHome(t.TempDir())))
	defer db.Close()
	f.set("/v1/", func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	var late *api.TimeoutError
	for name, do := range map[string]func() error{
		"get":    func() error { _, err := db.Get(t.Context(), horse); return err },
		"record": func() error { _, _, err := db.Record(t.Context(), id); return err },
	} {
		if err := do(); !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPatience writes while the node goes away at every step, and every record is there once.
func TestPatience(t *testing.T) {
	t.Parallel()
	f, db, _ := openFront(t)
	var n atomic.Int64
	f.set("/v1/", func(w http.ResponseWriter, r *http.Request, node http.Handler) {
		switch n.Add(1) % 3 {
		case 0:
			node.ServeHTTP(w, r)
		case 1:
			die(w, r, node)
		case 2:
			dieHalfway(w, r, node)
		}
	})
	var written []protocol.ID
	done, err := db.Set(t.Context(), horse, []byte("z"), lf.Fresh(), lf.Patience(time.Minute),
		lf.OnWritten(func(r *protocol.Record, _ *lf.Written) { written = append(written, r.ID()) }))
	f.set("", nil)
	if err != nil || len(written) != 1 || written[0] != done.ID {
		t.Fatalf("%+v, %v, %v", done, err, written)
	}
	if a, err := db.Get(t.Context(), horse, lf.History()); err != nil || a.Text() != "z" || len(a.Older) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestFollowsNode restarts a node at another address, which its home names, and then has a node of
// another network take its place.
func TestFollowsNode(t *testing.T) {
	t.Setenv("LF_TOKEN", secret)
	h := must[*home.Home](t)(home.Open(t.TempDir()))
	must[home.Key](t)(h.Owners().New("me"))
	fake := newFake(t)
	file := must[*protocol.NetworkFile](t)(fake.Network(t.Context()))
	if err := h.BindNetwork(*file); err != nil {
		t.Fatal(err)
	}
	run := func(s api.Service) *httptest.Server {
		server := httptest.NewServer(apiserver.NewHandler(s, apiserver.HandlerOptions{Token: secret}))
		must[func() error](t)(h.PublishAPI(server.URL))
		return server
	}
	server := run(fake)
	db := must[*lf.Client](t)(lf.Open(t.Context(), lf.InHome(h)))
	defer db.Close()
	set(t, db, horse, "x")
	server.Close()
	if _, err := db.Get(t.Context(), horse); !lf.IsAway(err) {
		t.Errorf("of a node that has ended: %v", err)
	}
	server = run(fake)
	if a, err := db.Get(t.Context(), horse); err != nil || a.Text() != "x" || db.Address() != server.URL {
		t.Errorf("%+v, %v, at %s", a, err, db.Address())
	}
	set(t, db, horse, "y")
	server.Close()
	server = run(newFake(t))
	defer server.Close()
	var wrong *lf.NetworkError
	if _, err := db.Set(t.Context(), horse, []byte("z")); !errors.As(err, &wrong) {
		t.Errorf("through a node of another network: %v", err)
	}
}
