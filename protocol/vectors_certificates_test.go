package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// chainVector is the value of a certificate record. testdata/README.md says what the fields mean.
type chainVector struct {
	Name      string          `json:"name"`
	Value     hexBytes        `json:"value"`
	Authority hexBytes        `json:"authority"`
	Chain     bool            `json:"chain"`
	Good      bool            `json:"good"`
	Owner     *protocol.Owner `json:"owner,omitempty"`
	NotBefore uint64          `json:"notBefore,omitempty"`
	NotAfter  uint64          `json:"notAfter,omitempty"`
	Issues    []issueVector   `json:"issues,omitempty"`
}

type issueVector struct {
	Issuer hexBytes `json:"issuer"`
	Serial hexBytes `json:"serial"`
	Key    hexBytes `json:"key"`
}

type authorityVector struct {
	Name      string   `json:"name"`
	Authority hexBytes `json:"authority"`
	Valid     bool     `json:"valid"`
}

type certificateVectors struct {
	Authorities []authorityVector `json:"authorities"`
	Chains      []chainVector     `json:"chains"`
}

const (
	rootCA     = ca("root")
	otherCA    = ca("other root")
	middleCA   = ca("middle")
	lowerCA    = ca("lower")
	lowestCA   = ca("lowest")
	sideCA     = ca("side")
	derSerial2 = 2
)

// chainMaker collects chains with the verdict that SPEC.md has for them.
type chainMaker struct {
	list []chainVector
}

func (m *chainMaker) add(name string, authority []byte, chain, good bool, value []byte) {
	m.list = append(m.list, chainVector{Name: name, Value: value, Authority: authority, Chain: chain, Good: good})
}

// leaf adds the certificate of an owner by the root, with something changed in it.
func (m *chainMaker) leaf(name string, ok bool, change func(*certBuilder)) {
	m.add(name, rootCA.authority(), ok, ok, rootCA.owner("owner", derSerial2).with(change).der())
}

// extensions adds an owner's certificate with these extensions.
func (m *chainMaker) extensions(name string, ok bool, list ...[]byte) {
	m.leaf(name, ok, func(b *certBuilder) { b.extensions = tlv(0xa3, tlv(0x30, list...)) })
}

func (m *chainMaker) makeAll() {
	m.makePaths()
	m.makeFields()
	m.makeTimes()
	m.makeExtensions()
	m.makeForms()
}

