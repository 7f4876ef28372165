package protocol_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// revocationVector is the value of a revocation record. testdata/README.md says what the fields
// mean.
type revocationVector struct {
	Name      string          `json:"name"`
	Value     hexBytes        `json:"value"`
	Authority hexBytes        `json:"authority"`
	List      bool            `json:"list"`
	Certified bool            `json:"certified"`
	Issuer    hexBytes        `json:"issuer,omitempty"`
	Key       hexBytes        `json:"key"`
	Signed    bool            `json:"signed"`
	Entries   []revokedVector `json:"entries,omitempty"`
}

type revokedVector struct {
	Serial hexBytes `json:"serial"`
	Date   uint64   `json:"date"`
}

type revocationMaker struct {
	list []revocationVector
}

// add adds a value and its verdicts: whether it is a list, whether the authority root certifies it,
// and whether this CA signed it.
func (m *revocationMaker) add(name string, list, certified bool, signer ca, signed bool, value []byte) {
	m.list = append(m.list, revocationVector{Name: name, Value: value, Authority: rootCA.authority(), List: list, Certified: certified,
		Key: hexBytes(signer.key()[32:]), Signed: signed})
}

// root adds a list of the root's with something changed in it.
func (m *revocationMaker) root(name string, ok bool, change func(*listBuilder)) {
	m.add(name, ok, ok, rootCA, ok, rootCA.revoke(derEntry(2)).with(change).der())
}

// entry adds a list of the root's with this entry.
func (m *revocationMaker) entry(name string, ok bool, entry []byte) {
	m.root(name, ok, func(b *listBuilder) { b.entries = tlv(0x30, entry) })
}

func (m *revocationMaker) makeAll() {
	middle := rootCA.ca(middleCA, 3, -1).der()
	m.add("of an authority", true, true, rootCA, true, rootCA.revoke(derEntry(2)).der())
	m.add("of an intermediate", true, true, middleCA, true, append(middleCA.revoke(derEntry(2)).der(), middle...))
	m.add("of an intermediate's intermediate", true, true, lowerCA, true, slices.Concat(lowerCA.revoke(derEntry(2)).der(), middleCA.ca(lowerCA, 4, -1).der(), middle))
	m.add("with three intermediates", false, false, lowestCA, false, slices.Concat(lowestCA.revoke(derEntry(2)).der(), lowerCA.ca(lowestCA, 5, -1).der(), middleCA.ca(lowerCA, 4, -1).der(), middle))
	m.add("of an intermediate, without its certificate", true, false, middleCA, true, middleCA.revoke(derEntry(2)).der())
	m.add("of another authority", true, false, otherCA, true, otherCA.revoke(derEntry(2)).der())
	m.add("in the authority's name, by another key", true, false, rootCA, false, rootCA.revoke(derEntry(2)).with(func(b *listBuilder) { b.issuer = otherCA.key() }).der())
	m.add("in an intermediate's name, by another key", false, false, middleCA, false, append(middleCA.revoke(derEntry(2)).with(func(b *listBuilder) { b.issuer = otherCA.key() }).der(), middle...))
	m.add("with the certificate of another intermediate", false, false, middleCA, false, append(middleCA.revoke(derEntry(2)).der(), rootCA.ca(sideCA, 3, -1).der()...))
	m.add("with the certificate of an owner", false, false, middleCA, false, append(middleCA.revoke(derEntry(2)).der(), rootCA.owner("middle", 3).der()...))
	m.add("of an intermediate with path length 0", true, true, middleCA, true, append(middleCA.revoke(derEntry(2)).der(), rootCA.ca(middleCA, 3, 0).der()...))
	m.add("of an intermediate below one with path length 0", false, false, lowerCA, false, slices.Concat(lowerCA.revoke(derEntry(2)).der(), middleCA.ca(lowerCA, 4, -1).der(), rootCA.ca(middleCA, 3, 0).der()))
	m.add("verified with another key", true, true, otherCA, false, rootCA.revoke(derEntry(2)).der())
	m.add("a certificate", false, false, rootCA, false, rootCA.owner("owner", 2).der())
	m.add("no bytes", false, false, rootCA, false, []byte{})
	m.add("a byte behind it", false, false, rootCA, false, append(rootCA.revoke(derEntry(2)).der(), 0))
	m.root("without entries", true, func(b *listBuilder) { b.entries = nil })
	m.root("an empty list of entries", false, func(b *listBuilder) { b.entries = tlv(0x30) })
	m.root("version 1", false, func(b *listBuilder) { b.version = nil })
	m.root("version 3", false, func(b *listBuilder) { b.version = []byte{2, 1, 2} })
	m.root("another algorithm", false, func(b *listBuilder) { b.algorithm = []byte{0x30, 5, 6, 3, 0x2b, 0x65, 0x71} })
	m.root("without nextUpdate", true, func(b *listBuilder) { b.times = derTime(testTime) })
	m.root("without times", false, func(b *listBuilder) { b.times = nil })
	m.root("three times", false, func(b *listBuilder) { b.times = bytes.Repeat(derTime(testTime), 3) })
	m.root("an extension", true, func(b *listBuilder) {
		b.extensions = tlv(0xa0, tlv(0x30, derExtension([]byte{0x55, 0x1d, 0x14}, false, []byte{2, 1, 1})))
	})
	m.root("a critical extension", false, func(b *listBuilder) {
		b.extensions = tlv(0xa0, tlv(0x30, derExtension([]byte{0x55, 0x1d, 0x1b}, true, []byte{2, 1, 1})))
	})
	m.root("an empty list of extensions", false, func(b *listBuilder) { b.extensions = tlv(0xa0, tlv(0x30)) })
	m.root("two lists of extensions", false, func(b *listBuilder) {
		b.extensions = tlv(0xa0, tlv(0x30, derExtension([]byte{42}, false, nil)), tlv(0x30, derExtension([]byte{43}, false, nil)))
	})
	m.root("extensions under another tag", false, func(b *listBuilder) { b.extensions = tlv(0xa1, tlv(0x30, derExtension([]byte{42}, false, nil))) })
	m.makeEntries()
}

