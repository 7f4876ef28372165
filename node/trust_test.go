package node

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
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

// TestTrustWarning asks for a warning where nothing keeps an impostor from outweighing an owner.
func TestTrustWarning(t *testing.T) {
	t.Parallel()
	warnings := func(c Config) string {
		t.Helper()
		log := new(lines)
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
		n := start(t, c)
		s, err := client(t, n).Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		stop(t, n)
		if logged := log.count("asks for no work"); logged != len(s.Trust.Warnings) {
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
	setTrust(t, elected.Home, nil, newOwner(t))
	if got := warnings(elected); got != "" {
		t.Errorf("an oracle is elected: %q", got)
	}
}