func (m *chainMaker) makePaths() {
	root, rootAuthority := rootCA, rootCA.authority()
	owner := middleCA.owner("owner", 2).der()
	middle := root.ca(middleCA, 3, -1).der()
	m.add("an owner by an authority", rootAuthority, true, true, root.owner("owner", 2).der())
	m.add("one intermediate", rootAuthority, true, true, slices.Concat(owner, middle))
	m.add("two intermediates", rootAuthority, true, true, slices.Concat(lowerCA.owner("owner", 2).der(), middleCA.ca(lowerCA, 4, -1).der(), middle))
	m.add("three intermediates", rootAuthority, false, false, slices.Concat(lowestCA.owner("owner", 2).der(), lowerCA.ca(lowestCA, 5, -1).der(),
		middleCA.ca(lowerCA, 4, -1).der(), middle))
	m.add("the authority's certificate at the end, as an intermediate", rootAuthority, true, true, slices.Concat(root.owner("owner", 2).der(), rootAuthority))
	m.add("another authority", otherCA.authority(), true, false, root.owner("owner", 2).der())
	m.add("another authority of the same name", otherCA.certify("root", otherCA.key().Public().(ed25519.PublicKey), 1, derConstraints(-1),
		derExtension(oidUsage, true, bitsCA)).der(), true, false, root.owner("owner", 2).der())
	m.add("the authority's key under another name", root.certify("another name", root.key().Public().(ed25519.PublicKey), 1, derConstraints(-1),
		derExtension(oidUsage, true, bitsCA)).der(), true, false, root.owner("owner", 2).der())
	m.add("an authority that another one signed", otherCA.ca(rootCA, 9, -1).der(), true, true, root.owner("owner", 2).der())
	m.add("an intermediate is missing", rootAuthority, true, false, owner)
	m.add("in the wrong order", rootAuthority, false, false, slices.Concat(middle, owner))
	m.add("a foreign intermediate", rootAuthority, false, false, slices.Concat(owner, root.ca(sideCA, 3, -1).der()))
	m.add("a foreign intermediate of the same name", rootAuthority, false, false, slices.Concat(owner,
		root.certify("middle", sideCA.key().Public().(ed25519.PublicKey), 3, derConstraints(-1), derExtension(oidUsage, true, bitsCA)).der()))
	m.add("an owner's certificate as the intermediate", rootAuthority, false, false, slices.Concat(owner,
		root.certify("middle", middleCA.key().Public().(ed25519.PublicKey), 3, derExtension(oidUsage, true, []byte{3, 2, 2, 0x84})).der()))
	m.add("an intermediate without keyCertSign", rootAuthority, false, false, slices.Concat(owner,
		root.certify("middle", middleCA.key().Public().(ed25519.PublicKey), 3, derConstraints(-1), derExtension(oidUsage, true, []byte{3, 2, 1, 0x02})).der()))
	m.add("an intermediate without keyUsage", rootAuthority, false, false, slices.Concat(owner,
		root.certify("middle", middleCA.key().Public().(ed25519.PublicKey), 3, derConstraints(-1)).der()))
	for path := range 3 {
		limited := root.ca(rootCA, 1, path).der()
		m.add("authority with path length "+string(rune('0'+path))+", one intermediate", limited, true, path >= 1, slices.Concat(owner, middle))
		m.add("two intermediates, the upper with path length "+string(rune('0'+path)), rootAuthority, path >= 1, path >= 1,
			slices.Concat(lowerCA.owner("owner", 2).der(), middleCA.ca(lowerCA, 4, -1).der(), root.ca(middleCA, 3, path).der()))
	}
	m.add("an intermediate with path length 0", rootAuthority, true, true, slices.Concat(owner, root.ca(middleCA, 3, 0).der()))
	m.add("a CA in the place of the owner", rootAuthority, false, false, middle)
	m.add("no bytes", rootAuthority, false, false, []byte{})
	m.add("a byte behind the last", rootAuthority, false, false, append(root.owner("owner", 2).der(), 0))
	m.add("the last is cut short", rootAuthority, false, false, slices.Concat(owner, middle[:len(middle)-1]))
	m.add("longer than 16384 bytes", rootAuthority, false, false, root.owner("owner", 2).with(func(b *certBuilder) {
		b.subject = derName(string(bytes.Repeat([]byte{'x'}, protocol.MaxCertificateValue)))
	}).der())
}

func (m *chainMaker) makeFields() {
	m.leaf("version 1", false, func(b *certBuilder) { b.version = nil })
	m.leaf("version 2", false, func(b *certBuilder) { b.version = []byte{0xa0, 3, 2, 1, 1} })
	for _, v := range []struct {
		name  string
		ok    bool
		bytes []byte
	}{
		{"serial number of 20 bytes", true, append([]byte{0x7f}, bytes.Repeat([]byte{0xff}, 19)...)},
		{"serial number of 19 bytes and a zero in front", true, append([]byte{0}, bytes.Repeat([]byte{0xff}, 19)...)},
		{"serial number of 21 bytes", false, append([]byte{1}, make([]byte, 20)...)},
		{"serial number of 20 bytes and a zero in front", false, append([]byte{0}, bytes.Repeat([]byte{0xff}, 20)...)},
		{"serial number 0", false, []byte{0}}, {"serial number negative", false, []byte{0x80}}, {"serial number empty", false, nil},
		{"serial number not in its shortest form", false, []byte{0, 1}},
	} {
		m.leaf(v.name, v.ok, func(b *certBuilder) { b.serial = tlv(0x02, v.bytes) })
	}
	rsa := []byte{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00}
	m.leaf("another algorithm in the body", false, func(b *certBuilder) { b.algorithm = rsa })
	m.leaf("another algorithm outside", false, func(b *certBuilder) { b.outerAlgorithm = rsa })
	m.leaf("algorithm with parameters NULL", false, func(b *certBuilder) {
		b.algorithm = []byte{0x30, 0x07, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x05, 0x00}
		b.outerAlgorithm = b.algorithm
	})
	m.leaf("key of X25519", false, func(b *certBuilder) {
		b.key = bytes.Replace(b.key, derEd25519, []byte{0x30, 5, 6, 3, 0x2b, 0x65, 0x6e}, 1)
	})
	m.leaf("key of 31 bytes", false, func(b *certBuilder) { b.key = tlv(0x30, derEd25519, tlv(0x03, make([]byte, 32))) })
	m.leaf("key of small order", false, func(b *certBuilder) { b.key = tlv(0x30, derEd25519, tlv(0x03, []byte{0}, []byte{1}, make([]byte, 31))) })
	m.leaf("issuer's name in another form", true, func(*certBuilder) {})
	m.list[len(m.list)-1].Good = false
	m.list[len(m.list)-1].Value = rootCA.owner("owner", 2).with(func(b *certBuilder) {
		b.issuerName = tlv(0x30, tlv(0x31, tlv(0x30, []byte{0x06, 0x03, 0x55, 0x04, 0x03}, tlv(0x13, []byte("root")))))
	}).der()
	m.leaf("subject that is empty", true, func(b *certBuilder) { b.subject = tlv(0x30) })
	m.leaf("subject that is no name", true, func(b *certBuilder) { b.subject = tlv(0x30, []byte{0xff, 0xff, 0xff}) })
	m.leaf("subject that is a SET", false, func(b *certBuilder) { b.subject = tlv(0x31) })
	m.leaf("unique identifiers", false, func(b *certBuilder) { b.extensions = append(tlv(0x81, []byte{0, 1}), b.extensions...) })
	m.leaf("something behind the extensions", false, func(b *certBuilder) { b.extensions = append(b.extensions, 0x05, 0x00) })
}

