package apiwriter_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/apiwriter"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// newClient returns a client of a fake node, with a home of its own.
func newClient(t *testing.T) (*lf.Client, *apitest.Fake, *home.Home) {
	t.Helper()
	fake, err := apitest.NewFake()
	if err != nil {
		t.Fatal(err)
	}
	file, err := fake.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	network, err := file.Network()
	if err != nil {
		t.Fatal(err)
	}
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	client, err := lf.New(fake, network, lf.InHome(h))
	if err != nil {
		t.Fatal(err)
	}
	return client, fake, h
}

func wantStatus(t *testing.T, what string, err error, status int, says string) {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) || e.Status != status || !strings.Contains(e.Detail, says) || strings.Contains(e.Detail, "\n") {
		t.Errorf("%s: %v, want status %d and a line about %q", what, err, status, says)
	}
}

// TestSet writes, deletes and releases, and says what is wrong with requests.
func TestSet(t *testing.T) {
	t.Parallel()
	client, _, h := newClient(t)
	text := "Bad Horse"
	set := func(r api.SetRequest) (*api.Submitted, error) {
		return apiwriter.Set(t.Context(), client, &r, lf.As(r.Owner))
	}
	horse := api.MustSelectors("horse#2")
	_, err := set(api.SetRequest{Selectors: horse, Type: api.SetDelete})
	wantStatus(t, "delete nothing", err, http.StatusNotFound, "nothing was set")
	for _, r := range []api.SetRequest{{Selectors: horse, Text: &text}, {Selectors: horse, Type: api.SetDelete}, {Selectors: horse, Type: api.SetRelease}} {
		done, err := set(r)
		if err != nil || done == nil || done.State != api.StateAttached {
			t.Fatalf("%+v: %+v, %v", r, done, err)
		}
	}
	_, err = set(api.SetRequest{Selectors: horse, Type: api.SetRelease})
	wantStatus(t, "release what was released", err, http.StatusNotFound, "has nothing under horse#2")
	if err := os.WriteFile(filepath.Join(h.Dir(), "owners", "bad.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		r      api.SetRequest
		status int
		says   string
	}{
		"nobody":        {api.SetRequest{Selectors: horse, Text: &text, Owner: "nobody"}, http.StatusNotFound, "nobody"},
		"a damaged key": {api.SetRequest{Selectors: horse, Text: &text, Owner: "bad"}, http.StatusConflict, "bad.pem"},
		"a range":       {api.SetRequest{Selectors: api.MustSelectors("horse#1#2"), Text: &text}, 422, "one ordinal"},
		"no value":      {api.SetRequest{Selectors: horse}, 422, "no value"},
	} {
		_, err := set(c.r)
		wantStatus(t, name, err, c.status, c.says)
	}
}

// TestPrepare has a record composed that its owner signs elsewhere.
func TestPrepare(t *testing.T) {
	t.Parallel()
	client, fake, _ := newClient(t)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	owner, text := protocol.OwnerOf(key), "Bad Horse"
	p, err := apiwriter.Prepare(t.Context(), client, &api.PrepareRequest{Selectors: api.MustSelectors("horse"), Text: &text, Owner: &owner}, 7)
	if err != nil || p.Waiting != 7 || p.Until != p.Timestamp+client.Network().Params().ClockDrift || p.Owner != owner {
		t.Fatalf("%+v, %v", p, err)
	}
	done, err := fake.SubmitSigned(t.Context(), api.SignedRecord{Header: p.Header, Value: p.Value, Signature: ed25519.Sign(key, p.Sign)})
	if err != nil || done.Owner != owner {
		t.Errorf("%+v, %v", done, err)
	}
	if a, err := client.Get(t.Context(), lf.MustKey("horse")); err != nil || a.Text() != text {
		t.Errorf("%+v, %v", a, err)
	}
	_, err = apiwriter.Prepare(t.Context(), client, &api.PrepareRequest{Selectors: api.MustSelectors("mule"), Type: api.SetDelete, Owner: &owner}, 0)
	wantStatus(t, "delete nothing", err, http.StatusNotFound, "has nothing under mule")
	_, err = apiwriter.Prepare(t.Context(), client, &api.PrepareRequest{Selectors: api.MustSelectors("mule"), Text: &text}, 0)
	wantStatus(t, "nobody signs", err, 422, "who will sign")
}

// TestProblem holds what clients are told of errors that a fake node does not make. What nobody can
// do something about stays as it is.
func TestProblem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		says   string
	}{
		"a wrong clock":    {&lf.ClockError{Newest: 1_800_000_130_000, Now: 1_800_000_000_000}, http.StatusConflict, "130 s ahead"},
		"an owner ahead":   {&lf.AheadError{Dated: 1_800_000_000_000, From: 1_800_000_000_001}, http.StatusConflict, "2027-01-15 08:00:00 UTC"},
		"the node refused": {fmt.Errorf("links: %w", api.Unavailable("busy")), http.StatusServiceUnavailable, "busy"},
	} {
		wantStatus(t, name, apiwriter.Problem(c.err), c.status, c.says)
	}
	if apiwriter.Problem(nil) != nil {
		t.Error("no error became one")
	}
	if got := apiwriter.Problem(fs.ErrPermission); got != fs.ErrPermission {
		t.Errorf("a failure became %v", got)
	}
}
