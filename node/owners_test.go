package node

import (
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// TestOwnerUnderInvalidCA has a certificate that is valid now below a CA that is not yet: it is of
// no use to its owner.
func TestOwnerUnderInvalidCA(t *testing.T) {
	t.Parallel()
	key, now := newKey(t), time.Now()
	var ders [2][]byte
	for i, from := range []time.Time{now.Add(-time.Hour), now.Add(time.Hour)} {
		var err error
		if ders[i], err = protocol.NewAuthority(key, "CA", from, now.Add(9*time.Hour), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	signer, err := protocol.NewSigner(key, ders[0])
	if err != nil {
		t.Fatal(err)
	}
	c := config(t, newNetwork(t, 16, func(p *protocol.Params) {
		p.Authorities, p.AuthRequired, p.WorkPerKiBCertified = [][]byte{ders[1]}, true, 1
	}), offline)
	horse, err := c.Home.Owners().New("horse")
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, horse.Secret)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	value, err := signer.Certify(request, now, now.Add(time.Hour), false, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, c)
	publish(t, n, protocol.TypeCertificate, value)
	info, err := client(t, n).Owner(t.Context(), api.OwnerQuery{Owner: horse.Owner})
	if err != nil || len(info.Certificates) != 1 || info.Certificates[0].Usable || info.Certificates[0].Revoked != nil {
		t.Fatalf("%+v, %v", info, err)
	}
	text := "value"
	_, err = n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text, Owner: "horse"})
	if err == nil || !strings.Contains(err.Error(), "a CA above the certificate of owner "+horse.Owner.String()+" is not valid now") {
		t.Errorf("written all the same, or not said why: %v", err)
	}
}
