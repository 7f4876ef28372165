package service

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/internal/nodetest"
	"github.com/lf-store/lf/protocol"
)

// TestTrustFollowsTheHome changes a home's trust.json in every way that a user can while the node
// reads it.
func TestTrustFollowsTheHome(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	a, b := nodetest.NewOwner(t), nodetest.NewOwner(t)
	nodetest.SetTrust(t, h, nil, a)
	log := new(testlog.Lines)
	trust, err := NewTrust(h, nil, log.Logger())
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
	nodetest.SetTrust(t, h, weight, a, b)
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
	nodetest.SetTrust(t, h, nil, b)
	later()
	want("back", "", usual, b)
}

func TestTrustOfTheConfiguration(t *testing.T) {
	h := newHome(t)
	nodetest.SetTrust(t, h, protocol.Policy{protocol.CriterionWeight}, nodetest.NewOwner(t))
	local := protocol.Policy{protocol.CriterionLocal}
	trust, err := NewTrust(h, local, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := trust.effective(); err != nil || !slices.Equal(got.policy, local.Total()) || len(got.oracles) != 1 {
		t.Errorf("%+v, %v; want the configuration's policy and the home's oracle", got, err)
	}
}
