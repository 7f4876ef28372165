package lf_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

// webChain makes certificates as a public CA does for a web server, in PEM: the server's, then
// those above it. What they are about is typical: names, and where to ask about revocation. The
// keys are those of the server, of the intermediate, and of the root, which signs itself.
func webChain(t *testing.T, keys []*rsa.PrivateKey, certificates int) []byte {
	t.Helper()
	names := []pkix.Name{
		{CommonName: "www.example.org"},
		{Country: []string{"US"}, Organization: []string{"Example Trust Services"}, CommonName: "Example RSA CA 11"},
		{Country: []string{"US"}, Organization: []string{"Example Trust Services"}, CommonName: "Example Root X1"},
	}
	var out []byte
	for i := range certificates {
		serial := make([]byte, 18)
		if _, err := rand.Read(serial); err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: new(big.Int).SetBytes(serial), Subject: names[i], NotBefore: time.Now(), NotAfter: time.Now().AddDate(0, 3, 0),
			KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			IssuingCertificateURL: []string{"http://r11.i.example.net/"}, CRLDistributionPoints: []string{"http://r11.c.example.net/49.crl"},
		}
		if i == 0 {
			c.DNSNames = []string{"example.org", "www.example.org"}
			c.SubjectKeyId = serial
		} else {
			c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		}
		above := min(i+1, len(keys)-1)
		issuer := &x509.Certificate{Subject: names[above], SubjectKeyId: make([]byte, 20)}
		if _, err := rand.Read(issuer.SubjectKeyId); err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificate(rand.Reader, c, issuer, keys[i].Public(), keys[above])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}

// TestChainsFit holds what README says: the chain of a web server fits a record of the default
// network, three certificates of RSA-4096 do not.
func TestChainsFit(t *testing.T) {
	if testing.Short() {
		t.Skip("makes RSA keys of 4,096 bits")
	}
	n, _, err := lf.DefaultNetwork()
	if err != nil {
		t.Fatal(err)
	}
	if n.Params().MaxValue != 4096 || n.Params().MaxValue != protocol.DefaultParams().MaxValue {
		t.Errorf("the largest value is %d bytes", n.Params().MaxValue)
	}
	keys := map[int][]*rsa.PrivateKey{}
	for _, bits := range []int{2048, 4096} {
		for range 3 {
			key, err := rsa.GenerateKey(rand.Reader, bits)
			if err != nil {
				t.Fatal(err)
			}
			keys[bits] = append(keys[bits], key)
		}
	}
	for _, c := range []struct {
		bits, certificates int
		fits               bool
	}{{2048, 1, true}, {2048, 2, true}, {2048, 3, true}, {4096, 1, true}, {4096, 2, true}, {4096, 3, false}} {
		t.Run(fmt.Sprintf("%d of RSA-%d", c.certificates, c.bits), func(t *testing.T) {
			chain := webChain(t, keys[c.bits], c.certificates)
			if strings.Count(string(chain), "BEGIN CERTIFICATE") != c.certificates {
				t.Fatal("another chain")
			}
			sealed, err := n.Seal(protocol.Mask{}, protocol.Sealing{}, chain)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes of PEM, %d sealed", len(chain), len(sealed))
			if fits := len(sealed) <= int(n.Params().MaxValue); fits != c.fits {
				t.Errorf("%d bytes sealed of %d: fits %t", len(sealed), n.Params().MaxValue, fits)
			}
		})
	}
}
