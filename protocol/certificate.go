package protocol

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Certificate is an X.509 certificate by the profile in SPEC.md, section 7. It is immutable.
type Certificate struct {
	issued
	serial              string
	subject             []byte
	notBefore, notAfter uint64
	key                 Owner
	ca                  bool
	path                int // how many intermediates may stand below it, -1 for any number
	usage               byte
}

// DER returns the certificate's bytes; the caller must not change them.
func (c *Certificate) DER() []byte { return c.der }

// Serial returns the serial number, big-endian without leading zeros.
func (c *Certificate) Serial() []byte { return []byte(c.serial) }

// Key returns the key that is certified.
func (c *Certificate) Key() Owner { return c.key }

// CA reports whether the key may certify others.
func (c *Certificate) CA() bool { return c.ca }

// NotBefore returns the first millisecond at which the certificate is valid.
func (c *Certificate) NotBefore() uint64 { return c.notBefore }

// NotAfter returns the last millisecond at which the certificate is valid. X.509 counts in seconds,
// and includes the last one.
func (c *Certificate) NotAfter() uint64 { return c.notAfter }

// SubjectHash returns the SHA-256 of the subject's name. [Chain.TopIssuer], [RevocationList.Issuer]
// and [Issue] name an issuer by this hash.
func (c *Certificate) SubjectHash() [32]byte { return nameHash(c.subject) }

// Subject names the certified, for people: the common name, or all of the name if it has none.
func (c *Certificate) Subject() string { return nameText(c.subject) }

// Issuer names the signer of the certificate, as [Certificate.Subject] names its holder.
func (c *Certificate) Issuer() string { return nameText(c.issuer) }

func (c *Certificate) validAt(t uint64) bool { return c.notBefore <= t && t <= c.notAfter }

// readCertificate reads the certificate that s begins with.
func readCertificate(s *cryptobyte.String) (*Certificate, error) {
	frame, fields, err := readIssued(s)
	if err != nil {
		return nil, err
	}
	c := &Certificate{issued: frame, path: -1}
	if !skip(&fields, derVersion3) {
		return nil, errors.New("it is not of version 3")
	}
	if c.serial, err = readSerial(&fields); err != nil {
		return nil, err
	}
	if !skip(&fields, derEd25519) {
		return nil, errors.New("it is not signed with Ed25519")
	}
	if c.issuer, err = readName(&fields); err != nil {
		return nil, err
	}
	if err := c.readValidity(&fields); err != nil {
		return nil, err
	}
	if c.subject, err = readName(&fields); err != nil {
		return nil, err
	}
	if !skip(&fields, derKey) || !fields.CopyBytes(c.key[:]) {
		return nil, errors.New("its key is not one of Ed25519")
	}
	if c.key.SmallOrder() {
		return nil, errors.New("its key is of small order, and so everybody's")
	}
	return c, c.readExtensions(fields)
}

func (c *Certificate) readValidity(fields *cryptobyte.String) (err error) {
	var validity cryptobyte.String
	if !fields.ReadASN1(&validity, tags.SEQUENCE) {
		return errors.New("its validity is not DER")
	}
	if c.notBefore, err = readTime(&validity); err != nil {
		return err
	}
	last, err := readTime(&validity)
	if err != nil {
		return err
	}
	if !validity.Empty() {
		return errors.New("its validity is more than two times")
	}
	c.notAfter = last + 999
	return nil
}

// readExtensions reads what follows the key: the extensions and nothing else.
func (c *Certificate) readExtensions(fields cryptobyte.String) error {
	list, err := readLastExtensions(fields, 3, "it has no extensions, or unique identifiers too")
	if err != nil {
		return err
	}
	for _, e := range list {
		switch {
		case e.oid == oidBasicConstraints:
			c.ca, c.path, err = readConstraints(e.value)
		case e.oid == oidKeyUsage:
			c.usage, err = readUsage(e.value)
		case e.critical:
			err = errors.New("it has a critical extension other than basicConstraints and keyUsage")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkLeaf says why this is not the certificate of an owner.
func (c *Certificate) checkLeaf() error {
	switch {
	case c.ca:
		return errors.New("it is that of a CA, not of an owner")
	case c.usage&usageDigitalSignature == 0:
		return errors.New("its keyUsage lacks digitalSignature")
	}
	return nil
}

// checkCA says why this is not the certificate of a CA.
func (c *Certificate) checkCA() error {
	switch {
	case !c.ca:
		return errors.New("it is not that of a CA (basicConstraints)")
	case c.usage&usageKeyCertSign == 0:
		return errors.New("its keyUsage lacks keyCertSign")
	}
	return nil
}

// signed reports whether c is the CA that issued i, with this many intermediates below c. The
// issuer's name must be that of c, and the signature must verify under c's key.
func (c *Certificate) signed(i *issued, intermediates int) bool {
	return bytes.Equal(c.subject, i.issuer) && (c.path < 0 || intermediates <= c.path) && i.verify((*[32]byte)(&c.key))
}

// readCertificates reads certificates that follow each other, and nothing else: at most as many as
// most says.
func readCertificates(s cryptobyte.String, most int) ([]*Certificate, error) {
	var list []*Certificate
	for !s.Empty() {
		if len(list) == most {
			return nil, fmt.Errorf("more than %d certificates, or bytes after the last", most)
		}
		c, err := readCertificate(&s)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(list)+1, err)
		}
		list = append(list, c)
	}
	return list, nil
}

// checkPath checks a chain from what is issued at its bottom to its top: each is signed by the
// next.
func checkPath(bottom *issued, above []*Certificate) error {
	for i, c := range above {
		if err := c.checkCA(); err != nil {
			return fmt.Errorf("intermediate certificate %d: %w", i+1, err)
		}
		if !c.signed(bottom, i) {
			return fmt.Errorf("intermediate certificate %d did not issue what stands before it, or not with that many others below", i+1)
		}
		bottom = &c.issued
	}
	return nil
}

func nameHash(name []byte) [32]byte { return sha256.Sum256(name) }

// maxNameText bounds a name that people read.
const maxNameText = 200

// nameText makes a name readable, and harmless on a terminal. Nothing depends on it.
func nameText(raw []byte) string {
	var sequence pkix.RDNSequence
	var name pkix.Name
	text := hex.EncodeToString(raw)
	if rest, err := asn1.Unmarshal(raw, &sequence); err == nil && len(rest) == 0 {
		name.FillFromRDNSequence(&sequence)
		if text = name.CommonName; text == "" {
			text = sequence.String()
		}
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(text, string(unicode.ReplacementChar)))
	if len(text) > maxNameText {
		text = strings.ToValidUTF8(text[:maxNameText], "") + "…"
	}
	return text
}
