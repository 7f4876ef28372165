package apitest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// Authority is a certificate authority for tests, valid for a year on either side of now.
type Authority struct {
	signer *protocol.Signer
	// DER is its certificate: what a genesis or a query names.
	DER []byte
}

const year = 365 * 24 * time.Hour

// NewAuthority makes one that signs itself.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	der, err := protocol.NewAuthority(key, name, now.Add(-year), now.Add(year), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := protocol.NewSigner(key, der)
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{signer, der}
}

// Certify returns the value of a certificate record for an owner, valid from and until these times
// from now.
func (a *Authority) Certify(t testing.TB, owner ed25519.PrivateKey, from, until time.Duration) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, owner)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	value, err := a.signer.Certify(request, now.Add(from), now.Add(until), false, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Revoke returns the value of a revocation record for a certificate that [Authority.Certify]
// returned; since may be 0.
func (a *Authority) Revoke(t testing.TB, certificate []byte, since uint64) []byte {
	t.Helper()
	chain, err := protocol.ParseChain(certificate)
	if err != nil {
		t.Fatal(err)
	}
	value, err := a.signer.Revoke([]protocol.Revoked{{Serial: string(chain.Serial()), Since: since}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return value
}
