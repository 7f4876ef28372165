package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/lf-store/lf/protocol"
)

// What decodes foreign bytes is fuzzed, with the vectors as seeds.

func addFrames(f *testing.F, add func(frame []byte)) {
	f.Helper()
	for _, v := range readVectors[[]acceptVector](f, "accept.json") {
		add(v.Frame)
	}
	for _, v := range readVectors[[]rejectVector](f, "reject.json") {
		if len(v.Frame) < 8<<10 {
			add(v.Frame)
		}
	}
}

// FuzzDecodeRecord: a general codec reads just the same headers, in the same way. Those that are
// refused break the same rule for it. What decodes encodes to the same bytes.
func FuzzDecodeRecord(f *testing.F) {
	addFrames(f, func(frame []byte) {
		var parts [][]byte
		if cbor.Unmarshal(frame, &parts) == nil && len(parts) == 2 {
			f.Add(parts[0], parts[1])
		}
	})
	for _, count := range []int{17, 64, 65} {
		f.Add(encodeAny(f, []any{1, 2, make([]byte, 32), 1, linksOf(fixedLinks(count)), nil, []any{}, make([]byte, 64), nil}), []byte(nil))
	}
	n := testNetwork(f, nil)
	f.Fuzz(func(t *testing.T, header, value []byte) {
		r, err := protocol.DecodeRecord(header, value)
		g, broken := decodeGeneral(header, value)
		if ruleOf(err) != broken || (err != nil) != (broken != "") || (err != nil) != (r == nil) {
			t.Fatalf("%+v, %v: to a general codec it breaks %q: %+v", r, err, broken, g)
		}
		if err != nil {
			return
		}
		g.compare(t, r)
		again, err := protocol.NewRecord(r.Header, value)
		if err != nil || again.ID() != r.ID() || !bytes.Equal(again.HeaderBytes(), header) {
			t.Fatalf("encodes to other bytes: %x, %v", again.HeaderBytes(), err)
		}
		if n.Check(r, noWork) == nil && !n.IsGenesis(r.ID()) {
			t.Fatal("a valid record of a network that was made just now")
		}
		r.CompositeID()
		n.Challenge(r)
	})
}

// FuzzDecodeFrame: a general codec reads just the same frames. What decodes encodes to the same
// bytes.
func FuzzDecodeFrame(f *testing.F) {
	addFrames(f, func(frame []byte) { f.Add(frame) })
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		r, err := protocol.DecodeFrame(frame)
		g, broken := decodeGeneralFrame(frame)
		if ruleOf(err) != broken || (err != nil) != (broken != "") {
			t.Fatalf("%v: to a general codec it breaks %q: %+v", err, broken, g)
		}
		if err != nil {
			return
		}
		clear(frame) // nothing of it is kept
		g.compare(t, r)
		if !bytes.Equal(r.EncodeFrame(), before) {
			t.Fatalf("encodes to %x", r.EncodeFrame())
		}
	})
}

