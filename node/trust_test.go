package node

import (
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/testlog"
	"github.com/lf-store/lf/node/internal/nodetest"
)

// TestTrustWarning asks for a warning where nothing keeps an impostor from outweighing an owner.
func TestTrustWarning(t *testing.T) {
	t.Parallel()
	warnings := func(c Config) string {
		t.Helper()
		log := new(testlog.Lines)
		c.Logger = log.Logger()
		n := start(t, c)
		s, err := client(t, n).Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stop(t, n)
		if logged := log.Count("asks for no work"); logged != len(s.Trust.Warnings) {
			t.Errorf("%d warnings in the status, %d in the log", len(s.Trust.Warnings), logged)
		}
		return strings.Join(s.Trust.Warnings, "\n")
	}
	if got := warnings(config(t, newNetwork(t, 0), offline)); !strings.Contains(got, "asks for no work") || strings.Contains(got, "\n") {
		t.Errorf("warning %q, want one line about work", got)
	}
	if got := warnings(config(t, newNetwork(t, 1), offline)); got != "" {
		t.Errorf("a network with work: %q", got)
	}
	elected := config(t, newNetwork(t, 0), offline)
	nodetest.SetTrust(t, elected.Home, nil, nodetest.NewOwner(t))
	if got := warnings(elected); got != "" {
		t.Errorf("an oracle is elected: %q", got)
	}
}
