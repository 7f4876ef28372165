package protocol

// Whether a record is valid may depend on certificates of the network's own authorities, and of no
// others.

// Authorities returns the network's authorities; the caller must not change the list.
func (n *Network) Authorities() []*Authority { return n.authorities }

// NeedsCertificate reports whether the record is valid only if it rests on a certificate. It needs
// one if it carries less than the full price, or if the network takes no others. Records that carry
// certificates or revocations need none.
func (n *Network) NeedsCertificate(r *Record) bool {
	switch r.Type {
	case TypeGenesis, TypeCertificate, TypeRevocation:
		return false
	}
	return n.params.AuthRequired || !n.Paid(r)
}

// Supports returns the network's authority by which a record may rest on this chain, nil if there
// is none. The chain is the value of a certificate record that the record links. It must be good
// for the authority and certify the record's owner, with all certificates valid at the record's
// timestamp. The record then rests on it, unless its own past holds a revocation of one of
// [Chain.Issues].
func (n *Network) Supports(c *Chain, h *Header) *Authority {
	if c.Owner() != h.Owner {
		return nil
	}
	return c.AuthorityAt(h.Timestamp, n.authorities)
}

// CheckCertified applies the rule that needs the certificates among the record's links: rests says
// whether the record rests on one of them.
func (n *Network) CheckCertified(r *Record, rests bool) error {
	switch {
	case rests || !n.NeedsCertificate(r):
		return nil
	case n.params.AuthRequired:
		return invalid(RuleCertificate, "this network takes only records that link a valid certificate of their owner, which is not revoked")
	}
	return invalid(RuleCertificate, "effort %d, without a valid certificate of its owner among the links it needs %d", r.Effort(), n.RequiredEffort(r))
}

// checkContents applies the rule for the contents of certificates and revocations, where the
// network has one. On such a network an owner without a certificate can publish nothing else.
func (n *Network) checkContents(r *Record) error {
	if !n.params.AuthRequired || r.Type != TypeCertificate && r.Type != TypeRevocation {
		return nil
	}
	switch {
	case r.Value == nil:
		return invalid(RuleCertificate, "a %s without a value", r.Type)
	case r.value == nil: // not at hand
		return nil
	case r.Type == TypeCertificate:
		return n.checkChain(r.value)
	}
	return n.checkRevocations(r.value)
}

func (n *Network) checkChain(value []byte) error {
	c, err := ParseChain(value)
	if err != nil {
		return invalid(RuleCertificate, "%v", err)
	}
	if c.Authority(n.authorities) == nil {
		return invalid(RuleCertificate, "no authority of this network signed the certificate")
	}
	return nil
}

func (n *Network) checkRevocations(value []byte) error {
	l, err := ParseRevocations(value)
	if err != nil {
		return invalid(RuleCertificate, "%v", err)
	}
	if !l.CertifiedBy(n.authorities) {
		return invalid(RuleCertificate, "the revocation list is of no authority of this network, nor of an intermediate of one")
	}
	return nil
}