func (m *chainMaker) makeTimes() {
	utc := func(text string) []byte { return tlv(0x17, []byte(text)) }
	generalized := func(text string) []byte { return tlv(0x18, []byte(text)) }
	later := generalized("20991231235959Z")
	for _, v := range []struct {
		name     string
		ok       bool
		from, to []byte
	}{
		{"time: to the end of 2049 in UTCTime", true, utc("700101000000Z"), utc("491231235959Z")},
		{"time: from 2050 on in GeneralizedTime", true, utc("260101000000Z"), generalized("20500101000000Z")},
		{"time: to the end of 9999", true, utc("260101000000Z"), generalized("99991231235959Z")},
		{"time: a leap day", true, utc("280229000000Z"), later},
		{"time: ends before it begins", true, later, utc("260101000000Z")},
		{"time: 1969", false, utc("691231235959Z"), later},
		{"time: 2049 in GeneralizedTime", false, utc("260101000000Z"), generalized("20491231235959Z")},
		{"time: 1949 in GeneralizedTime", false, generalized("19491231235959Z"), later},
		{"time: no leap day", false, utc("270229000000Z"), later},
		{"time: month 13", false, utc("261301000000Z"), later},
		{"time: day 0", false, utc("260100000000Z"), later},
		{"time: hour 24", false, utc("260101240000Z"), later},
		{"time: second 60", false, utc("261231235960Z"), later},
		{"time: without seconds", false, utc("2601010000Z"), later},
		{"time: with a zone", false, utc("260101000000+0100"), later},
		{"time: with fractions", false, utc("260101000000Z"), generalized("20991231235959.5Z")},
		{"time: without Z", false, utc("260101000000"), later},
		{"time: a space for a digit", false, utc("26 101000000Z"), later},
		{"time: a sign for a digit", false, utc("26+101000000Z"), later},
		{"time: three of them", false, utc("260101000000Z"), append(bytes.Clone(later), later...)},
		{"time: an INTEGER", false, []byte{0x02, 1, 1}, later},
	} {
		m.leaf(v.name, v.ok, func(b *certBuilder) { b.validity = tlv(0x30, v.from, v.to) })
	}
}