// FuzzParseNetworkFile: what opens can be written and opened again, and is the same network.
func FuzzParseNetworkFile(f *testing.F) {
	for _, v := range readVectors[[]fileVector](f, "networkfiles.json") {
		f.Add([]byte(v.Text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, file, err := protocol.ParseNetworkFile(data)
		if err != nil {
			return
		}
		if p := n.Params(); p.Check() != nil || len(n.Genesis()) != int(p.MinLinks) {
			t.Fatalf("%+v", p)
		}
		written := n.File(file.Seeds)
		if again, err := written.Network(); err != nil || again.ID() != file.ID {
			t.Fatal(err)
		}
	})
}

// FuzzParseExpression: what is read is written so that it is read again.
func FuzzParseExpression(f *testing.F) {
	for _, v := range readVectors[textVectors](f, "text.json").Expressions {
		f.Add(v.Text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := protocol.ParseExpression(s)
		if err != nil {
			return
		}
		if again, err := protocol.ParseExpression(e.String()); err != nil || again != e {
			t.Fatalf("%+v written as %q, read as %+v, %v", e, e.String(), again, err)
		}
		if protocol.CheckName(e.Name) != nil || e.From > e.To || e.To > protocol.MaxOrdinal {
			t.Fatalf("%+v", e)
		}
	})
}

// FuzzParseKeyPEM: what is read is written and read again.
func FuzzParseKeyPEM(f *testing.F) {
	text, err := protocol.MarshalKeyPEM(fixedKey("pem"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("MC4"), []byte("MC5"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := protocol.ParseKeyPEM(text)
		if err != nil {
			return
		}
		written, err := protocol.MarshalKeyPEM(key)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := protocol.ParseKeyPEM(written); err != nil || !again.Equal(key) {
			t.Fatal("another key", err)
		}
	})
}

// FuzzParseText: the text forms of identifiers that are read are written and read again.
func FuzzParseText(f *testing.F) {
	v := readVectors[textVectors](f, "text.json")
	for _, s := range []string{v.RecordCID.String(), v.ValueCID.String(), v.Owner.String(), v.Composites[0].ID.String(), "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := protocol.ParseID(s); err == nil {
			if again, err := protocol.ParseID(id.String()); err != nil || again != id {
				t.Fatal(again, err)
			}
		}
		if o, err := protocol.ParseOwner(s); err == nil && o.String() != s {
			t.Fatalf("%q is read as %s", s, o)
		}
		var value protocol.ValueID
		if value.UnmarshalText([]byte(s)) == nil {
			if again := new(protocol.ValueID); again.UnmarshalText([]byte(value.String())) != nil || *again != value {
				t.Fatal(again)
			}
		}
		var key protocol.SelectorKey
		if err := key.UnmarshalText([]byte(s)); (err == nil) != (new(protocol.CompositeID).UnmarshalText([]byte(s)) == nil) {
			t.Fatal(err)
		}
	})
}

// certificatesOf compares certificates with the bytes that they were read from, and with what the
// standard library reads.
func certificatesOf(t *testing.T, list []*protocol.Certificate, want []byte) {
	t.Helper()
	var all []byte
	for _, c := range list {
		all = append(all, c.DER()...)
		if c.Key().SmallOrder() || len(c.Serial()) == 0 || c.Serial()[0] == 0 || c.NotAfter() > protocol.MaxTimestamp || len(c.Subject()) > 300 {
			t.Fatalf("%+v", c)
		}
		other, err := x509.ParseCertificate(c.DER())
		if err != nil {
			continue // it looks at more
		}
		key, ok := other.PublicKey.(ed25519.PublicKey)
		if !ok || protocol.Owner(key) != c.Key() || !bytes.Equal(other.SerialNumber.Bytes(), c.Serial()) || other.IsCA != c.CA() ||
			uint64(other.NotBefore.UnixMilli()) != c.NotBefore() || uint64(other.NotAfter.UnixMilli())+999 != c.NotAfter() {
			t.Fatalf("the standard library reads %+v", other)
		}
	}
	if !bytes.Equal(all, want) {
		t.Fatalf("read from %x", all)
	}
}

// FuzzParseChain: what is read is the bytes that it was read from, and the standard library does
// not read it otherwise.
func FuzzParseChain(f *testing.F) {
	for _, v := range readVectors[certificateVectors](f, "certificates.json").Chains {
		f.Add([]byte(v.Value))
	}
	among := []*protocol.Authority{mustAuthority(f, rootCA.authority())}
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		c, err := protocol.ParseChain(value)
		if err != nil {
			if c != nil {
				t.Fatal(c)
			}
			return
		}
		clear(value) // nothing of it is kept
		certificatesOf(t, c.Certificates(), before)
		if c.Certificates()[0].CA() || c.Owner() != c.Certificates()[0].Key() || len(c.Issues(among[0])) != len(c.Certificates()) {
			t.Fatalf("%+v", c)
		}
		if a := c.Authority(among); a != nil && a != among[0] || a != nil && c.TopIssuer() != c.Issues(a)[len(c.Certificates())-1].Issuer {
			t.Fatalf("%+v", a)
		}
	})
}

