package protocol_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// certifiedNetwork has one authority, whose signer it returns too.
func certifiedNetwork(t testing.TB, change func(*protocol.Params)) (*protocol.Network, *protocol.Signer) {
	t.Helper()
	s, a := testSigner(t, "Root")
	return testNetwork(t, func(p *protocol.Params) {
		p.Authorities = [][]byte{a.DER()}
		change(p)
	}), s
}

// TestAuthoritiesOfNetwork opens networks with authorities, and refuses those that could not work.
func TestAuthoritiesOfNetwork(t *testing.T) {
	t.Parallel()
	var seventeen [][]byte
	for i := range 17 {
		seventeen = append(seventeen, ca(fmt.Sprintf("root %d", i)).authority())
	}
	for name, c := range map[string]struct {
		list     [][]byte
		required bool
		want     string
	}{
		"none":                 {nil, false, ""},
		"none, but required":   {nil, true, "nobody could ever write"},
		"one":                  {seventeen[:1], true, ""},
		"16":                   {seventeen[:16], false, ""},
		"17":                   {seventeen, false, "at most 16"},
		"the same twice":       {[][]byte{seventeen[0], seventeen[1], seventeen[0]}, false, "twice"},
		"an owner":             {[][]byte{rootCA.owner("owner", 2).der()}, true, "not that of a CA"},
		"garbage":              {[][]byte{{1}}, false, "not DER"},
		"two in one":           {[][]byte{append(bytes.Clone(seventeen[0]), seventeen[1]...)}, false, "more than 1"},
		"one that has expired": {[][]byte{rootCA.ca(rootCA, 1, -1).with(func(b *certBuilder) { b.validity = tlv(0x30, derTime(1000), derTime(2000)) }).der()}, true, ""},
	} {
		p := protocol.DefaultParams()
		p.Name, p.Authorities, p.AuthRequired = "test", c.list, c.required
		n, err := protocol.NewNetwork(p, testTime, rand.Reader)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f := n.File(nil)
		again, err := f.Network()
		if err != nil || len(again.Authorities()) != len(c.list) {
			t.Fatalf("%s: %v", name, err)
		}
		for i, a := range again.Authorities() {
			if !bytes.Equal(a.DER(), c.list[i]) {
				t.Errorf("%s: authority %d is another", name, i)
			}
		}
	}
	// 16 of the largest fit a genesis.
	p := protocol.DefaultParams()
	p.Name = "test"
	for i := range byte(16) {
		der := rootCA.ca(rootCA, 1, -1).with(func(b *certBuilder) { b.subject = derName(string(bytes.Repeat([]byte{'a' + i}, 1700))) }).der()
		p.Authorities = append(p.Authorities, der)
	}
	if _, err := protocol.NewNetwork(p, testTime, rand.Reader); err != nil {
		t.Error(err)
	}
}