func (m *chainMaker) makeExtensions() {
	usage := derExtension(oidUsage, true, bitsSign)
	m.extensions("keyUsage not critical", true, derExtension(oidUsage, false, bitsSign))
	m.extensions("keyUsage of two bytes", true, derExtension(oidUsage, true, []byte{3, 3, 7, 0x80, 0x80}))
	m.extensions("keyUsage without digitalSignature", false, derExtension(oidUsage, true, []byte{3, 2, 6, 0x40}))
	m.extensions("keyUsage missing", false, derExtension(oidAltName, false, []byte{0x30, 0}))
	m.extensions("keyUsage not in its shortest form", false, derExtension(oidUsage, true, []byte{3, 2, 6, 0x80}))
	m.extensions("keyUsage with unused bits that are set", false, derExtension(oidUsage, true, []byte{3, 2, 7, 0xc0}))
	m.extensions("keyUsage without bits", false, derExtension(oidUsage, true, []byte{3, 1, 0}))
	m.extensions("keyUsage of three bytes", false, derExtension(oidUsage, true, []byte{3, 4, 7, 0x80, 0x80, 0x80}))
	m.extensions("keyUsage with a byte behind it", false, derExtension(oidUsage, true, append(bytes.Clone(bitsSign), 0)))
	m.extensions("keyUsage twice", false, usage, usage)
	m.extensions("another extension twice", false, usage, derExtension(oidAltName, false, []byte{1}), derExtension(oidAltName, false, []byte{2}))
	m.extensions("basicConstraints of no CA", true, usage, derExtension(oidBasic, true, tlv(0x30)))
	m.extensions("basicConstraints with cA FALSE", false, usage, derExtension(oidBasic, true, tlv(0x30, []byte{1, 1, 0})))
	m.extensions("basicConstraints with cA 01", false, usage, derExtension(oidBasic, true, tlv(0x30, []byte{1, 1, 1})))
	m.extensions("basicConstraints of no CA with a path length", false, usage, derExtension(oidBasic, true, tlv(0x30, []byte{2, 1, 0})))
	m.extensions("basicConstraints with a byte behind them", false, usage, derExtension(oidBasic, true, append(tlv(0x30), 0)))
	m.extensions("a CA with digitalSignature", false, usage, derConstraints(-1))
	m.extensions("an unknown extension", true, usage, derExtension([]byte{0x2a, 3}, false, []byte("whatever")))
	m.extensions("an unknown critical extension", false, usage, derExtension([]byte{0x2a, 3}, true, []byte("whatever")))
	m.extensions("a critical name of another kind", false, usage, derExtension(oidAltName, true, tlv(0x30, tlv(0x82, []byte("example.org")))))
	m.extensions("a name of another kind that is malformed", true, usage, derExtension(oidAltName, false, []byte{0xff}))
	m.extensions("critical FALSE", false, tlv(0x30, tlv(0x06, oidUsage), []byte{1, 1, 0}, tlv(0x04, bitsSign)))
	m.extensions("critical 01", false, tlv(0x30, tlv(0x06, oidUsage), []byte{1, 1, 1}, tlv(0x04, bitsSign)))
	m.extensions("an empty list of extensions", false)
	m.leaf("two lists of extensions", false, func(b *certBuilder) {
		b.extensions = tlv(0xa3, tlv(0x30, usage), tlv(0x30, derExtension(oidAltName, false, []byte{1})))
	})
	m.leaf("no extensions", false, func(b *certBuilder) { b.extensions = nil })
	for _, path := range [][]byte{{2, 1, 127}, {2, 1, 0xff}, {2, 2, 0, 128}, {2, 0}} {
		constraints := derExtension(oidBasic, true, tlv(0x30, []byte{1, 1, 0xff}, path))
		middle := rootCA.certify("middle", middleCA.key().Public().(ed25519.PublicKey), 3, constraints, derExtension(oidUsage, true, bitsCA)).der()
		ok := path[len(path)-1] == 127
		m.add("an intermediate with a path length of DER "+string(hexText(path)), rootCA.authority(), ok, ok, slices.Concat(middleCA.owner("owner", 2).der(), middle))
	}
}

func hexText(b []byte) []byte { text, _ := hexBytes(b).MarshalText(); return text }

func (m *chainMaker) makeForms() {
	good := rootCA.owner("owner", 2)
	body := good.body()
	raw := func(name string, value []byte) { m.add(name, rootCA.authority(), false, false, value) }
	middle := func(change func(*certBuilder)) []byte {
		return slices.Concat(middleCA.owner("owner", 2).der(), rootCA.ca(middleCA, 3, -1).der(), rootCA.owner("x", 9).with(change).der())
	}
	raw("length not in its shortest form", append([]byte{0x30, 0x83, 0}, good.der()[2:]...))
	raw("length of indefinite form", slices.Concat([]byte{0x30, 0x80}, good.der()[3:], []byte{0, 0}))
	raw("a certificate in PEM", protocol.MarshalCertificatesPEM(good.der()))
	raw("signature with unused bits", tlv(0x30, body, derEd25519, tlv(0x03, []byte{1}, ed25519.Sign(good.issuer, body))))
	raw("signature of 63 bytes", tlv(0x30, body, derEd25519, tlv(0x03, []byte{0}, ed25519.Sign(good.issuer, body)[:63])))
	raw("something behind the signature", tlv(0x30, body, derEd25519, good.bits(body), []byte{5, 0}))
	raw("an owner's certificate at the top", middle(func(*certBuilder) {}))
	wrong := func(name string, chain bool, signature func(body []byte) []byte) {
		m.leaf(name, chain, func(b *certBuilder) {
			b.signature = func(body []byte) []byte { return tlv(0x03, []byte{0}, signature(body)) }
		})
		m.list[len(m.list)-1].Good = false
	}
	wrong("signature of zeros", true, func([]byte) []byte { return make([]byte, 64) })
	wrong("signature of another key", true, func(body []byte) []byte { return ed25519.Sign(sideCA.key(), body) })
	wrong("signature of the body without its head", true, func(body []byte) []byte { return ed25519.Sign(rootCA.key(), body[3:]) })
	wrong("signature with S not below the group's order", true, func(body []byte) []byte { return largeS(ed25519.Sign(rootCA.key(), body)) })
	bad := middleCA.owner("owner", 2).with(func(b *certBuilder) {
		b.signature = func([]byte) []byte { return tlv(0x03, []byte{0}, make([]byte, 64)) }
	})
	raw("an owner's certificate that its intermediate did not sign", slices.Concat(bad.der(), rootCA.ca(middleCA, 3, -1).der()))
}

