package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hdevalence/ed25519consensus"

	"github.com/lf-store/lf/protocol"
)

func day(n int) time.Time { return time.UnixMilli(testTime).Add(time.Duration(n) * 24 * time.Hour) }

func millis(t time.Time) uint64 { return uint64(t.UnixMilli()) }

// testSigner makes an authority that signed itself, and who works with its key.
func testSigner(t testing.TB, name string) (*protocol.Signer, *protocol.Authority) {
	t.Helper()
	key := testKey(t)
	der, err := protocol.NewAuthority(key, name, day(-10), day(1000), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := protocol.NewSigner(key, der)
	if err != nil {
		t.Fatal(err)
	}
	return s, mustAuthority(t, der)
}

func testRequest(t testing.TB, key ed25519.PrivateKey, name string) *x509.CertificateRequest {
	t.Helper()
	text, err := protocol.NewRequest(key, name)
	if err != nil {
		t.Fatal(err)
	}
	request, err := protocol.ParseRequestPEM(text)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// intermediate makes a CA below another.
func intermediate(t testing.TB, s *protocol.Signer, name string) (*protocol.Signer, error) {
	t.Helper()
	key := testKey(t)
	value, err := s.Certify(testRequest(t, key, name), day(-5), day(500), true, rand.Reader)
	if err != nil {
		return nil, err
	}
	return protocol.NewSigner(key, value)
}

func certify(t testing.TB, s *protocol.Signer, key ed25519.PrivateKey) *protocol.Chain {
	t.Helper()
	value, err := s.Certify(testRequest(t, key, "Owner"), day(-1), day(100), false, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := protocol.ParseChain(value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSigner makes certificates through up to two intermediates, and revokes each.
func TestSigner(t *testing.T) {
	t.Parallel()
	signer, authority := testSigner(t, "Root")
	_, foreign := testSigner(t, "Root")
	among := []*protocol.Authority{foreign, authority}
	signers := []*protocol.Signer{signer}
	for _, name := range []string{"Middle", "Lower"} {
		next, err := intermediate(t, signers[len(signers)-1], name)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, next)
	}
	if _, err := intermediate(t, signers[2], "Lowest"); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a third intermediate: %v", err)
	}
	for i, s := range signers {
		key := testKey(t)
		c := certify(t, s, key)
		if c.Owner() != protocol.OwnerOf(key) || c.Subject() != "Owner" || len(c.Certificates()) != i+1 {
			t.Errorf("%d: %s, %d certificates", i, c.Subject(), len(c.Certificates()))
		}
		if c.Authority(among) != authority || c.Authority(among[:1]) != nil || c.AuthorityAt(testTime, among) != authority {
			t.Errorf("%d: another authority", i)
		}
		for at, want := range map[uint64]bool{millis(day(-1)) - 1: false, millis(day(-1)): true, millis(day(100)) + 999: true, millis(day(100)) + 1000: false} {
			if c.ValidAt(at, authority) != want || (c.AuthorityAt(at, among) != nil) != want {
				t.Errorf("%d: valid at %d: %v", i, at, !want)
			}
		}
		if c.ValidAt(testTime, nil) {
			t.Error("valid with no authority")
		}
		issues := c.Issues(authority)
		for j, issue := range issues {
			if by := signers[i-j]; !by.Issued(issue) || by != s && s.Issued(issue) {
				t.Errorf("%d: certificate %d", i, j)
			}
		}
		revokes(t, s, issues[0], i, among)
	}
}

func revokes(t *testing.T, s *protocol.Signer, issue protocol.Issue, chain int, among []*protocol.Authority) {
	t.Helper()
	since := uint64(testTime + 1999)
	value, err := s.Revoke([]protocol.Revoked{{Serial: issue.Serial}, {Serial: "\x01", Since: since}}, day(3))
	if err != nil {
		t.Fatal(err)
	}
	l, err := protocol.ParseRevocations(value)
	if err != nil {
		t.Fatal(err)
	}
	entries := l.Entries()
	if len(entries) != 2 || entries[0] != (protocol.Revoked{Serial: issue.Serial}) || entries[1] != (protocol.Revoked{Serial: "\x01", Since: testTime + 1000}) {
		t.Errorf("%+v", entries)
	}
	if l.Issuer() != issue.Issuer || !l.SignedBy(issue.Key) || l.SignedBy([32]byte{1}) || !l.CertifiedBy(among) || l.CertifiedBy(among[:1]) {
		t.Errorf("the list of a signer below %d others", chain)
	}
}

// TestSignerRefuses asks for what could not be used.
func TestSignerRefuses(t *testing.T) {
	t.Parallel()
	s, authority := testSigner(t, "Root")
	owner := testKey(t)
	good := testRequest(t, owner, "Owner")
	changed := *good
	changed.RawTBSCertificateRequest = append(bytes.Clone(good.RawTBSCertificateRequest), 0)
	small := *good
	small.PublicKey = ed25519.PublicKey(append([]byte{1}, make([]byte, 31)...))
	other := *good
	other.PublicKey = "not a key"
	for name, c := range map[string]struct {
		request     *x509.CertificateRequest
		from, until time.Time
		want        string
	}{
		"a request that its key did not sign": {&changed, day(0), day(1), "not signed with its own key"},
		"a key of small order":                {&small, day(0), day(1), "small order"},
		"another kind of key":                 {&other, day(0), day(1), "want Ed25519"},
		"ends before it begins":               {good, day(1), day(0), "ends after it begins"},
		"outlives its CA":                     {good, day(0), day(1001), "that of its CA is not"},
		"begins before its CA":                {good, day(-11), day(1), "that of its CA is not"},
	} {
		if _, err := s.Certify(c.request, c.from, c.until, false, rand.Reader); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Certify(good, day(0), day(1), false, bytes.NewReader(nil)); err == nil {
		t.Error("a serial number out of nothing")
	}
	for name, list := range map[string][]protocol.Revoked{"nothing": nil, "serial number 0": {{}}, "a date beyond time": {{Serial: "\x01", Since: 1 << 63}},
		"a serial number of 21 bytes": {{Serial: strings.Repeat("\x01", 21)}}} {
		if _, err := s.Revoke(list, day(0)); err == nil {
			t.Errorf("revoked %s", name)
		}
	}
	for name, list := range map[string][][]byte{"none": nil, "not its own": {otherCA.authority()}, "not a certificate": {{1}},
		"an owner's": {rootCA.owner("owner", 2).der()}, "one that did not issue it": {authority.DER(), otherCA.authority()}} {
		if _, err := protocol.NewSigner(owner, list...); err == nil {
			t.Errorf("a signer with %s", name)
		}
	}
	for name, list := range map[string][][]byte{"not a CA": {rootCA.certify("x", rootCA.key().Public().(ed25519.PublicKey), 1, derExtension(oidUsage, true, bitsSign)).der()},
		"what did not issue its own": {rootCA.authority(), otherCA.authority()}} {
		if _, err := protocol.NewSigner(rootCA.key(), list...); err == nil {
			t.Errorf("a signer with %s", name)
		}
	}
	if _, err := protocol.NewAuthority(owner, "", day(0), day(1), rand.Reader); err == nil {
		t.Error("an authority without a name")
	}
	if _, err := protocol.NewAuthority(owner, "x", day(1), day(0), rand.Reader); err == nil {
		t.Error("an authority that ends before it begins")
	}
	if _, err := protocol.NewAuthority(owner[:31], "x", day(0), day(1), rand.Reader); err == nil {
		t.Error("an authority with half a key")
	}
	if _, err := protocol.NewAuthority(owner, strings.Repeat("x", protocol.MaxAuthority), day(0), day(1), rand.Reader); err == nil {
		t.Error("an authority that no network takes")
	}
	if _, err := protocol.NewRequest(owner[:31], "x"); err == nil {
		t.Error("a request with half a key")
	}
}

// TestSignerPathLength holds signers to the path lengths above them.
func TestSignerPathLength(t *testing.T) {
	t.Parallel()
	limited, err := protocol.NewSigner(rootCA.key(), rootCA.ca(rootCA, 1, 0).der())
	if err != nil {
		t.Fatal(err)
	}
	request := testRequest(t, testKey(t), "x")
	from, until := time.UnixMilli(certFrom), time.UnixMilli(certUntil)
	if _, err := limited.Certify(request, from, until, true, rand.Reader); err == nil {
		t.Error("a CA below one with path length 0")
	}
	if _, err := limited.Certify(request, from, until, false, rand.Reader); err != nil {
		t.Error(err)
	}
	below, err := protocol.NewSigner(middleCA.key(), rootCA.ca(middleCA, 3, -1).der(), rootCA.ca(rootCA, 1, 1).der())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := below.Certify(request, from, until, true, rand.Reader); err != nil {
		t.Errorf("what an authority that is cut off says does not bind: %v", err)
	}
	below, err = protocol.NewSigner(lowerCA.key(), middleCA.ca(lowerCA, 4, -1).der(), rootCA.ca(middleCA, 3, 1).der())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := below.Certify(request, from, until, true, rand.Reader); err == nil {
		t.Error("a CA that leaves no room for owners")
	}
}

// TestSignerUnder leaves out what is an authority's, also where it did not sign itself.
func TestSignerUnder(t *testing.T) {
	t.Parallel()
	crossed := otherCA.ca(rootCA, 9, -1).der() // an authority that another one signed
	s, err := protocol.NewSigner(rootCA.key(), crossed)
	if err != nil {
		t.Fatal(err)
	}
	a := mustAuthority(t, crossed)
	request := testRequest(t, testKey(t), "x")
	for want, s := range map[int]*protocol.Signer{2: s, 1: s.Under([]*protocol.Authority{a})} {
		value, err := s.Certify(request, time.UnixMilli(certFrom), time.UnixMilli(certUntil), false, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c, err := protocol.ParseChain(value)
		if err != nil || len(c.Certificates()) != want || (c.Authority([]*protocol.Authority{a}) != nil) != (want == 1) {
			t.Errorf("want %d certificates: %v", want, err)
		}
	}
	below, err := protocol.NewSigner(middleCA.key(), rootCA.ca(middleCA, 3, -1).der(), crossed)
	if err != nil {
		t.Fatal(err)
	}
	value, err := below.Under([]*protocol.Authority{a}).Revoke([]protocol.Revoked{{Serial: "\x02"}}, day(0))
	if err != nil {
		t.Fatal(err)
	}
	if l, err := protocol.ParseRevocations(value); err != nil || !l.CertifiedBy([]*protocol.Authority{a}) {
		t.Error(err)
	}
}

func TestSignerPEM(t *testing.T) {
	t.Parallel()
	key := testKey(t)
	der, err := protocol.NewAuthority(key, "Root", day(0), day(1), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := protocol.MarshalSignerPEM(key, der)
	if err != nil {
		t.Fatal(err)
	}
	s, err := protocol.ParseSignerPEM(text)
	if err != nil || !bytes.Equal(s.Certificate().DER(), der) {
		t.Fatal(err)
	}
	certificates := protocol.MarshalCertificatesPEM(der, otherCA.authority())
	list, err := protocol.ParseAuthoritiesPEM(append([]byte("a comment\n"), certificates...))
	if err != nil || len(list) != 2 || list[0].Name() != "Root" || list[1].Name() != "other root" {
		t.Fatal(err)
	}
	keyText, err := protocol.MarshalKeyPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{"nothing": nil, "no key": certificates, "only a key": keyText, "two keys": append(bytes.Clone(keyText), text...),
		"a request": append(bytes.Clone(text), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST"})...),
		"cut short": append(bytes.Clone(text), "-----BEGIN CERTIFICATE-----\nMII"...), "too large": make([]byte, 2<<20),
		"a broken key": bytes.Replace(text, []byte("MC4"), []byte("MC5"), 1)} {
		if _, err := protocol.ParseSignerPEM(bad); err == nil {
			t.Errorf("a signer out of %s", name)
		}
	}
	for name, bad := range map[string][]byte{"nothing": nil, "a key": text, "no CA": protocol.MarshalCertificatesPEM(rootCA.owner("x", 2).der()),
		"the same twice": append(bytes.Clone(certificates), certificates...)} {
		if _, err := protocol.ParseAuthoritiesPEM(bad); err == nil {
			t.Errorf("authorities out of %s", name)
		}
	}
	for name, bad := range map[string][]byte{"nothing": nil, "a certificate": certificates, "garbage": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{1}})} {
		if _, err := protocol.ParseRequestPEM(bad); err == nil {
			t.Errorf("a request out of %s", name)
		}
	}
}

func opensslFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "openssl", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestOpenSSL takes what openssl made, and lets its CA work here.
func TestOpenSSL(t *testing.T) {
	t.Parallel()
	read := func(names ...string) (value []byte) {
		for _, name := range names {
			block, _ := pem.Decode(opensslFile(t, name))
			value = append(value, block.Bytes...)
		}
		return value
	}
	authority := mustAuthority(t, read("ca.crt"))
	among := []*protocol.Authority{authority}
	c, err := protocol.ParseChain(read("owner.crt", "sub.crt"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := protocol.ParseKeyPEM(opensslFile(t, "owner.key"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Authority(among) != authority || c.Owner() != protocol.OwnerOf(key) || c.Subject() != "Owner" || authority.Name() != "Example CA" ||
		c.Certificates()[0].Issuer() != "Example intermediate" || c.Certificates()[1].Issuer() != "Example CA" {
		t.Errorf("%s, %s", c.Subject(), authority.Name())
	}
	l, err := protocol.ParseRevocations(read("sub.crl", "sub.crt"))
	if err != nil {
		t.Fatal(err)
	}
	issue := c.Issues(authority)[0]
	want := protocol.Revoked{Serial: issue.Serial, Since: uint64(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())}
	if !l.CertifiedBy(among) || !l.SignedBy(issue.Key) || l.Issuer() != issue.Issuer || len(l.Entries()) != 1 || l.Entries()[0] != want {
		t.Errorf("%+v", l.Entries())
	}
	for _, files := range [][]string{{"ca.key", "ca.crt"}, {"sub.key", "sub.crt", "ca.crt"}} {
		var text []byte
		for _, name := range files {
			text = append(text, opensslFile(t, name)...)
		}
		s, err := protocol.ParseSignerPEM(text)
		if err != nil {
			t.Fatal(err)
		}
		request, err := protocol.ParseRequestPEM(opensslFile(t, "owner.csr"))
		if err != nil {
			t.Fatal(err)
		}
		from := time.UnixMilli(int64(s.Certificate().NotBefore()))
		value, err := s.Certify(request, from, from.Add(time.Hour), false, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := protocol.ParseChain(value); err != nil || c.Authority(among) != authority || c.Owner() != protocol.OwnerOf(key) {
			t.Errorf("%v: %v", files, err)
		}
	}
}

// TestStandardLibraryReads: what is made here is X.509 for others too.
func TestStandardLibraryReads(t *testing.T) {
	t.Parallel()
	s, authority := testSigner(t, "Root")
	middle, err := intermediate(t, s, "Middle")
	if err != nil {
		t.Fatal(err)
	}
	c := certify(t, middle, testKey(t))
	roots, inner := x509.NewCertPool(), x509.NewCertPool()
	for der, pool := range map[string]*x509.CertPool{string(authority.DER()): roots, string(c.Certificates()[1].DER()): inner} {
		certificate, err := x509.ParseCertificate([]byte(der))
		if err != nil {
			t.Fatal(err)
		}
		pool.AddCert(certificate)
	}
	leaf, err := x509.ParseCertificate(c.Certificates()[0].DER())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: inner, CurrentTime: day(0), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Error(err)
	}
}

// TestSmallOrder compares with what a key of small order does: the signature of zeros verifies
// under it for any message.
func TestSmallOrder(t *testing.T) {
	t.Parallel()
	keys := map[protocol.Owner]bool{}
	for _, v := range readVectors[[]signatureVector](t, "signatures.json") {
		keys[protocol.Owner(v.Key)] = true
	}
	for range 20 {
		keys[protocol.OwnerOf(testKey(t))] = true
	}
	nothing := make([]byte, 64)
	nothing[0] = 1 // R is the neutral element, S is 0
	small := 0
	for key := range keys {
		everybody := true
		for _, message := range []string{"a", "b", "c", "d"} {
			everybody = everybody && ed25519consensus.Verify(key[:], []byte(message), nothing)
		}
		if key.SmallOrder() != everybody {
			t.Errorf("%x: of small order: %v", key, !everybody)
		}
		if everybody {
			small++
		}
	}
	if small != 14 {
		t.Errorf("%d keys of small order in the vectors, want all 14", small)
	}
}

// TestNameText: names that people see do no harm on a terminal.
func TestNameText(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Owner": "Owner", "a\x1b[2Jb": "a\ufffd[2Jb", "a\nb": "a\ufffdb", strings.Repeat("x", 300): strings.Repeat("x", 200) + "…"} {
		a := mustAuthority(t, ca("root").certify(name, rootCA.key().Public().(ed25519.PublicKey), 1, derConstraints(-1), derExtension(oidUsage, true, bitsCA)).der())
		if a.Name() != want {
			t.Errorf("%q is shown as %q", name, a.Name())
		}
	}
}