// TestPrices compares what records of all types cost with and without a certificate.
func TestPrices(t *testing.T) {
	t.Parallel()
	perKiB := func(full, reduced uint32) func(*protocol.Params) {
		return func(p *protocol.Params) { p.WorkPerKiB, p.WorkPerKiBCertified = full, reduced }
	}
	plain := testNetwork(t, perKiB(1024, 64))
	certified, _ := certifiedNetwork(t, perKiB(1024, 64))
	dearer, _ := certifiedNetwork(t, perKiB(64, 1024))
	free, _ := certifiedNetwork(t, perKiB(1024, 0))
	required, _ := certifiedNetwork(t, func(p *protocol.Params) { p.AuthRequired = true })
	for _, c := range []struct {
		name          string
		network       *protocol.Network
		kind          protocol.Type
		full, reduced uint32 // of 1,024 bytes
		needs         bool   // at the full price
	}{
		{"no authorities", plain, protocol.TypeDatum, 1024, 1024, false},
		{"authorities", certified, protocol.TypeDatum, 1024, 64, false},
		{"authorities, commentary", certified, protocol.TypeCommentary, 1024, 64, false},
		{"authorities, certificate", certified, protocol.TypeCertificate, 1024, 1024, false},
		{"authorities, revocation", certified, protocol.TypeRevocation, 1024, 1024, false},
		{"reduced above full", dearer, protocol.TypeDatum, 64, 64, false},
		{"reduced to nothing", free, protocol.TypeDatum, 1024, 0, false},
		{"required", required, protocol.TypeDatum, 0, 0, true},
		{"required, reserved type", required, protocol.TypeReserved, 0, 0, true},
		{"required, certificate", required, protocol.TypeCertificate, 0, 0, false},
		{"required, revocation", required, protocol.TypeRevocation, 0, 0, false},
	} {
		n, key := c.network, testKey(t)
		d := draft(t, n, protocol.OwnerOf(key), "")
		d.Type = c.kind
		d.Value = noise(300)
		r := compose(t, n, key, d)
		d.Value = noise(300 + 1024 - billed(r)) // 1 KiB in all
		r = compose(t, n, key, d)
		if n.RequiredEffort(r) != c.full || n.CertifiedEffort(r) != c.reduced {
			t.Errorf("%s: costs %d, and %d with a certificate", c.name, n.RequiredEffort(r), n.CertifiedEffort(r))
		}
		solve := func(_ []byte, effort uint32) (protocol.Work, error) { return protocol.Work{Effort: effort}, nil }
		full, err := n.Pay(r, 0, solve)
		if err != nil || full.Effort() != c.full || !n.Paid(full) || n.NeedsCertificate(full) != c.needs {
			t.Errorf("%s: %v", c.name, err)
		}
		reduced, err := n.PayCertified(r, 0, solve)
		if err != nil || reduced.Effort() != c.reduced || n.Paid(reduced) != (c.full == c.reduced) || n.NeedsCertificate(reduced) != (c.needs || c.full != c.reduced) {
			t.Errorf("%s: %v", c.name, err)
		}
		if more, err := n.PayCertified(r, c.full+5, solve); err != nil || more.Effort() != c.full+5 {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, rests := range []bool{false, true} {
			want := protocol.RuleCertificate
			if rests || !n.NeedsCertificate(reduced) {
				want = ""
			}
			if err := n.CheckCertified(reduced, rests); ruleOf(err) != want {
				t.Errorf("%s: rests: %v: %v", c.name, rests, err)
			}
		}
	}
	for _, g := range required.Genesis() {
		if required.NeedsCertificate(g) || required.CertifiedEffort(g) != 0 {
			t.Error("a genesis needs a certificate")
		}
	}
}

// billed is the size of a record without work that has a value. What follows the selectors is not
// billed: the signature, 2 bytes of its head, and null for the work.
func billed(r *protocol.Record) int {
	return len(r.HeaderBytes()) - (2 + 64 + 1) + int(r.Value.Size) + 128
}

// TestSupports: who may rest on a chain.
func TestSupports(t *testing.T) {
	t.Parallel()
	n, s := certifiedNetwork(t, func(*protocol.Params) {})
	key := testKey(t)
	c := certify(t, s, key)
	h := protocol.Header{Owner: protocol.OwnerOf(key), Timestamp: testTime}
	if a := n.Supports(c, &h); a != n.Authorities()[0] {
		t.Errorf("%v", a)
	}
	late, stranger := h, h
	late.Timestamp = millis(day(200))
	stranger.Owner[0] ^= 1
	for name, h := range map[string]*protocol.Header{"after its end": &late, "another owner": &stranger} {
		if n.Supports(c, h) != nil {
			t.Errorf("%s: supported", name)
		}
	}
	foreign, _ := certifiedNetwork(t, func(*protocol.Params) {})
	if foreign.Supports(c, &h) != nil {
		t.Error("on another network: supported")
	}
}

// TestRenewedAuthority: an authority with two certificates, one after the other, is good at the
// time of each.
func TestRenewedAuthority(t *testing.T) {
	t.Parallel()
	period := func(from, until uint64) []byte {
		return rootCA.ca(rootCA, 1, -1).with(func(b *certBuilder) { b.validity = tlv(0x30, derTime(from), derTime(until)) }).der()
	}
	old, renewed := mustAuthority(t, period(certFrom, testTime)), mustAuthority(t, period(testTime-1000, certUntil))
	c, err := protocol.ParseChain(rootCA.owner("owner", 2).der())
	if err != nil {
		t.Fatal(err)
	}
	among := []*protocol.Authority{old, renewed}
	for at, want := range map[uint64]*protocol.Authority{testTime - 5000: old, testTime: old, testTime + 1000: renewed, certUntil + 1000: nil} {
		if got := c.AuthorityAt(at, among); got != want {
			t.Errorf("at %d: %v", at, got)
		}
	}
}
