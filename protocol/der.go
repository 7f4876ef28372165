package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Certificates and revocation lists are read by the profile in SPEC.md, section 7, and by nothing
// else. A network's nodes must agree on which certificates are good for as long as the network
// lives. What a library accepts changes from release to release. So what the profile does not look
// at (names, extensions that are not critical) is opaque.

// The parts that have one form only.
var (
	// AlgorithmIdentifier of the OID 1.3.101.112
	derEd25519   = []byte{0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}
	derKey       = append([]byte{0x30, 0x2a}, append(bytes.Clone(derEd25519), 0x03, 0x21, 0x00)...)
	derSignature = []byte{0x03, 0x41, 0x00}             // BIT STRING of 64 bytes
	derVersion3  = []byte{0xa0, 0x03, 0x02, 0x01, 0x02} // of a certificate, explicitly tagged
	derVersion2  = []byte{0x02, 0x01, 0x01}             // of a revocation list
)

const (
	maxSerial = 20 // bytes of the INTEGER

	oidBasicConstraints = "\x55\x1d\x13"
	oidKeyUsage         = "\x55\x1d\x0f"
	oidInvalidityDate   = "\x55\x1d\x18"
)

var contextTag = [...]asn1.Tag{0: asn1.Tag(0).ContextSpecific().Constructed(), 3: asn1.Tag(3).ContextSpecific().Constructed()}

// issued is what an issuer signed: a certificate or a revocation list.
type issued struct {
	der       []byte
	body      []byte // what is signed, with its head
	signature []byte
	issuer    []byte // the issuer's name, with its head
}

// readIssued reads the frame that certificates and revocation lists share, and returns the fields
// of the body.
func readIssued(s *cryptobyte.String) (issued, cryptobyte.String, error) {
	var i issued
	var whole, fields cryptobyte.String
	var body cryptobyte.String
	start := *s
	if !s.ReadASN1(&whole, asn1.SEQUENCE) || !whole.ReadASN1Element(&body, asn1.SEQUENCE) {
		return i, nil, errors.New("not DER of X.509")
	}
	end := len(start) - len(*s)
	i.der, i.body = start[:end:end], body
	if !body.ReadASN1(&fields, asn1.SEQUENCE) || !skip(&whole, derEd25519) || !skip(&whole, derSignature) || !whole.ReadBytes(&i.signature, 64) || !whole.Empty() {
		return i, nil, errors.New("its signature is not one of Ed25519")
	}
	return i, fields, nil
}

// verify checks the signature by the rules of records' signatures.
func (i *issued) verify(key *[32]byte) bool { return verifySignature(key[:], i.body, i.signature) }

// skip reads bytes that have one form.
func skip(s *cryptobyte.String, want []byte) bool {
	return bytes.HasPrefix(*s, want) && s.Skip(len(want))
}

// readName reads a name, which is compared by its bytes and otherwise opaque.
func readName(s *cryptobyte.String) ([]byte, error) {
	var name cryptobyte.String
	if !s.ReadASN1Element(&name, asn1.SEQUENCE) {
		return nil, errors.New("a name in it is not DER")
	}
	return name, nil
}

// readSerial reads a positive INTEGER and returns its bytes, without the zero that stands in front
// of a high bit.
func readSerial(s *cryptobyte.String) (string, error) {
	var b cryptobyte.String
	bad := errors.New("its serial number is not positive, not in its shortest form, or longer than 20 bytes")
	if !s.ReadASN1(&b, asn1.INTEGER) || len(b) == 0 || len(b) > maxSerial || b[0] >= 0x80 {
		return "", bad
	}
	if b[0] == 0 {
		if len(b) == 1 || b[1] < 0x80 {
			return "", bad
		}
		b = b[1:]
	}
	return string(b), nil
}

// The forms of times. Years below 2050 stand in a UTCTime, later ones in a GeneralizedTime.
const (
	formUTC         = "060102150405Z"
	formGeneralized = "20060102150405Z"
)

// readTime reads a time as certificates and lists have it, in milliseconds since the epoch.
func readTime(s *cryptobyte.String) (uint64, error) {
	var b cryptobyte.String
	if s.PeekASN1Tag(asn1.GeneralizedTime) {
		t, err := readGeneralized(s)
		if err == nil && t < uint64(time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()) {
			return 0, errors.New("a time before 2050 is not a UTCTime")
		}
		return t, err
	}
	if !s.ReadASN1(&b, asn1.UTCTime) || len(b) != len(formUTC) {
		return 0, errors.New("a time in it is not of the form YYMMDDhhmmssZ")
	}
	century := "20"
	if b[0] >= '5' {
		century = "19"
	}
	return parseTime(century + string(b))
}

