package protocol

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// RevocationList is the value of a revocation record: a CRL and the certificates of its issuer, up
// to one that an authority signed. There are none if the issuer is an authority. It is immutable.
type RevocationList struct {
	issued
	entries []Revoked
	chain   []*Certificate
}

// Revoked is one certificate that a list revokes. Serial is its serial number in big-endian bytes.
// Since is the date from which it is not to be believed, in milliseconds; 0 if the list gives no
// date, which means from the beginning.
type Revoked struct {
	Serial string
	Since  uint64
}

// ParseRevocations reads the value of a revocation record by the profile in SPEC.md, section 7: a
// CRL in DER, then the certificates of its issuer. It keeps nothing of value. It does not check the
// topmost signature: see [RevocationList.CertifiedBy], and for a list without certificates
// [RevocationList.SignedBy].
func ParseRevocations(value []byte) (*RevocationList, error) {
	if len(value) == 0 || len(value) > MaxCertificateValue {
		return nil, fmt.Errorf("not a revocation list: %d bytes, want 1 to %d", len(value), MaxCertificateValue)
	}
	s := cryptobyte.String(append([]byte(nil), value...))
	l, err := readList(&s)
	if err != nil {
		return nil, fmt.Errorf("not a revocation list: %w", err)
	}
	if l.chain, err = readCertificates(s, MaxIntermediates); err != nil {
		return nil, fmt.Errorf("after a revocation list: %w", err)
	}
	if err := checkPath(&l.issued, l.chain); err != nil {
		return nil, fmt.Errorf("after a revocation list: %w", err)
	}
	return l, nil
}

// Issuer returns the SHA-256 of the issuer's name.
func (l *RevocationList) Issuer() [32]byte { return nameHash(l.issuer) }

// Key returns the key of the list's issuer if the list carries its certificate. It returns false
// where the issuer is an authority.
func (l *RevocationList) Key() (Owner, bool) {
	if len(l.chain) == 0 {
		return Owner{}, false
	}
	return l.chain[0].key, true
}

// Entries returns what the list revokes; the caller must not change it.
func (l *RevocationList) Entries() []Revoked { return l.entries }

// SignedBy reports whether the list was signed with this key. Only that of a certificate's issuer
// can revoke it.
func (l *RevocationList) SignedBy(key [32]byte) bool {
	return !Owner(key).SmallOrder() && l.verify(&key)
}

// CertifiedBy reports whether the issuer is one of these, or has a chain to one of these with it.
func (l *RevocationList) CertifiedBy(among []*Authority) bool {
	top := &l.issued
	if len(l.chain) > 0 {
		top = &l.chain[len(l.chain)-1].issued
	}
	for _, a := range among {
		if a.signed(top, len(l.chain)) {
			return true
		}
	}
	return false
}

// readList reads the CRL that s begins with.
func readList(s *cryptobyte.String) (*RevocationList, error) {
	frame, fields, err := readIssued(s)
	if err != nil {
		return nil, err
	}
	l := &RevocationList{issued: frame}
	if !skip(&fields, derVersion2) || !skip(&fields, derEd25519) {
		return nil, errors.New("it is not of version 2, or not signed with Ed25519")
	}
	if l.issuer, err = readName(&fields); err != nil {
		return nil, err
	}
	if _, err := readTime(&fields); err != nil { // thisUpdate; nothing depends on it
		return nil, err
	}
	if fields.PeekASN1Tag(tags.UTCTime) || fields.PeekASN1Tag(tags.GeneralizedTime) {
		if _, err := readTime(&fields); err != nil { // nextUpdate
			return nil, err
		}
	}
	if fields.PeekASN1Tag(tags.SEQUENCE) {
		if err := l.readEntries(&fields); err != nil {
			return nil, err
		}
	}
	return l, refuseCritical(fields)
}

func (l *RevocationList) readEntries(fields *cryptobyte.String) error {
	var list cryptobyte.String
	if !fields.ReadASN1(&list, tags.SEQUENCE) || list.Empty() {
		return errors.New("its list of certificates is empty or not DER")
	}
	for !list.Empty() {
		var entry cryptobyte.String
		if !list.ReadASN1(&entry, tags.SEQUENCE) {
			return errors.New("an entry of it is not DER")
		}
		e, err := readRevoked(entry)
		if err != nil {
			return err
		}
		l.entries = append(l.entries, e)
	}
	return nil
}

func readRevoked(entry cryptobyte.String) (e Revoked, err error) {
	if e.Serial, err = readSerial(&entry); err != nil {
		return e, err
	}
	if _, err := readTime(&entry); err != nil { // revocationDate: when it was entered
		return e, err
	}
	if entry.Empty() {
		return e, nil
	}
	list, err := readExtensions(&entry)
	if err != nil {
		return e, err
	}
	for _, x := range list {
		if x.critical {
			return e, errors.New("an entry has a critical extension")
		}
		if x.oid != oidInvalidityDate {
			continue
		}
		if e.Since, err = readGeneralized(&x.value); err != nil || !x.value.Empty() {
			return e, errors.Join(errors.New("an entry's invalidityDate is not a GeneralizedTime"), err)
		}
	}
	if !entry.Empty() {
		return e, errors.New("bytes follow an entry")
	}
	return e, nil
}

// refuseCritical reads the extensions of a list, which end it, and wants none of them understood.
func refuseCritical(fields cryptobyte.String) error {
	if fields.Empty() {
		return nil
	}
	list, err := readLastExtensions(fields, 0, "it holds more than certificates and extensions")
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.critical {
			return errors.New("it has a critical extension")
		}
	}
	return nil
}
