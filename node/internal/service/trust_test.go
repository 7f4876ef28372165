package service

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func newOwner(t testing.TB) protocol.Owner {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.OwnerOf(key)
}

func setTrust(t testing.TB, h *home.Home, policy protocol.Policy, oracles ...protocol.Owner) {
	t.Helper()
	if err := h.SetTrust(home.Trust{Oracles: oracles, Policy: policy}); err != nil {
		t.Fatal(err)
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

// TestTrustFollowsTheHome changes a home's trust.json in every way that a user can while the node
// reads it.
func TestTrustFollowsTheHome(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	a, b := newOwner(t), newOwner(t)
	setTrust(t, h, nil, a)
	log := new(lines)
	trust, err := NewTrust(h, nil, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	want := func(what string, problem string, policy protocol.Policy, oracles ...protocol.Owner) {
		t.Helper()
		got, err := trust.effective()
		if !slices.Equal(got.oracles, oracles) || !slices.Equal(got.policy, policy) {
			t.Errorf("%s: oracles %v, policy %s; want %v, %s", what, got.oracles, got.policy, oracles, policy)
		}
		if (err != nil) != (problem != "") || (err != nil && !strings.Contains(err.Error(), problem)) {
			t.Errorf("%s: error %v, want one about %q", what, err, problem)
		}
	}
	later := func() { trust.looked = trust.looked.Add(-trustAge) }
	usual, weight := protocol.DefaultPolicy(), protocol.Policy{protocol.CriterionWeight}

	want("at the start", "", usual, a)
	setTrust(t, h, weight, a, b)
	want("at once", "", usual, a) // the file was looked at a moment ago
	later()
	want("a second later", "", weight.Total(), a, b)
	path := filepath.Join(h.Dir(), "trust.json")
	for _, damage := range []string{"{", "damaged again"} {
		if err := os.WriteFile(path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			later()
			want("damaged", "trust.json", weight.Total(), a, b)
		}
	}
	if n := log.count("level=ERROR"); n != 1 {
		t.Errorf("%d errors in the log, want one", n)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	later()
	want("removed", "", usual)
	setTrust(t, h, nil, b)
	later()
	want("back", "", usual, b)
}

func TestTrustOfTheConfiguration(t *testing.T) {
	h := newHome(t)
	setTrust(t, h, protocol.Policy{protocol.CriterionWeight}, newOwner(t))
	local := protocol.Policy{protocol.CriterionLocal}
	trust, err := NewTrust(h, local, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := trust.effective(); err != nil || !slices.Equal(got.policy, local.Total()) || len(got.oracles) != 1 {
		t.Errorf("%+v, %v; want the configuration's policy and the home's oracle", got, err)
	}
}
