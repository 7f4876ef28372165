package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func newHome(t *testing.T) *home.Home {
	t.Helper()
	h, err := home.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func newOwner(t *testing.T) protocol.Owner {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.OwnerOf(key)
}

func setTrust(t *testing.T, h *home.Home, policy protocol.Policy, oracles ...protocol.Owner) {
	t.Helper()
	if err := h.SetTrust(home.Trust{Policy: policy, Oracles: oracles}); err != nil {
		t.Fatal(err)
	}
}

// TestTrustFollowsTheHome changes a home's trust.json in every way that a user can while the node
// reads it.
func TestTrustFollowsTheHome(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	a, b := newOwner(t), newOwner(t)
	setTrust(t, h, nil, a)
	log := new(testlog.Lines)
	trust, err := New(h, nil, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	want := func(what string, problem string, policy protocol.Policy, oracles ...protocol.Owner) {
		t.Helper()
		got, err := trust.Effective()
		if !slices.Equal(got.Oracles, oracles) || !slices.Equal(got.Policy, policy) {
			t.Errorf("%s: oracles %v, policy %s; want %v, %s", what, got.Oracles, got.Policy, oracles, policy)
		}
		if (err != nil) != (problem != "") || (err != nil && !strings.Contains(err.Error(), problem)) {
			t.Errorf("%s: error %v, want one about %q", what, err, problem)
		}
	}
	later := func() { trust.looked = trust.looked.Add(-maxAge) }
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
	if n := log.Count("level=ERROR"); n != 1 {
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
	trust, err := New(h, local, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := trust.Effective(); err != nil || !slices.Equal(got.Policy, local.Total()) || len(got.Oracles) != 1 {
		t.Errorf("%+v, %v; want the configuration's policy and the home's oracle", got, err)
	}
}
