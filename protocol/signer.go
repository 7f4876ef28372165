package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"
)

// Signer is a CA at work: its key, its certificate, and the certificates above that, up to one that
// an authority signed. It is immutable.
type Signer struct {
	key   ed25519.PrivateKey
	own   *Certificate
	above []*Certificate // without own; none where own is an authority
	root  bool           // own is an authority
}

// NewSigner takes a CA's key and its certificates in DER: its own first, then those of the
// intermediates above it. The authority's own may stand at the end if it signed itself; see
// [Signer.Under] for one that did not.
func NewSigner(key ed25519.PrivateKey, certificates ...[]byte) (*Signer, error) {
	list, err := readCertificates(bytes.Join(certificates, nil), MaxIntermediates+1)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the CA: %w", err)
	case len(list) == 0:
		return nil, errors.New("the CA has a key and no certificate")
	case len(key) != ed25519.PrivateKeySize || OwnerOf(key) != list[0].key:
		return nil, errors.New("the CA's secret key is not that of its certificate, which must stand first")
	}
	if err := list[0].checkCA(); err != nil {
		return nil, fmt.Errorf("the CA's certificate: %w", err)
	}
	if err := checkPath(&list[0].issued, list[1:]); err != nil {
		return nil, fmt.Errorf("the CA: %w", err)
	}
	s := &Signer{key: key, own: list[0], above: list[1:]}
	return s.below(func(c *Certificate) bool { return c.signed(&c.issued, 0) }), nil
}

// Under returns the signer for a network, or for a reader, with these authorities. If the signer's
// own certificate or one above it is an authority's, what it makes leaves out that one and all
// above it.
func (s *Signer) Under(authorities []*Authority) *Signer {
	return s.below(func(c *Certificate) bool {
		for _, a := range authorities {
			if a.key == c.key && bytes.Equal(a.subject, c.subject) {
				return true
			}
		}
		return false
	})
}

// below cuts the signer's certificates at the first that is an authority's.
func (s *Signer) below(authority func(*Certificate) bool) *Signer {
	if s.root || authority(s.own) {
		return &Signer{key: s.key, own: s.own, root: true}
	}
	for i, c := range s.above {
		if authority(c) {
			return &Signer{key: s.key, own: s.own, above: s.above[:i]}
		}
	}
	return s
}

// Certificate returns the CA's own certificate.
func (s *Signer) Certificate() *Certificate { return s.own }

// Issued reports whether this CA issued the certificate, and so is the one that can revoke it.
func (s *Signer) Issued(i Issue) bool {
	return i.Issuer == nameHash(s.own.subject) && i.Key == s.own.key
}

// chain lists what stands between what the signer makes and the authority.
func (s *Signer) chain() []byte {
	if s.root {
		return nil
	}
	out := bytes.Clone(s.own.der)
	for _, c := range s.above {
		out = append(out, c.der...)
	}
	return out
}

// forever is the time that X.509 uses for "no end".
var forever = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// NewAuthority makes the certificate, in DER, of a CA that signs itself: for a network's genesis,
// or for readers who believe it. random is crypto/rand's reader, except in tests.
func NewAuthority(key ed25519.PrivateKey, name string, from, until time.Time, random io.Reader) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("the CA's secret key has another length than one of Ed25519")
	}
	if name == "" {
		return nil, errors.New("a CA needs a name")
	}
	t, err := template(pkix.Name{CommonName: name}, from, until, random)
	if err != nil {
		return nil, err
	}
	makeCA(t)
	der, err := x509.CreateCertificate(random, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the CA's certificate: %w", err)
	}
	if _, err := ParseAuthority(der); err != nil {
		return nil, err
	}
	return der, nil
}

func template(subject pkix.Name, from, until time.Time, random io.Reader) (*x509.Certificate, error) {
	if !from.Before(until) {
		return nil, errors.New("a certificate ends after it begins")
	}
	var serial [16]byte
	if _, err := io.ReadFull(random, serial[:]); err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive, and always of one length
	return &x509.Certificate{SerialNumber: new(big.Int).SetBytes(serial[:]), Subject: subject, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true}, nil
}

