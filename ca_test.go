//go:build cgo

package lf_test

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/node"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// guild is a network for certified owners, with its CA and a node.
type guild struct {
	t  *testing.T
	ca *lf.CA
	db *lf.Client
}

func newGuild(t *testing.T, authRequired bool) *guild {
	t.Helper()
	g := &guild{t: t, ca: must[*lf.CA](t)(lf.NewCA("guild", time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)))}
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.AuthRequired = "guild", 0, authRequired
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	p.Authorities = [][]byte{g.ca.Authority()}
	file := must[protocol.NetworkFile](t)(lf.NewNetwork(p, nil, false))
	n, err := node.Start(t.Context(), node.Config{
		Home: must[*home.Home](t)(home.Open(t.TempDir())), Network: must[*protocol.Network](t)(file.Network()),
		Offline: true, APIListen: "127.0.0.1:0",
	})
	if err != nil {
		t.Fatal(err)
	}
	g.db = must[*lf.Client](t)(n.Client())
	t.Cleanup(func() {
		if err := errors.Join(g.db.Close(), n.Close()); err != nil {
			t.Error(err)
		}
	})
	return g
}

// member makes an owner with a request for a certificate.
func (g *guild) member() (owner protocol.Owner, key ed25519.PrivateKey, request []byte) {
	g.t.Helper()
	key = newKey(g.t)
	return protocol.OwnerOf(key), key, must[[]byte](g.t)(protocol.NewRequest(key, "member"))
}

// TestCertifyAndRevoke takes an owner through the life of a certificate on a network that wants
// one. The owner is refused before it, let in with it, and hidden when it is revoked.
func TestCertifyAndRevoke(t *testing.T) {
	t.Parallel()
	g := newGuild(t, true)
	ctx := t.Context()
	owner, key, request := g.member()
	var uncertified *lf.UncertifiedError
	if _, err := g.db.Set(ctx, horse, []byte("x"), lf.AsKey(key)); !errors.As(err, &uncertified) || uncertified.Owner != owner {
		t.Errorf("without a certificate: %v", err)
	}
	if list, err := g.db.Certificates(ctx, owner); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := g.db.SerialsOf(ctx, g.ca, owner); !errors.Is(err, lf.ErrNotFound) {
		t.Error(err)
	}
	published := must[*lf.Written](t)(g.db.Certify(ctx, g.ca, request, time.Now().Add(time.Hour)))
	list := must[[]lf.Certificate](t)(g.db.Certificates(ctx, owner))
	if len(list) != 1 || list[0].Record != published.ID || !list[0].Usable || list[0].Revoked != nil || list[0].Chain.Owner() != owner {
		t.Fatalf("%+v", list)
	}
	set(t, g.db, horse, "x", lf.AsKey(key))

	serials := must[[]string](t)(g.db.SerialsOf(ctx, g.ca, owner))
	serial := must[string](t)(g.db.SerialIn(ctx, g.ca, published.ID))
	if len(serials) != 1 || serials[0] != serial {
		t.Errorf("serial numbers %x and %x", serials, serial)
	}
	if _, err := g.db.Revoke(ctx, g.ca, serials, time.Now().Add(time.Hour)); err == nil {
		t.Error("revoked in the future")
	}
	must[*lf.Written](t)(g.db.Revoke(ctx, g.ca, serials, time.Time{}))
	if list := must[[]lf.Certificate](t)(g.db.Certificates(ctx, owner)); len(list) != 1 || list[0].Usable || list[0].Revoked == nil {
		t.Errorf("%+v", list)
	}
	if _, err := g.db.Get(ctx, horse); !errors.Is(err, lf.ErrNotFound) {
		t.Errorf("what rests on a revoked certificate: %v", err)
	}
	if _, err := g.db.SerialsOf(ctx, g.ca, owner); !errors.Is(err, lf.ErrNotFound) {
		t.Error(err)
	}
	if _, err := g.db.Set(ctx, horse, []byte("y"), lf.AsKey(key)); !errors.As(err, &uncertified) {
		t.Errorf("with a revoked certificate: %v", err)
	}
}

// TestManyCertificates lists more certificates than a page has by default.
func TestManyCertificates(t *testing.T) {
	t.Parallel()
	g := newGuild(t, false)
	owner, _, request := g.member()
	want := map[protocol.ID]bool{}
	for i := range 103 {
		want[must[*lf.Written](t)(g.db.Certify(t.Context(), g.ca, request, time.Now().Add(time.Duration(i+1)*time.Minute))).ID] = true
	}
	list := must[[]lf.Certificate](t)(g.db.Certificates(t.Context(), owner))
	for i, c := range list {
		if !want[c.Record] || i > 0 && c.NotAfter > list[i-1].NotAfter {
			t.Errorf("certificate %d: %+v", i, c.CertificateInfo)
		}
		delete(want, c.Record)
	}
	if len(want) != 0 || len(list) != 103 {
		t.Errorf("%d listed, %d missing", len(list), len(want))
	}
}

// TestStrangeCA: a CA that the network does not know certifies nobody there.
func TestStrangeCA(t *testing.T) {
	t.Parallel()
	g := newGuild(t, true)
	strange := must[*lf.CA](t)(lf.NewCA("strange", time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
	owner, _, request := g.member()
	if _, err := g.db.Certify(t.Context(), strange, request, time.Now().Add(time.Minute)); !errors.Is(err, lf.ErrUnknownCA) {
		t.Error(err)
	}
	published := must[*lf.Written](t)(g.db.Certify(t.Context(), g.ca, request, time.Now().Add(time.Hour)))
	if _, err := g.db.SerialIn(t.Context(), strange, published.ID); err == nil {
		t.Error("a CA finds the serial number of what another one issued")
	}
	if _, err := g.db.SerialsOf(t.Context(), strange, owner); !errors.Is(err, lf.ErrNotFound) {
		t.Error(err)
	}
	var period *lf.PeriodError
	if _, err := g.db.Certify(t.Context(), g.ca, request, time.Now().Add(48*time.Hour)); !errors.As(err, &period) {
		t.Errorf("for longer than the CA is valid: %v", err)
	}
	if _, err := g.db.Certify(t.Context(), g.ca, []byte("no request"), time.Now().Add(time.Hour)); err == nil {
		t.Error("certified what is no request")
	}
	again := must[*lf.CA](t)(lf.ParseCA(g.ca.PEM()))
	if again.Name() != "guild" || string(again.Authority()) != string(g.ca.Authority()) {
		t.Errorf("read again: %q", again.Name())
	}
	if _, err := lf.ParseCA([]byte("nonsense")); err == nil {
		t.Error("nonsense is a CA")
	}
}
