package protocol

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// maxPEM bounds a file of PEM in bytes: keys and certificates need far less.
const maxPEM = 1 << 20

// byteOrderMark is what some editors put in front of a text. The library would overlook a block
// that follows it.
var byteOrderMark = []byte("\xef\xbb\xbf")

// pemBlocks reads all blocks of a file, at least one. Text around them, as openssl writes it, is
// skipped. A block that is damaged is an error: the library would go on with the next.
func pemBlocks(text []byte) ([]*pem.Block, error) {
	if len(text) > maxPEM {
		return nil, fmt.Errorf("not a file in PEM: %d bytes, at most %d are allowed", len(text), maxPEM)
	}
	text = bytes.TrimPrefix(text, byteOrderMark)
	begun := 0
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("-----BEGIN ")) {
			begun++
		}
	}
	var out []*pem.Block
	for rest := text; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			break
		}
		out, rest = append(out, block), after
	}
	switch {
	case begun == 0:
		return nil, errors.New(describeNonPEM(text))
	case len(out) < begun:
		return nil, fmt.Errorf("of its %d blocks of PEM %d are damaged or cut short", begun, begun-len(out))
	}
	return out, nil
}

// describeNonPEM says what a text without a block of PEM is, and how to make PEM of it.
func describeNonPEM(text []byte) string {
	switch {
	case len(bytes.TrimSpace(text)) == 0:
		return "the file is empty: want PEM"
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return "the file is in UTF-16, as PowerShell writes it: save it as plain text"
	case bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")):
		return "this is a key of PuTTY. " + keyAdvice
	case bytes.HasPrefix(text, []byte("ssh-")), bytes.HasPrefix(text, []byte("ecdsa-sha2-")):
		return "this is a public key of OpenSSH. " + keyAdvice
	case text[0] == 0x30:
		return describeDER(text)
	}
	return "not a file in PEM: no line begins with \"-----BEGIN \""
}

// keyAdvice is what to do about a key that LF does not read.
const keyAdvice = "LF reads Ed25519 keys in PKCS#8: `lf owner new` or `openssl genpkey -algorithm ed25519` makes one"

// describeDER says what a text in ASN.1 is.
func describeDER(der []byte) string {
	if _, err := x509.ParseCertificate(der); err == nil {
		return "this is a certificate in DER: `openssl x509 -inform DER -in FILE -out NEWFILE` makes PEM of it"
	}
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return "this is a secret key in DER: `openssl pkey -inform DER -in FILE -out NEWFILE` makes PEM of it"
	}
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return "this is a request in DER: `openssl req -inform DER -in FILE -out NEWFILE` makes PEM of it"
	}
	if bytes.Contains(der[:min(len(der), 16)], []byte{2, 1, 3}) { // version 3
		return "this looks like PKCS#12 (.p12, .pfx): `openssl pkcs12 -nodes -in FILE -out NEWFILE` makes PEM of it"
	}
	return "not a file in PEM, but in DER or another binary form: openssl makes PEM of it"
}

// describeBlock says what to do about a block of PEM that stands where it cannot be used.
func describeBlock(b *pem.Block) string {
	encrypted := b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED")
	switch {
	case encrypted:
		return "the secret key is encrypted, and LF asks for no passphrase: `openssl pkey -in FILE -out NEWFILE` decrypts it"
	case b.Type == "OPENSSH PRIVATE KEY":
		return "this is a key of OpenSSH. " + keyAdvice
	case strings.HasSuffix(b.Type, " PRIVATE KEY"), b.Type == "EC PARAMETERS":
		return fmt.Sprintf("this is a key of another kind (%q). %s", b.Type, keyAdvice)
	case b.Type == pemKeyType:
		return "this is a secret key, which is not wanted here"
	case b.Type == "PUBLIC KEY":
		return "this is a public key, which alone is of no use here"
	case b.Type == pemCertificateType:
		return "this is a certificate, which is not wanted here"
	case b.Type == "TRUSTED CERTIFICATE":
		return "this is a certificate in openssl's own form: `openssl x509 -in FILE -out NEWFILE` writes it as others do"
	case b.Type == "PKCS7":
		return "this is PKCS#7: `openssl pkcs7 -print_certs -in FILE -out NEWFILE` takes the certificates out"
	case strings.HasSuffix(b.Type, pemRequestType):
		return "this is a request for a certificate, which is not wanted here"
	}
	return fmt.Sprintf("it has a block %q, which is not wanted here", b.Type)
}

// keyKind names the kind of a key, public or secret.
func keyKind(key any) string {
	switch k := key.(type) {
	case ed25519.PublicKey, ed25519.PrivateKey:
		return "Ed25519"
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA with %d bits", k.N.BitLen())
	case *rsa.PrivateKey:
		return fmt.Sprintf("RSA with %d bits", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA on " + k.Params().Name
	case *ecdsa.PrivateKey:
		return "ECDSA on " + k.Params().Name
	case *ecdh.PublicKey, *ecdh.PrivateKey:
		return "one for agreeing on secrets (ECDH), which cannot sign"
	}
	return "another kind"
}

// adviseAuthority adds to an error about a CA's certificate what its holder can do. It knows that
// as far as the standard library can read what the profile refuses.
func adviseAuthority(der []byte, err error) error {
	c, unread := x509.ParseCertificate(der)
	if err == nil || unread != nil {
		return err
	}
	_, good := c.PublicKey.(ed25519.PublicKey)
	name := nameText(c.RawSubject)
	switch {
	case !good:
		return fmt.Errorf("the key of CA %q is %s, and LF takes Ed25519 alone (openssl genpkey -algorithm ed25519): %w", name, keyKind(c.PublicKey), err)
	case c.SignatureAlgorithm != x509.PureEd25519:
		return fmt.Errorf("the certificate of CA %q is signed with %s, and LF takes Ed25519 alone: have the CA sign its own (openssl req -x509): %w",
			name, c.SignatureAlgorithm, err)
	case c.Version != 3:
		return fmt.Errorf("the certificate of CA %q is of version %d, without extensions: `openssl req -x509 -addext %s` makes one that has them: %w",
			name, c.Version, keyUsageOption, err)
	case !c.IsCA:
		return fmt.Errorf("%q cannot certify others (basicConstraints has not CA:TRUE): name the certificate of the CA itself: %w", name, err)
	case c.KeyUsage == 0:
		return fmt.Errorf("the certificate of CA %q has no keyUsage: make it again with `openssl req -x509 -addext %s`: %w", name, keyUsageOption, err)
	case c.KeyUsage&x509.KeyUsageCertSign == 0:
		return fmt.Errorf("the certificate of CA %q must not sign others: make it again with `openssl req -x509 -addext %s`: %w", name, keyUsageOption, err)
	}
	for _, e := range c.Extensions {
		if e.Critical && e.Id.String() != "2.5.29.19" && e.Id.String() != "2.5.29.15" {
			return fmt.Errorf("the certificate of CA %q has the critical extension %s, which LF does not know: make it again without, or not critical: %w",
				name, e.Id, err)
		}
	}
	return err
}

// keyUsageOption is how openssl is told what a CA may do.
const keyUsageOption = "keyUsage=critical,keyCertSign,cRLSign"

// checkNamed refuses a CA whose subject is empty, which the profile allows: its certificates name
// nobody as their issuer.
func checkNamed(c *Certificate) error {
	if c.Subject() == "" {
		return errors.New("the CA's subject is empty, so nobody can tell whose it is: make its certificate again with a name (openssl req -x509 -subj /CN=NAME)")
	}
	return nil
}