func makeCA(t *x509.Certificate) {
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

// Certify makes a certificate for the name and key of a request: an owner's, or with isCA that of
// an intermediate. It returns it with the certificates above it, the value of a certificate record
// where it is an owner's. random is crypto/rand's reader, except in tests.
func (s *Signer) Certify(request *x509.CertificateRequest, from, until time.Time, isCA bool, random io.Reader) ([]byte, error) {
	key, err := requestKey(request)
	if err != nil {
		return nil, err
	}
	if last := time.UnixMilli(int64(s.own.notAfter)); until.After(last) || from.Before(time.UnixMilli(int64(s.own.notBefore))) {
		return nil, fmt.Errorf("the certificate would be valid when that of its CA is not, which is valid from %s to %s",
			time.UnixMilli(int64(s.own.notBefore)).UTC().Format(time.DateOnly), last.UTC().Format(time.DateOnly))
	}
	t, err := template(pkix.Name{}, from, until, random)
	if err != nil {
		return nil, err
	}
	t.RawSubject = request.RawSubject
	if isCA {
		makeCA(t)
	}
	parent, err := s.parent()
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(random, t, parent, key, s.key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate: %w", err)
	}
	if err := s.checkMade(der, isCA); err != nil {
		return nil, err
	}
	return append(der, s.chain()...), nil
}

// checkMade reads what was made as others will. A CA must also leave room for the owners below it.
func (s *Signer) checkMade(der []byte, isCA bool) error {
	cas := append([]*Certificate{s.own}, s.above...)
	for i, c := range cas {
		if isCA && c.path >= 0 && c.path <= i {
			return fmt.Errorf("%s lets no more than %d CAs stand below it (path length)", c.Subject(), c.path)
		}
	}
	made := append(bytes.Clone(der), s.chain()...)
	list, err := readCertificates(made, MaxIntermediates+1)
	switch {
	case err != nil:
		return fmt.Errorf("cannot certify that: %w", err)
	case isCA && len(list) > MaxIntermediates:
		return fmt.Errorf("the chain would be too long: at most %d CAs may stand between an owner and an authority", MaxIntermediates)
	case isCA:
		return checkPath(&list[0].issued, list[1:])
	}
	_, err = ParseChain(made)
	return err
}

// parent returns the CA's certificate as the standard library wants it.
func (s *Signer) parent() (*x509.Certificate, error) {
	parent, err := x509.ParseCertificate(s.own.der)
	if err != nil {
		return nil, fmt.Errorf("the CA's certificate: %w", err)
	}
	return parent, nil
}

// oidInvalidity is the extension invalidityDate, RFC 5280 section 5.3.2.
var oidInvalidity = asn1.ObjectIdentifier{2, 5, 29, 24}

// Revoke makes a list of certificates that this CA issued, as of a time. It returns it with the
// CA's certificates, the value of a revocation record. A date from which a certificate is invalid
// is rounded down to seconds.
func (s *Signer) Revoke(list []Revoked, at time.Time) ([]byte, error) {
	if len(list) == 0 {
		return nil, errors.New("no certificate to revoke")
	}
	t := &x509.RevocationList{Number: big.NewInt(at.UnixMilli()), ThisUpdate: at, NextUpdate: forever}
	for _, r := range list {
		e := x509.RevocationListEntry{SerialNumber: new(big.Int).SetBytes([]byte(r.Serial)), RevocationTime: at}
		if r.Since > MaxTimestamp {
			return nil, errors.New("a date of revocation is too far ahead")
		}
		if r.Since > 0 {
			date, err := asn1.MarshalWithParams(time.UnixMilli(int64(r.Since)).UTC(), "generalized")
			if err != nil {
				return nil, fmt.Errorf("date of revocation: %w", err)
			}
			e.ExtraExtensions = []pkix.Extension{{Id: oidInvalidity, Value: date}}
		}
		t.RevokedCertificateEntries = append(t.RevokedCertificateEntries, e)
	}
	parent, err := s.parent()
	if err != nil {
		return nil, err
	}
	// LF lets every CA revoke what it issued, and needs no key identifier for it; the standard
	// library does.
	parent.KeyUsage |= x509.KeyUsageCRLSign
	if len(parent.SubjectKeyId) == 0 {
		parent.SubjectKeyId = s.own.key[:20]
	}
	der, err := x509.CreateRevocationList(nil, t, parent, s.key)
	if err != nil {
		return nil, fmt.Errorf("make the revocation list: %w", err)
	}
	value := append(der, s.chain()...)
	if _, err = ParseRevocations(value); err != nil {
		return nil, fmt.Errorf("cannot revoke that: %w", err)
	}
	return value, nil
}
