package nodetest

import (
	"crypto/ed25519"
	"crypto/rand"
	"testing"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// NewOwner makes the ID of an owner whose key nobody keeps.
func NewOwner(t testing.TB) protocol.Owner {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.OwnerOf(key)
}

// SetTrust writes a home's elected oracles and policy.
func SetTrust(t testing.TB, h *home.Home, policy protocol.Policy, oracles ...protocol.Owner) {
	t.Helper()
	if err := h.SetTrust(home.Trust{Oracles: oracles, Policy: policy}); err != nil {
		t.Fatal(err)
	}
}