// FuzzParseAuthority: what is read is the bytes that it was read from.
func FuzzParseAuthority(f *testing.F) {
	for _, v := range readVectors[certificateVectors](f, "certificates.json").Authorities {
		f.Add([]byte(v.Authority))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		a, err := protocol.ParseAuthority(der)
		if err != nil {
			if a != nil {
				t.Fatal(a)
			}
			return
		}
		certificatesOf(t, []*protocol.Certificate{&a.Certificate}, der)
		if !a.CA() || a.Fingerprint() != sha256.Sum256(der) || a.Key() != [32]byte(a.Certificate.Key()) {
			t.Fatalf("%+v", a)
		}
	})
}

// FuzzParseRevocations: what is read has sound serial numbers, and the standard library does not
// read it otherwise.
func FuzzParseRevocations(f *testing.F) {
	for _, v := range readVectors[[]revocationVector](f, "revocations.json") {
		f.Add([]byte(v.Value))
	}
	among := []*protocol.Authority{mustAuthority(f, rootCA.authority())}
	f.Fuzz(func(t *testing.T, value []byte) {
		before := bytes.Clone(value)
		l, err := protocol.ParseRevocations(value)
		if err != nil {
			if l != nil {
				t.Fatal(l)
			}
			return
		}
		clear(value)
		l.CertifiedBy(among)
		l.SignedBy(among[0].Key())
		for _, e := range l.Entries() {
			if len(e.Serial) == 0 || len(e.Serial) > 20 || e.Serial[0] == 0 || e.Since > protocol.MaxTimestamp {
				t.Fatalf("%+v", e)
			}
		}
		other, err := x509.ParseRevocationList(before)
		if err != nil {
			return
		}
		if len(other.RevokedCertificateEntries) != len(l.Entries()) || sha256.Sum256(other.RawIssuer) != l.Issuer() {
			t.Fatalf("the standard library reads %+v", other)
		}
		for i, e := range other.RevokedCertificateEntries {
			if string(e.SerialNumber.Bytes()) != l.Entries()[i].Serial {
				t.Fatalf("the standard library reads %+v", e)
			}
		}
	})
}

// FuzzParseCommentary: what is read encodes to the same bytes, and a general codec reads it alike.
func FuzzParseCommentary(f *testing.F) {
	for _, v := range readVectors[[]commentaryVector](f, "commentary.json") {
		if len(v.Value) < 2<<10 {
			f.Add([]byte(v.Value))
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		words, err := protocol.ParseCommentary(value)
		if err != nil {
			return
		}
		again, err := protocol.EncodeCommentary(words)
		if err != nil || !bytes.Equal(again, value) || len(words) > protocol.MaxWords(uint32(len(value))) {
			t.Fatalf("encodes to %x, %v", again, err)
		}
		var general [][]any
		if err := cbor.Unmarshal(value, &general); err != nil || len(general) != len(words) {
			t.Fatal(err)
		}
		for i, w := range words {
			if !bytes.Equal(general[i][0].([]byte), w.Composite[:]) || !bytes.Equal(general[i][1].([]byte), w.Owner[:]) || (general[i][2] == uint64(1)) != w.Objects {
				t.Fatalf("a general codec reads %v", general[i])
			}
		}
	})
}

// FuzzOpen: whatever somebody with the mask has sealed, it opens to at most the limit or not at
// all.
func FuzzOpen(f *testing.F) {
	networks := fixedNetworks(f)
	for _, v := range readVectors[[]sealingVector](f, "sealing.json") {
		if len(v.Sealed) < 8<<10 {
			f.Add(byte(1), []byte(v.Sealed))
		}
	}
	f.Add(byte(0), []byte("plain"))
	f.Add(byte(1), zstdOf(f, []byte("plain")))
	f.Add(byte(1), zstdStream(f, 1<<20))
	n, mask, s := networks["free"], protocol.Mask{}, protocol.Sealing{}
	f.Fuzz(func(t *testing.T, form byte, body []byte) {
		if _, err := n.Open(mask, s, body); err == nil {
			t.Fatal("opened what nobody sealed")
		}
		plain, err := n.Open(mask, s, sealFixed(t, n.ID(), mask, s, form, body))
		if (err == nil) != (plain != nil) || len(plain) > protocol.MaxPlaintext {
			t.Fatalf("%d bytes, %v", len(plain), err)
		}
		if form == 0 && !bytes.Equal(plain, body) && len(body) > 0 {
			t.Fatal("opened to something else")
		}
	})
}