// describe fills in what another implementation compares.
func (v *chainVector) describe(t *testing.T) {
	t.Helper()
	c, err := protocol.ParseChain(v.Value)
	if (err == nil) != v.Chain {
		t.Errorf("%s: %v", v.Name, err)
		return
	}
	if err != nil {
		if v.Good {
			t.Errorf("%s: good, and no chain", v.Name)
		}
		return
	}
	a := mustAuthority(t, v.Authority)
	if good := c.Authority([]*protocol.Authority{a}) == a; good != v.Good {
		t.Errorf("%s: good: %v", v.Name, good)
	}
	owner := c.Owner()
	v.Owner, v.NotBefore, v.NotAfter = &owner, a.NotBefore(), a.NotAfter()
	for _, certificate := range c.Certificates() {
		v.NotBefore, v.NotAfter = max(v.NotBefore, certificate.NotBefore()), min(v.NotAfter, certificate.NotAfter())
	}
	for i, issue := range c.Issues(a) {
		if i == 0 && issue.Serial != string(c.Serial()) || i == len(c.Certificates())-1 && (issue.Issuer != c.TopIssuer() || issue.Key != a.Key()) {
			t.Errorf("%s: %+v", v.Name, issue)
		}
		v.Issues = append(v.Issues, issueVector{issue.Issuer[:], []byte(issue.Serial), issue.Key[:]})
	}
}

func TestVectorsCertificates(t *testing.T) {
	t.Parallel()
	m := &chainMaker{}
	m.makeAll()
	for i := range m.list {
		m.list[i].describe(t)
	}
	made := certificateVectors{Chains: m.list, Authorities: makeAuthorities()}
	for _, v := range made.Authorities {
		if _, err := protocol.ParseAuthority(v.Authority); (err == nil) != v.Valid {
			t.Errorf("authority %s: %v", v.Name, err)
		}
	}
	current(t, "certificates.json", made)
	good := 0
	for _, v := range m.list {
		if v.Good {
			good++
		}
	}
	t.Logf("%d chains, %d good", len(m.list), good)
}

func makeAuthorities() []authorityVector {
	changed := func(change func(*certBuilder)) []byte { return rootCA.ca(rootCA, 1, -1).with(change).der() }
	sized := func(size int) []byte {
		grow := func(n int) []byte {
			return changed(func(b *certBuilder) { b.subject = derName(string(bytes.Repeat([]byte{'x'}, n))) })
		}
		base := len(grow(1000))
		return grow(1000 + size - base)
	}
	return []authorityVector{
		{"of itself", rootCA.authority(), true},
		{"of another", otherCA.ca(rootCA, 1, -1).der(), true},
		{"signature of zeros", changed(func(b *certBuilder) {
			b.signature = func([]byte) []byte { return tlv(0x03, []byte{0}, make([]byte, 64)) }
		}), true},
		{"2048 bytes", sized(protocol.MaxAuthority), true},
		{"2049 bytes", sized(protocol.MaxAuthority + 1), false},
		{"no CA", rootCA.owner("owner", 2).der(), false},
		{"without keyCertSign", rootCA.certify("root", rootCA.key().Public().(ed25519.PublicKey), 1, derConstraints(-1)).der(), false},
		{"key of small order", changed(func(b *certBuilder) {
			b.key = tlv(0x30, derEd25519, tlv(0x03, []byte{0}, bytes.Repeat([]byte{0}, 32)))
		}), false},
		{"two of them", append(rootCA.authority(), otherCA.authority()...), false},
		{"a byte behind it", append(rootCA.authority(), 0), false},
		{"no bytes", []byte{}, false},
	}
}
