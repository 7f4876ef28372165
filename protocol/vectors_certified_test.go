package protocol_test

import (
	"slices"

	"github.com/lf-store/lf/protocol"
)

// carried makes a record without selectors that carries this value as it is.
func (m *vectorMaker) carried(network string, kind uint64, value []byte, effort uint32) *builder {
	b := m.base(network)
	b.kind, b.names, b.plain, b.sealed, b.effort = kind, nil, nil, value, effort
	return b
}

func (m *vectorMaker) makeAcceptedCertificates() {
	chain := rootCA.owner("owner", 2).der()
	middle := rootCA.ca(middleCA, 3, -1).der()
	good := func(name, network string, b *builder) { m.good(name, network, b, nil) }
	effort := func(b *builder, effort uint32) *builder { b.effort = effort; return b }
	good("certified: datum of the reduced effort", "certified", effort(m.base("certified"), 2))
	good("certified: datum of the required effort", "certified", effort(m.base("certified"), 8))
	good("certified: certificate", "certified", m.carried("certified", 3, chain, 9))
	good("certified: certificate that is none", "certified", m.carried("certified", 3, []byte("none"), 5))
	good("certified: revocation that is none", "certified", m.carried("certified", 4, []byte("none"), 5))
	good("closed: datum", "closed", m.base("closed"))
	good("closed: commentary that says nothing", "closed", m.carried("closed", 2, []byte("nothing"), 0))
	good("closed: certificate", "closed", m.carried("closed", 3, chain, 0))
	good("closed: certificate by the second authority", "closed", m.carried("closed", 3, sideCA.owner("owner", 2).der(), 0))
	good("closed: certificate by an intermediate", "closed", m.carried("closed", 3, append(middleCA.owner("owner", 2).der(), middle...), 0))
	good("closed: certificate that expired", "closed", m.carried("closed", 3, rootCA.owner("owner", 2).with(func(b *certBuilder) {
		b.validity = tlv(0x30, derTime(1000), derTime(2000))
	}).der(), 0))
	good("closed: certificate with selectors", "closed", func() *builder {
		b := m.base("closed")
		b.kind, b.plain, b.sealed = 3, nil, chain
		return b
	}())
	header, _ := m.carried("closed", 3, []byte("not at hand"), 0).build(m.t)
	m.accept = append(m.accept, m.describe("closed: certificate whose value is not at hand", "closed", header, nil))
	good("closed: revocation by an authority", "closed", m.carried("closed", 4, rootCA.revoke(derEntry(2)).der(), 0))
	good("closed: revocation by an intermediate", "closed", m.carried("closed", 4, append(middleCA.revoke(derEntry(2)).der(), middle...), 0))
}

func (m *vectorMaker) makeRejectedCertificates() {
	chain, list := rootCA.owner("owner", 2).der(), rootCA.revoke(derEntry(2)).der()
	middle := rootCA.ca(middleCA, 3, -1).der()
	bad := func(name string, kind uint64, value []byte) {
		m.bad(protocol.RuleCertificate, "closed: "+name, "closed", m.carried("closed", kind, value, 0), nil)
	}
	bad("certificate without a value", 3, nil)
	bad("certificate that is none", 3, []byte("none"))
	bad("certificate by a foreign authority", 3, otherCA.owner("owner", 2).der())
	bad("certificate in the authority's name by another key", 3, rootCA.owner("owner", 2).with(func(b *certBuilder) { b.issuer = otherCA.key() }).der())
	bad("certificate by an intermediate whose own is missing", 3, middleCA.owner("owner", 2).der())
	bad("certificate of an intermediate", 3, middle)
	bad("certificate with a byte behind it", 3, append(slices.Clone(chain), 0))
	bad("a revocation list as a certificate", 3, list)
	bad("revocation without a value", 4, nil)
	bad("revocation that is none", 4, []byte("none"))
	bad("revocation by a foreign authority", 4, otherCA.revoke(derEntry(2)).der())
	bad("revocation in the authority's name by another key", 4, rootCA.revoke(derEntry(2)).with(func(b *listBuilder) { b.issuer = otherCA.key() }).der())
	bad("revocation by an intermediate whose certificate is missing", 4, middleCA.revoke(derEntry(2)).der())
	bad("a certificate as a revocation", 4, chain)
	m.bad(protocol.RuleEffort, "certified: datum of less than the reduced effort", "certified", m.base("certified"), func(b *builder) { b.effort = 1 })
	m.bad(protocol.RuleEffort, "certified: datum without work", "certified", m.base("certified"), nil)
	m.bad(protocol.RuleEffort, "certified: certificate of the reduced effort", "certified", m.carried("certified", 3, chain, 3), nil)
	m.bad(protocol.RuleEffort, "certified: revocation of the reduced effort", "certified", m.carried("certified", 4, list, 3), nil)
}
