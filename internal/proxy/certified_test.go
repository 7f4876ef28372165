package proxy

import (
	"encoding/hex"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// certifiedWorld is a network with an authority. Its nodes say that the owner of "horse" is
// certified.
type certifiedWorld struct {
	*world
	certified, other    owner
	answer, certificate *protocol.Record
	info                api.CertificateInfo
}

func newCertifiedWorld(t *testing.T, nodes int) *certifiedWorld {
	authority := apitest.NewAuthority(t, "CA")
	network := newNetwork(t, func(p *protocol.Params) { p.Authorities = [][]byte{authority.DER} })
	c := &certifiedWorld{world: newWorldOn(t, network, nodes), certified: newOwner(t), other: newOwner(t)}
	value := authority.Certify(t, c.certified.PrivateKey, -time.Hour, time.Hour)
	now := uint64(time.Now().UnixMilli()) - testEpoch
	c.certificate = c.record(c.other, now-2, protocol.Draft{Type: protocol.TypeCertificate, Value: value})
	c.answer = c.record(c.certified, now-1, protocol.Draft{Value: []byte("certified")}, "horse")
	c.spread([]*protocol.Record{c.certificate, c.answer, c.record(c.other, now, protocol.Draft{Value: []byte("other")}, "horse")})
	chain, err := protocol.ParseChain(value)
	if err != nil {
		t.Fatal(err)
	}
	c.info = api.CertificateInfo{Record: c.certificate.ID(), Authority: "CA", Serial: hex.EncodeToString(chain.Serial()), Usable: true}
	for _, n := range c.nodes {
		n.certificates = []api.CertificateInfo{c.info}
		n.lie = c.called
	}
	return c
}

// called has a node call the first owner certified, as the fake does not by itself.
func (c *certifiedWorld) called(q api.Query, honest *api.QueryResult) *api.QueryResult {
	q.Authorities = c.network.Params().Authorities
	result, err := c.nodes[0].Fake.Query(c.Context(), q)
	if err != nil {
		c.Fatal(err)
	}
	return result
}

func (c *certifiedWorld) ask() *api.QueryResult {
	c.Helper()
	q := about("horse")
	q.Explain, q.History, q.Frames = true, true, true
	got, err := c.proxy.Query(c.Context(), q)
	if err != nil {
		c.Fatal(err)
	}
	return got
}

// TestCertified counts an owner as certified where the certificate's record is found.
func TestCertified(t *testing.T) {
	t.Parallel()
	for _, nodes := range []int{1, 3} {
		c := newCertifiedWorld(t, nodes)
		for range 2 {
			a := c.ask()
			if first := a.Answers[0].Explanation.Claims[0]; first.Owner != c.certified.id() || !first.Certified || len(a.Comparison.Differs) != 0 {
				t.Errorf("%+v, %+v", first, a.Comparison)
			}
		}
		info, err := c.proxy.Owner(t.Context(), api.OwnerQuery{Owner: c.certified.id()})
		if err != nil || len(info.Certificates) != 1 || len(info.Comparison.Agreed) != nodes {
			t.Errorf("%+v, %v", info, err)
		}
	}
}

// TestNotCertified has nodes call an owner certified for whom there is no certificate.
func TestNotCertified(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(c *certifiedWorld, n *testNode){
		"no certificate": func(_ *certifiedWorld, n *testNode) { n.certificates = nil },
		"of nobody's record": func(_ *certifiedWorld, n *testNode) {
			n.certificates[0].Record = protocol.ID{1}
		},
		"another record": func(c *certifiedWorld, n *testNode) { n.certificates[0].Record = c.answer.ID() },
	} {
		c := newCertifiedWorld(t, 1)
		spoil(c, c.nodes[0])
		a := c.ask()
		for _, claim := range a.Answers[0].Explanation.Claims {
			if claim.Certified || claim.Authority != "" {
				t.Errorf("%s: %+v", name, claim)
			}
		}
		if len(a.Comparison.Differs) != 1 {
			t.Errorf("%s: %+v", name, a.Comparison)
		}
	}
}

// TestCertificates asks for an owner's certificates, where one node of three lies.
func TestCertificates(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]func(c *certifiedWorld, n *testNode){
		"hides it": func(_ *certifiedWorld, n *testNode) { n.certificates = nil },
		"revoked": func(_ *certifiedWorld, n *testNode) {
			n.certificates[0].Usable, n.certificates[0].Revoked = false, &api.Revocation{}
		},
		"another record": func(c *certifiedWorld, n *testNode) { n.certificates[0].Record = c.answer.ID() },
		"serial number":  func(_ *certifiedWorld, n *testNode) { n.certificates[0].Serial = "00" },
	} {
		c := newCertifiedWorld(t, 3)
		lie(c, c.nodes[1])
		info, err := c.proxy.Owner(t.Context(), api.OwnerQuery{Owner: c.certified.id()})
		if err != nil || len(info.Certificates) != 1 || info.Certificates[0] != c.info {
			t.Fatalf("%s: %+v, %v", name, info, err)
		}
		if d := info.Comparison.Differs; len(d) != 1 || d[0].Node != c.address(1) || d[0].Lies != (name == "another record" || name == "serial number") {
			t.Errorf("%s: %+v", name, d)
		}
	}
	c := newCertifiedWorld(t, 1)
	c.nodes[0].certificates[0].Serial = "00"
	var e *api.Error
	if _, err := c.proxy.Owner(t.Context(), api.OwnerQuery{Owner: c.certified.id()}); !errors.As(err, &e) || e.Status != http.StatusBadGateway {
		t.Error(err)
	}
}
