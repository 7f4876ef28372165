package protocol

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// Chain is the value of a certificate record: the certificate of an owner and the intermediates
// above it, up to one that an authority signed. It is immutable.
type Chain struct {
	certificates []*Certificate
}

// ParseChain reads the value of a certificate record by the profile in SPEC.md, section 7:
// certificates in DER, the owner's first, each signed by the next. It keeps nothing of value. The
// last one's signature is the authority's, see [Chain.Authority].
func ParseChain(value []byte) (*Chain, error) {
	if len(value) == 0 || len(value) > MaxCertificateValue {
		return nil, fmt.Errorf("not a chain of certificates: %d bytes, want 1 to %d", len(value), MaxCertificateValue)
	}
	list, err := readCertificates(append([]byte(nil), value...), 1+MaxIntermediates)
	if err != nil {
		return nil, fmt.Errorf("not a chain of certificates: %w", err)
	}
	if err := list[0].checkLeaf(); err != nil {
		return nil, fmt.Errorf("not the certificate of an owner: %w", err)
	}
	if err := checkPath(&list[0].issued, list[1:]); err != nil {
		return nil, fmt.Errorf("not a chain of certificates: %w", err)
	}
	return &Chain{list}, nil
}

// Owner returns the certified owner.
func (c *Chain) Owner() Owner { return c.certificates[0].key }

// Subject names the certified owner, for people.
func (c *Chain) Subject() string { return c.certificates[0].Subject() }

// Serial returns the serial number of the owner's certificate, big-endian.
func (c *Chain) Serial() []byte { return c.certificates[0].Serial() }

// Certificates returns the certificates, the owner's first; the caller must not change the list.
func (c *Chain) Certificates() []*Certificate { return c.certificates }

func (c *Chain) top() *Certificate { return c.certificates[len(c.certificates)-1] }

// TopIssuer returns the SHA-256 of the name of the last certificate's issuer.
func (c *Chain) TopIssuer() [32]byte { return nameHash(c.top().issuer) }

// Authority returns the first that signed the last certificate and allows a chain of this length,
// nil if none did.
func (c *Chain) Authority(among []*Authority) *Authority {
	for _, a := range among {
		if a.signed(&c.top().issued, len(c.certificates)-1) {
			return a
		}
	}
	return nil
}

// AuthorityAt is [Chain.Authority] among those with which the chain is valid at a time in
// milliseconds. An authority may have several certificates, one after the other.
func (c *Chain) AuthorityAt(t uint64, among []*Authority) *Authority {
	for i, a := range among {
		if c.ValidAt(t, a) && c.Authority(among[i:i+1]) != nil {
			return a
		}
	}
	return nil
}

// ValidAt reports whether all certificates, the authority's too, are valid at a time in
// milliseconds. Revocations are another matter.
func (c *Chain) ValidAt(t uint64, a *Authority) bool {
	for _, certificate := range c.certificates {
		if !certificate.validAt(t) {
			return false
		}
	}
	return a != nil && a.validAt(t)
}

// Issue identifies a certificate as a revocation of it does. It has the SHA-256 of the issuer's
// name, the serial number in big-endian bytes, and the issuer's key.
type Issue struct {
	Issuer [32]byte
	Serial string
	Key    [32]byte
}

// Issues returns one for each certificate of a chain that this authority signed, the owner's first.
func (c *Chain) Issues(a *Authority) []Issue {
	list := make([]Issue, len(c.certificates))
	for i, certificate := range c.certificates {
		above := &a.Certificate
		if i+1 < len(c.certificates) {
			above = c.certificates[i+1]
		}
		list[i] = Issue{Issuer: nameHash(certificate.issuer), Serial: certificate.serial, Key: above.key}
	}
	return list
}

// Authority is a CA that a network's genesis, or a reader, believes: a CA certificate whose own
// signature does not matter. It is immutable.
type Authority struct {
	Certificate
}

// ParseAuthority reads a CA's certificate in DER: at most [MaxAuthority] bytes, by the profile in
// SPEC.md, section 7. It keeps nothing of der.
func ParseAuthority(der []byte) (*Authority, error) {
	if len(der) == 0 || len(der) > MaxAuthority {
		return nil, fmt.Errorf("not the certificate of an authority: %d bytes, want 1 to %d", len(der), MaxAuthority)
	}
	list, err := readCertificates(append([]byte(nil), der...), 1)
	if err == nil {
		err = list[0].checkCA()
	}
	if err != nil {
		return nil, fmt.Errorf("not the certificate of an authority: %w", err)
	}
	return &Authority{*list[0]}, nil
}

// Name names the authority, for people.
func (a *Authority) Name() string { return a.Subject() }

// Fingerprint returns the SHA-256 of the certificate.
func (a *Authority) Fingerprint() [32]byte { return sha256.Sum256(a.der) }

// Key returns the authority's public key.
func (a *Authority) Key() [32]byte { return a.key }

// parseAuthorities reads a network's authorities.
func parseAuthorities(list [][]byte) ([]*Authority, error) {
	if len(list) > MaxAuthorities {
		return nil, fmt.Errorf("a network has at most %d authorities, not %d", MaxAuthorities, len(list))
	}
	seen := map[string]bool{}
	authorities := make([]*Authority, len(list))
	for i, der := range list {
		if seen[string(der)] {
			return nil, errors.New("a network has the same authority twice")
		}
		seen[string(der)] = true
		a, err := ParseAuthority(der)
		if err != nil {
			return nil, fmt.Errorf("authority %d: %w", i+1, err)
		}
		authorities[i] = a
	}
	return authorities, nil
}
