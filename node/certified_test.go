package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/node/internal/service"
	"github.com/lf-store/lf/protocol"
)

// under makes a network one of this authority, whose owners hardly work.
func under(a *apitest.Authority, required bool) func(*protocol.Params) {
	return func(p *protocol.Params) {
		p.Authorities, p.AuthRequired, p.WorkPerKiBCertified = [][]byte{a.DER}, required, 1
	}
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// publish makes a record that names nothing, such as a certificate, at the full price.
func publish(t testing.TB, n *Node, kind protocol.Type, value []byte) protocol.ID {
	t.Helper()
	return publishBy(t, n, newKey(t), kind, value)
}

func publishBy(t testing.TB, n *Node, key ed25519.PrivateKey, kind protocol.Type, value []byte) protocol.ID {
	t.Helper()
	network := n.config.Network
	links, err := n.Service().Links(t.Context(), api.LinksQuery{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := network.Compose(protocol.Draft{
		Type: kind, Owner: protocol.OwnerOf(key), Timestamp: max(links.Now, links.Timestamp), Links: links.Links, Value: value,
	})
	if err == nil {
		r, err = network.Sign(r, key)
	}
	if err == nil {
		r, err = network.Pay(r, 0, service.SolveWork(t.Context(), 1, nil))
	}
	if err != nil {
		t.Fatal(err)
	}
	if s, err := n.Service().Submit(t.Context(), r.EncodeFrame()); err != nil || s.State != api.StateAttached {
		t.Fatalf("%+v, %v", s, err)
	}
	return r.ID()
}

// setBy writes as an owner in the home and returns the record.
func setBy(t testing.TB, n *Node, owner, value string, selectors ...string) *api.RecordInfo {
	t.Helper()
	s, err := n.Service().Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors(selectors...), Text: &value, Owner: owner})
	if err != nil {
		t.Fatalf("set as %s: %v", owner, err)
	}
	info, err := n.Service().Record(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func price(t testing.TB, n *protocol.Network, info *api.RecordInfo) (full, certified uint32) {
	t.Helper()
	r, err := protocol.DecodeFrame(info.Frame)
	if err != nil {
		t.Fatal(err)
	}
	return n.RequiredEffort(r), n.CertifiedEffort(r)
}

// TestSetCertified has an owner work for the full price until its certificate is there, and for the
// lower one then; another node takes both.
func TestSetCertified(t *testing.T) {
	t.Parallel()
	ca := apitest.NewAuthority(t, "Test CA")
	network := newNetwork(t, 16, under(ca, false))
	c := config(t, network)
	horse, err := c.Home.Owners().New("horse")
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, c)
	b := start(t, config(t, network, seeds(a)))
	wantPeers(t, b, 1)
	before := setBy(t, a, "horse", "before", "x#1")
	if full, _ := price(t, network, before); before.Effort != full {
		t.Errorf("without a certificate: effort %d, want %d", before.Effort, full)
	}
	certificate := publish(t, a, protocol.TypeCertificate, ca.Certify(t, horse.Secret, -time.Hour, time.Hour))
	after := setBy(t, a, "horse", "after", "x#2")
	if full, certified := price(t, network, after); after.Effort != certified || certified >= full || !slices.Contains(after.Links, certificate) {
		t.Errorf("with a certificate: effort %d, want %d; links %v, want %s among them", after.Effort, certified, after.Links, certificate)
	}
	l, err := client(t, a).Links(t.Context(), api.LinksQuery{Owner: &horse.Owner})
	if err != nil || !l.Certified || !slices.Contains(l.Links, certificate) {
		t.Errorf("links for the owner: %+v, %v", l, err)
	}
	wantRead(t, b.Service(), "before", "x#1")
	wantRead(t, b.Service(), "after", "x#2")
}

// TestAuthRequired writes on a network that takes certified owners only.
func TestAuthRequired(t *testing.T) {
	t.Parallel()
	ca, stranger := apitest.NewAuthority(t, "Test CA"), apitest.NewAuthority(t, "Stranger")
	c := config(t, newNetwork(t, 1, under(ca, true)), offline)
	horse, err := c.Home.Owners().New("horse")
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, c)
	text := "x"
	refused := func(why string) {
		t.Helper()
		_, err := client(t, n).Set(t.Context(), api.SetRequest{Selectors: api.MustSelectors("x"), Text: &text})
		wantAPIError(t, err, http.StatusConflict, why)
		wantAPIError(t, err, http.StatusConflict, "lf owner authorize")
		wantAPIError(t, err, http.StatusConflict, horse.Owner.String())
	}
	refused("has no certificate")
	submit := func(value []byte) error {
		links, err := n.Service().Links(t.Context(), api.LinksQuery{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := n.config.Network.Compose(protocol.Draft{
			Type: protocol.TypeCertificate, Owner: horse.Owner, Timestamp: max(links.Now, links.Timestamp), Links: links.Links, Value: value,
		})
		if err == nil {
			r, err = n.config.Network.Sign(r, horse.Secret)
		}
		if err == nil {
			r, err = n.config.Network.Pay(r, 0, service.SolveWork(t.Context(), 1, nil))
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = client(t, n).Submit(t.Context(), r.EncodeFrame())
		return err
	}
	wantAPIError(t, submit(stranger.Certify(t, horse.Secret, -time.Hour, time.Hour)), http.StatusUnprocessableEntity, "authority")
	publish(t, n, protocol.TypeCertificate, ca.Certify(t, horse.Secret, -2*time.Hour, -time.Hour))
	refused("ended at")
	publish(t, n, protocol.TypeCertificate, ca.Certify(t, horse.Secret, time.Hour, 2*time.Hour))
	refused("valid only from")
	good := ca.Certify(t, horse.Secret, -time.Hour, time.Hour)
	publish(t, n, protocol.TypeCertificate, good)
	setBy(t, n, "horse", "certified", "x")
	if got := get(t, n.Service(), "x"); got != "certified" {
		t.Errorf("reads %q", got)
	}
	publish(t, n, protocol.TypeRevocation, ca.Revoke(t, good, 0))
	refused("valid only from") // of all its certificates the one that will be of use
	if got := get(t, n.Service(), "x"); got != "" {
		t.Errorf("what rests on a revoked certificate is answered: %q", got)
	}
	s, err := n.Service().Status(t.Context())
	if err != nil || !s.Trust.AuthRequired || len(s.Trust.Authorities) != 1 || s.Trust.Authorities[0].Name == "" || len(s.Trust.Warnings) > 0 {
		t.Errorf("status %+v, %v", s.Trust, err)
	}
}