func readGeneralized(s *cryptobyte.String) (uint64, error) {
	var b cryptobyte.String
	if !s.ReadASN1(&b, asn1.GeneralizedTime) {
		return 0, errors.New("a time in it is not of the form YYYYMMDDhhmmssZ")
	}
	return parseTime(string(b))
}

// parseTime reads YYYYMMDDhhmmssZ: a second that exists, not before 1970.
func parseTime(text string) (uint64, error) {
	bad := fmt.Errorf("a time in it is not a date of the form YYYYMMDDhhmmssZ: %.20q", text)
	if len(text) != len(formGeneralized) || text[14] != 'Z' {
		return 0, bad
	}
	number := func(from, to int) (n int) {
		for _, c := range []byte(text[from:to]) {
			if c < '0' || c > '9' {
				return -1 << 20
			}
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(4, 6), number(6, 8)
	hour, minute, second := number(8, 10), number(10, 12), number(12, 14)
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if year < 1970 || t.Year() != year || int(t.Month()) != month || t.Day() != day || t.Hour() != hour || t.Minute() != minute || t.Second() != second {
		return 0, bad
	}
	return uint64(t.UnixMilli()), nil // not before 1970
}

// extension is one extension, its OID in the bytes of DER.
type extension struct {
	oid      string
	critical bool
	value    cryptobyte.String
}

// readLastExtensions reads the extensions under a context tag, which end the fields of a
// certificate or list. otherwise is the error for anything else in that place.
func readLastExtensions(fields cryptobyte.String, tag int, otherwise string) ([]extension, error) {
	var outer cryptobyte.String
	if !fields.ReadASN1(&outer, contextTag[tag]) || !fields.Empty() {
		return nil, errors.New(otherwise)
	}
	list, err := readExtensions(&outer)
	if err != nil {
		return nil, err
	}
	if !outer.Empty() {
		return nil, errors.New("bytes follow its extensions")
	}
	return list, nil
}

// readExtensions reads a list of extensions: at least one, none twice.
func readExtensions(s *cryptobyte.String) ([]extension, error) {
	var list cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) || list.Empty() {
		return nil, errors.New("its list of extensions is empty or not DER")
	}
	var out []extension
	seen := map[string]bool{}
	for !list.Empty() {
		var one, oid, critical, value cryptobyte.String
		var stated bool
		if !list.ReadASN1(&one, asn1.SEQUENCE) || !one.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) ||
			!one.ReadOptionalASN1(&critical, &stated, asn1.BOOLEAN) || !one.ReadASN1(&value, asn1.OCTET_STRING) || !one.Empty() {
			return nil, errors.New("an extension is not DER")
		}
		if stated && (len(critical) != 1 || critical[0] != 0xff) || seen[string(oid)] {
			return nil, errors.New("an extension stands there twice or is not in its shortest form")
		}
		seen[string(oid)] = true
		out = append(out, extension{string(oid), stated, value})
	}
	return out, nil
}

// readConstraints reads the extension basicConstraints: whether this is a CA, and how many
// intermediates may stand below it, -1 for any number.
func readConstraints(s cryptobyte.String) (ca bool, path int, err error) {
	bad := errors.New("its basicConstraints are not in the form of DER")
	var inner, flag, length cryptobyte.String
	var limited bool
	if !s.ReadASN1(&inner, asn1.SEQUENCE) || !s.Empty() || !inner.ReadOptionalASN1(&flag, &ca, asn1.BOOLEAN) ||
		!inner.ReadOptionalASN1(&length, &limited, asn1.INTEGER) || !inner.Empty() {
		return false, 0, bad
	}
	if ca && (len(flag) != 1 || flag[0] != 0xff) || limited && (!ca || len(length) != 1 || length[0] >= 0x80) {
		return false, 0, bad
	}
	if !limited {
		return ca, -1, nil
	}
	return ca, int(length[0]), nil
}

// The bits of the extension keyUsage that matter, in its first byte.
const (
	usageDigitalSignature = 0x80
	usageKeyCertSign      = 0x04
)

// readUsage reads the extension keyUsage and returns its first 8 bits.
func readUsage(s cryptobyte.String) (byte, error) {
	var b cryptobyte.String
	if !s.ReadASN1(&b, asn1.BIT_STRING) || !s.Empty() || len(b) < 2 || len(b) > 3 || b[0] > 7 {
		return 0, errors.New("its keyUsage is not in the form of DER")
	}
	if last := b[len(b)-1]; last&(1<<b[0]) == 0 || last&(1<<b[0]-1) != 0 {
		return 0, errors.New("its keyUsage is not in its shortest form")
	}
	return b[1], nil
}
