package proxy

import (
	"crypto/rand"
	"crypto/x509"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// propertyCA is an authority with a network, and what it signed: certificates of the owners of
// [TestMinorityNeverWins], and revocations of them.
type propertyCA struct {
	owner
	network                   *protocol.Network
	certificates, revocations [][]byte
}

// propertyOracles are who speaks about claims.
var propertyOracles = []owner{ownerOf(4), ownerOf(5)}

func newPropertyCA(t *testing.T) *propertyCA {
	t.Helper()
	ca := &propertyCA{owner: ownerOf(6)}
	at := func(after time.Duration) time.Time { return time.UnixMilli(testEpoch).Add(after) }
	always := mathrand.NewChaCha8([32]byte{1})
	der, err := protocol.NewAuthority(ca.PrivateKey, "CA", at(-time.Hour), at(time.Hour), always)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := protocol.NewSigner(ca.PrivateKey, der)
	if err != nil {
		t.Fatal(err)
	}
	ca.network = newNetwork(t, func(p *protocol.Params) { p.Authorities = [][]byte{der} })
	for seed := byte(1); seed <= 3; seed++ {
		request := requestOf(t, ownerOf(seed))
		for range 2 {
			value, err := signer.Certify(request, at(-time.Hour), at(time.Hour), false, always)
			if err != nil {
				t.Fatal(err)
			}
			ca.certificates = append(ca.certificates, value)
			chain, err := protocol.ParseChain(value)
			if err != nil {
				t.Fatal(err)
			}
			for _, since := range []uint64{0, testEpoch + 5000} { // no record is as new as that
				list, err := signer.Revoke([]protocol.Revoked{{Serial: string(chain.Serial()), Since: since}}, at(0))
				if err != nil {
					t.Fatal(err)
				}
				ca.revocations = append(ca.revocations, list)
			}
		}
	}
	return ca
}

func requestOf(t *testing.T, o owner) *x509.CertificateRequest {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, o.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// testify draws a certificate, a revocation or a commentary, and returns who publishes it.
func (g *generator) testify(d *protocol.Draft, by owner, kind int) owner {
	switch kind {
	case 10:
		d.Type, d.Value = protocol.TypeCertificate, rapid.SampledFrom(g.ca.certificates).Draw(g.T, "certificate")
		return by
	case 11:
		d.Type, d.Value = protocol.TypeRevocation, rapid.SampledFrom(g.ca.revocations).Draw(g.T, "revocation")
		return rapid.SampledFrom([]owner{by, g.ca.owner}).Draw(g.T, "publisher")
	}
	var words []protocol.Word
	for _, o := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(g.owners)-1), 1, 2, rapid.ID[int]).Draw(g.T, "about") {
		words = append(words, protocol.Word{Composite: g.composite(), Owner: g.owners[o].id(), Objects: rapid.IntRange(0, 2).Draw(g.T, "objects") > 0})
	}
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		g.Fatal(err)
	}
	d.Type, d.Value = protocol.TypeCommentary, value
	return rapid.SampledFrom(propertyOracles).Draw(g.T, "oracle")
}

// composite draws a key that records may be filed under.
func (g *generator) composite() protocol.CompositeID {
	var points []protocol.SelectorPoint
	for _, text := range rapid.SampledFrom(propertyKeys).Draw(g.T, "of") {
		e, err := protocol.ParseExpression(text)
		if err != nil {
			g.Fatal(err)
		}
		name, err := g.world.network.DeriveName(e.Name)
		if err != nil {
			g.Fatal(err)
		}
		points = append(points, protocol.SelectorPoint{Key: name.Selector(), Ordinal: e.From})
	}
	return protocol.CompositeOf(points)
}

// perjure changes what a liar says of oracles and certificates, and orders the claims by it.
func perjure(a *api.QueryResult, kind int, oracles []protocol.Owner, record protocol.ID) {
	if len(a.Answers) == 0 || a.Answers[0].Explanation == nil || len(a.Answers[0].Explanation.Claims) != 1+len(a.Answers[0].Others) {
		return
	}
	first := &a.Answers[0]
	claims := first.Explanation.Claims
	best, last := &claims[0], &claims[len(claims)-1]
	switch {
	case kind == 10 && len(oracles) > 0:
		best.Objections, best.Words = 1, []api.SaidWord{{Oracle: oracles[0], Record: record, Objects: true}}
	case kind == 11:
		last.Objections, last.Words = 0, nil
	case kind == 12:
		last.Certified, last.Certificate, last.Revoked = true, record, nil
	case kind == 13:
		best.Certified, best.Certificate, best.Revoked = false, protocol.ID{}, nil
	default:
		return
	}
	apitest.Rerank(first, a.Policy)
}
