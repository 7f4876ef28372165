package lfsync

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"

	"github.com/lf-store/lf/protocol"
)

// certifiedWorld is one whose network has a CA and asks of its owners for a sixteenth of the work;
// w.key is one of them.
type certifiedWorld struct {
	*world
	certificate *protocol.Record
}

func newCertifiedWorld(t testing.TB) certifiedWorld {
	t.Helper()
	_, ca, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from, until := time.Now().Add(-24*time.Hour), time.Now().Add(24*time.Hour)
	authority, err := protocol.NewAuthority(ca, "test CA", from, until, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := certifiedWorld{world: newWorld(t, func(p *protocol.Params) {
		p.WorkPerKiB, p.WorkPerKiBCertified, p.Authorities = 1024, 64, [][]byte{authority}
	})}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, w.key)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := protocol.NewSigner(ca, authority)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := signer.Certify(request, from, until, false, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := w.draft()
	d.Type, d.Names, d.Value = protocol.TypeCertificate, nil, chain
	w.certificate = w.pay(t, w.finish(t, d), w.network.RequiredEffort)
	return w
}

// pay says that a record has work, which nobody verifies here.
func (w *world) pay(t testing.TB, r *protocol.Record, price func(*protocol.Record) uint32) *protocol.Record {
	t.Helper()
	h := r.Header
	h.Work = &protocol.Work{Effort: price(r)}
	paid, err := protocol.NewRecord(h, r.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	return paid
}

func anyWork(c *Config) { c.Verify = func([]byte, protocol.Work) error { return nil } }

// TestUnpaidIsNotPassedOn has records at the price of the certified. Gossip passes them on when the
// certificate is here, and not while somebody might only claim to have one.
func TestUnpaidIsNotPassedOn(t *testing.T) {
	w := newCertifiedWorld(t)
	parent := w.pay(t, w.record(t), w.network.RequiredEffort)
	cheap := w.pay(t, w.record(t, w.certificate, parent), w.network.CertifiedEffort)
	full := w.pay(t, w.record(t, w.certificate, parent), w.network.RequiredEffort)
	alone := w.pay(t, w.record(t, parent), w.network.CertifiedEffort)
	cheaper := w.pay(t, w.record(t, w.certificate, parent), func(r *protocol.Record) uint32 { return w.network.CertifiedEffort(r) - 1 })
	for _, c := range []struct {
		name  string
		here  []*protocol.Record
		r     *protocol.Record
		want  pubsub.ValidationResult
		state Outcome
	}{
		{"everything here", []*protocol.Record{w.certificate, parent}, cheap, pubsub.ValidationAccept, Attached},
		{"certificate missing", []*protocol.Record{parent}, cheap, pubsub.ValidationIgnore, Pending},
		{"another link missing", []*protocol.Record{w.certificate}, cheap, pubsub.ValidationIgnore, Pending},
		{"full price, links missing", nil, full, pubsub.ValidationAccept, Pending},
		{"no certificate", []*protocol.Record{w.certificate, parent}, alone, pubsub.ValidationIgnore, 0},
		{"below even that price", []*protocol.Record{w.certificate, parent}, cheaper, pubsub.ValidationReject, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, store := w.offline(t, anyWork)
			for _, r := range c.here {
				if got, err := store.Put(t.Context(), r, 0); err != nil || got.Outcome != Attached {
					t.Fatalf("%+v, %v", got, err)
				}
			}
			if got := s.judge(t, c.r.EncodeFrame()); got != c.want || store.State(c.r.ID()) != c.state {
				t.Errorf("verdict %d, %s; want %d, %s", got, store.State(c.r.ID()), c.want, c.state)
			}
		})
	}
}

// TestPassedOnOncePaid has the certificate come after the records that rest on it. One copy of each
// is passed on then, by whichever way it came first.
func TestPassedOnOncePaid(t *testing.T) {
	w := newCertifiedWorld(t)
	for _, via := range []Via{ViaGossip, ViaFetch} {
		s, store := w.offline(t, anyWork)
		frame := w.pay(t, w.record(t, w.certificate), w.network.CertifiedEffort).EncodeFrame()
		if in, err := s.Ingest(t.Context(), frame, Source{Via: via, Peer: "somebody"}); err != nil || in.Outcome != Pending {
			t.Fatalf("%s: %+v, %v", via, in.Stored, err)
		}
		if got := s.judge(t, frame); got != pubsub.ValidationIgnore {
			t.Errorf("%s: without the certificate: verdict %d, want Ignore", via, got)
		}
		if _, err := s.Ingest(t.Context(), w.certificate.EncodeFrame(), Source{Via: ViaFetch, Peer: "somebody"}); err != nil {
			t.Fatal(err)
		}
		if store.attached() != len(w.network.Genesis())+2 {
			t.Fatalf("%s: %d records attached", via, store.attached())
		}
		for i, want := range []pubsub.ValidationResult{pubsub.ValidationAccept, pubsub.ValidationIgnore} {
			if got := s.judge(t, frame); got != want {
				t.Errorf("%s: copy %d with the certificate: verdict %d, want %d", via, i, got, want)
			}
		}
	}
}