func (m *revocationMaker) makeEntries() {
	reason := derExtension([]byte{0x55, 0x1d, 0x15}, false, []byte{0x0a, 1, 8}) // removeFromCRL
	m.entry("a date", true, dated(2, testTime))
	m.entry("a date in 1970", true, dated(2, 1000))
	m.entry("a date in 9999", true, dated(2, 253402300799000))
	m.entry("a date in UTCTime", false, derEntry(2, derExtension(oidDate, false, derTime(testTime))))
	m.entry("a date with a byte behind it", false, derEntry(2, derExtension(oidDate, false, append(derGeneralized(testTime), 0))))
	m.entry("a date in 1969", false, derEntry(2, derExtension(oidDate, false, tlv(0x18, []byte("19691231235959Z")))))
	m.entry("a date that is critical", false, derEntry(2, derExtension(oidDate, true, derGeneralized(testTime))))
	m.entry("two dates", false, derEntry(2, derExtension(oidDate, false, derGeneralized(testTime)), derExtension(oidDate, false, derGeneralized(testTime))))
	m.entry("a reason, that nothing is revoked any more", true, derEntry(2, reason))
	m.entry("an unknown extension", true, derEntry(2, derExtension([]byte{42}, false, []byte("x"))))
	m.entry("an unknown critical extension", false, derEntry(2, derExtension([]byte{42}, true, []byte("x"))))
	m.entry("no extensions, in a list", false, tlv(0x30, []byte{2, 1, 2}, derTime(testTime), tlv(0x30)))
	m.entry("no date of its own", false, tlv(0x30, []byte{2, 1, 2}))
	m.entry("something behind the extensions", false, tlv(0x30, []byte{2, 1, 2}, derTime(testTime), tlv(0x30, reason), []byte{5, 0}))
	m.entry("serial number 0", false, derEntry(0))
	m.entry("serial number that is negative", false, derEntry(0x80))
	m.root("three entries, one of them again", true, func(b *listBuilder) {
		b.entries = tlv(0x30, derEntry(2), dated(7, testTime), derEntry(2))
	})
}

func TestVectorsRevocations(t *testing.T) {
	t.Parallel()
	m := &revocationMaker{}
	m.makeAll()
	for i := range m.list {
		v := &m.list[i]
		l, err := protocol.ParseRevocations(v.Value)
		if (err == nil) != v.List {
			t.Errorf("%s: %v", v.Name, err)
		}
		if err != nil {
			continue
		}
		if got := l.CertifiedBy([]*protocol.Authority{mustAuthority(t, v.Authority)}); got != v.Certified {
			t.Errorf("%s: certified: %v", v.Name, got)
		}
		if got := l.SignedBy([32]byte(v.Key)); got != v.Signed {
			t.Errorf("%s: signed: %v", v.Name, got)
		}
		issuer := l.Issuer()
		v.Issuer = issuer[:]
		for _, e := range l.Entries() {
			v.Entries = append(v.Entries, revokedVector{[]byte(e.Serial), e.Since})
		}
	}
	current(t, "revocations.json", m.list)
}
