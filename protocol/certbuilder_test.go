package protocol_test

import (
	"crypto/ed25519"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/lf-store/lf/protocol"
)

// Certificates and lists are made here from SPEC.md's words alone, byte by byte, so that every
// mistake can be made too.

// tlv is one element of DER.
func tlv(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	var head []byte
	switch n := len(content); {
	case n < 0x80:
		head = []byte{tag, byte(n)}
	case n < 0x100:
		head = []byte{tag, 0x81, byte(n)}
	default:
		head = binary.BigEndian.AppendUint16([]byte{tag, 0x82}, uint16(n))
	}
	return append(head, content...)
}

var (
	derEd25519  = []byte{0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}
	derVersion3 = []byte{0xa0, 0x03, 0x02, 0x01, 0x02}
	oidBasic    = []byte{0x55, 0x1d, 0x13}
	oidUsage    = []byte{0x55, 0x1d, 0x0f}
	oidDate     = []byte{0x55, 0x1d, 0x18}
	oidAltName  = []byte{0x55, 0x1d, 0x11}

	bitsSign = []byte{0x03, 0x02, 0x07, 0x80} // digitalSignature
	bitsCA   = []byte{0x03, 0x02, 0x01, 0x06} // keyCertSign, cRLSign
)

// derName is a name with one common name in it.
func derName(name string) []byte {
	return tlv(0x30, tlv(0x31, tlv(0x30, []byte{0x06, 0x03, 0x55, 0x04, 0x03}, tlv(0x0c, []byte(name)))))
}

func derTime(ms uint64) []byte {
	t := time.UnixMilli(int64(ms)).UTC()
	if t.Year() < 2050 {
		return tlv(0x17, []byte(t.Format("060102150405Z")))
	}
	return tlv(0x18, []byte(t.Format("20060102150405Z")))
}

func derGeneralized(ms uint64) []byte {
	return tlv(0x18, []byte(time.UnixMilli(int64(ms)).UTC().Format("20060102150405Z")))
}

func derExtension(oid []byte, critical bool, value []byte) []byte {
	if critical {
		return tlv(0x30, tlv(0x06, oid), []byte{0x01, 0x01, 0xff}, tlv(0x04, value))
	}
	return tlv(0x30, tlv(0x06, oid), tlv(0x04, value))
}

// derConstraints are the basicConstraints of a CA, with a path length if it is not negative.
func derConstraints(path int) []byte {
	inner := []byte{0x01, 0x01, 0xff}
	if path >= 0 {
		inner = append(inner, 0x02, 0x01, byte(path))
	}
	return derExtension(oidBasic, true, tlv(0x30, inner))
}

// certBuilder describes a certificate; its parts are DER and can be replaced.
type certBuilder struct {
	issuer                          ed25519.PrivateKey
	version, serial, algorithm      []byte
	issuerName, validity, subject   []byte
	key, extensions, outerAlgorithm []byte
	signature                       func(body []byte) []byte // of the BIT STRING
}

const (
	certFrom  = testTime - 86_400_000
	certUntil = testTime + 86_400_000
)

// ca is somebody who certifies: a word that their key follows from, and which their name is.
type ca string

func (c ca) key() ed25519.PrivateKey { return fixedKey(string(c)) }

// certify begins the certificate of a key that this CA issues, with these extensions.
func (c ca) certify(subject string, key ed25519.PublicKey, serial byte, extensions ...[]byte) *certBuilder {
	return &certBuilder{
		issuer: c.key(), version: derVersion3, serial: []byte{0x02, 0x01, serial}, algorithm: derEd25519, outerAlgorithm: derEd25519,
		issuerName: derName(string(c)), validity: tlv(0x30, derTime(certFrom), derTime(certUntil)), subject: derName(subject),
		key:        tlv(0x30, derEd25519, tlv(0x03, []byte{0}, key)),
		extensions: tlv(0xa3, tlv(0x30, extensions...)),
	}
}

// owner is the certificate of an owner.
func (c ca) owner(word string, serial byte) *certBuilder {
	return c.certify(word, fixedKey(word).Public().(ed25519.PublicKey), serial, derExtension(oidUsage, true, bitsSign))
}

// ca is the certificate of another CA, with a path length if it is not negative.
func (c ca) ca(other ca, serial byte, path int) *certBuilder {
	return c.certify(string(other), other.key().Public().(ed25519.PublicKey), serial, derConstraints(path), derExtension(oidUsage, true, bitsCA))
}

// authority is the certificate that this CA made of itself, valid for ten years.
func (c ca) authority() []byte {
	b := c.ca(c, 1, -1)
	b.validity = tlv(0x30, derTime(certFrom-5*365*86_400_000), derTime(certUntil+5*365*86_400_000))
	return b.der()
}

func (b *certBuilder) body() []byte {
	return tlv(0x30, b.version, b.serial, b.algorithm, b.issuerName, b.validity, b.subject, b.key, b.extensions)
}

func (b *certBuilder) der() []byte {
	body := b.body()
	return tlv(0x30, body, b.outerAlgorithm, b.bits(body))
}

func (b *certBuilder) bits(body []byte) []byte {
	if b.signature != nil {
		return b.signature(body)
	}
	return tlv(0x03, []byte{0}, ed25519.Sign(b.issuer, body))
}

func (b *certBuilder) with(change func(*certBuilder)) *certBuilder {
	change(b)
	return b
}

// listBuilder describes a revocation list.
type listBuilder struct {
	issuer                                ed25519.PrivateKey
	version, algorithm, issuerName, times []byte
	entries, extensions                   []byte
}

func derEntry(serial byte, extensions ...[]byte) []byte {
	if len(extensions) == 0 {
		return tlv(0x30, []byte{0x02, 0x01, serial}, derTime(testTime))
	}
	return tlv(0x30, []byte{0x02, 0x01, serial}, derTime(testTime), tlv(0x30, extensions...))
}

// dated is an entry with a date of invalidity.
func dated(serial byte, ms uint64) []byte {
	return derEntry(serial, derExtension(oidDate, false, derGeneralized(ms)))
}

// revoke begins a list of this CA.
func (c ca) revoke(entries ...[]byte) *listBuilder {
	return &listBuilder{issuer: c.key(), version: []byte{0x02, 0x01, 0x01}, algorithm: derEd25519, issuerName: derName(string(c)),
		times: slices.Concat(derTime(testTime), derTime(certUntil)), entries: tlv(0x30, entries...)}
}

func (b *listBuilder) der() []byte {
	body := tlv(0x30, b.version, b.algorithm, b.issuerName, b.times, b.entries, b.extensions)
	return tlv(0x30, body, derEd25519, tlv(0x03, []byte{0}, ed25519.Sign(b.issuer, body)))
}

func (b *listBuilder) with(change func(*listBuilder)) *listBuilder {
	change(b)
	return b
}

func mustAuthority(t testing.TB, der []byte) *protocol.Authority {
	t.Helper()
	a, err := protocol.ParseAuthority(der)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
