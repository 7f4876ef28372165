package store

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// authority is a CA at work; at is the number of the owner that has its key.
type authority struct {
	*protocol.Signer
	at  int
	der []byte
}

func (a *authority) parsed() *protocol.Authority {
	p, err := protocol.ParseAuthority(a.der)
	if err != nil {
		panic(err)
	}
	return p
}

// trustWorld is a world with two authorities, ca and other, an intermediate of the first, and one
// that the network does not know. A record without work rests on a certificate, one with the effort
// paid does not need to.
type trustWorld struct {
	*world
	ca, other, middle, foreign *authority
}

const paid = 1 << 20

// The owners that are CAs.
const (
	ownerCA = 10 + iota
	ownerOther
	ownerMiddle
	ownerForeign
)

// day is a time for certificates: this number of days after testTime.
func day(n int) time.Time { return time.UnixMilli(testTime).Add(time.Duration(n) * 24 * time.Hour) }

const oneDay = 24 * 60 * 60 * 1000 // ms

func newTrustWorld(t testing.TB, change func(*protocol.Params)) *trustWorld {
	t.Helper()
	w := &trustWorld{world: worldOf(nil)}
	w.owner(ownerForeign)
	w.ca, w.other, w.foreign = w.newAuthority(t, ownerCA, "ca"), w.newAuthority(t, ownerOther, "other"), w.newAuthority(t, ownerForeign, "foreign")
	value := w.certify(t, w.ca, ownerMiddle, day(-1000), day(1000), true)
	signer, err := protocol.NewSigner(w.owner(ownerMiddle), value)
	if err != nil {
		t.Fatal(err)
	}
	w.middle = &authority{Signer: signer, at: ownerMiddle}
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiBCertified = "test", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	p.Authorities = [][]byte{w.ca.der, w.other.der}
	if change != nil {
		change(&p)
	}
	if w.Network, err = protocol.NewNetwork(p, testTime, rand.Reader); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *trustWorld) newAuthority(t testing.TB, at int, name string) *authority {
	t.Helper()
	der, err := protocol.NewAuthority(w.owner(at), name, day(-1000), day(1000), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := protocol.NewSigner(w.owner(at), der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{signer, at, der}
}

// certify returns the value of a certificate record.
func (w *trustWorld) certify(t testing.TB, by *authority, owner int, from, until time.Time, isCA bool) []byte {
	t.Helper()
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "somebody"}}, w.owner(owner))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificateRequest(request)
	if err != nil {
		t.Fatal(err)
	}
	value, err := by.Certify(parsed, from, until, isCA, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// always is a certificate for all the time that tests play in.
func (w *trustWorld) always(t testing.TB, by *authority, owner int) []byte {
	t.Helper()
	return w.certify(t, by, owner, day(-900), day(900), false)
}

// revoke returns the value of a revocation record for the certificate at a place in a chain, 0 the
// owner's. since is in milliseconds, 0 for none.
func (w *trustWorld) revoke(t testing.TB, by *authority, chain []byte, place int, since uint64) []byte {
	t.Helper()
	c, err := protocol.ParseChain(chain)
	if err != nil {
		t.Fatal(err)
	}
	value, err := by.Revoke([]protocol.Revoked{{Serial: string(c.Certificates()[place].Serial()), Since: since}}, day(0))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// worked is a record with work of an effort, which the store does not verify.
func worked(r *protocol.Record, effort uint32) *protocol.Record {
	h := r.Header
	h.Work = nil
	if effort > 0 {
		h.Work = &protocol.Work{Effort: effort}
	}
	made, err := protocol.NewRecord(h, r.ValueBytes())
	if err != nil {
		panic(err)
	}
	return made
}

// full makes a record that pays the full price.
func (w *trustWorld) full(s spec) *protocol.Record { return worked(w.make(s), paid) }

func (w *trustWorld) certificate(at uint64, value []byte, links ...*protocol.Record) *protocol.Record {
	return w.full(spec{kind: protocol.TypeCertificate, at: at, owner: 9, links: links, value: string(value)})
}

func (w *trustWorld) revocation(at uint64, by int, value []byte, links ...*protocol.Record) *protocol.Record {
	return w.full(spec{kind: protocol.TypeRevocation, at: at, owner: by, links: links, value: string(value)})
}

func (w *trustWorld) commentary(at uint64, oracle int, words ...protocol.Word) *protocol.Record {
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		panic(err)
	}
	return w.full(spec{kind: protocol.TypeCommentary, at: at, owner: oracle, value: string(value)})
}

// compositeOf is the ID of a key of one name.
func (w *world) compositeOf(names ...sel) protocol.CompositeID {
	var points []protocol.SelectorPoint
	for _, n := range names {
		points = append(points, protocol.SelectorPoint{Key: w.name(n.name).Selector(), Ordinal: n.ordinal})
	}
	return protocol.CompositeOf(points)
}
