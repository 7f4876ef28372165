package protocol

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// The blocks of PEM that certificates come in; see [pemKeyType] for keys.
const (
	pemCertificateType = "CERTIFICATE"
	pemRequestType     = "CERTIFICATE REQUEST"
)

// NewRequest makes a request for a certificate (CSR) in PEM: the owner's key and a name, signed
// with the key.
func NewRequest(key ed25519.PrivateKey, name string) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("secret key has %d bytes, want %d", len(key), ed25519.PrivateKeySize)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemRequestType, Bytes: der}), nil
}

// ParseRequestPEM reads a request for a certificate and checks it: an Ed25519 key, signed with it,
// and a name for the CA to vouch for.
func ParseRequestPEM(text []byte) (*x509.CertificateRequest, error) {
	const want = "not a request for a certificate in PEM (want one block \"-----BEGIN CERTIFICATE REQUEST-----\")"
	blocks, err := pemBlocks(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", want, err)
	case blocks[0].Type != pemRequestType && blocks[0].Type != "NEW "+pemRequestType:
		return nil, fmt.Errorf("%s: %s", want, describeBlock(blocks[0]))
	case len(blocks) > 1:
		return nil, fmt.Errorf("%s: it has %d blocks", want, len(blocks))
	}
	request, err := x509.ParseCertificateRequest(blocks[0].Bytes)
	if err != nil {
		return nil, fmt.Errorf("request for a certificate: %w", err)
	}
	if _, err = requestKey(request); err != nil {
		return nil, err
	}
	if nameText(request.RawSubject) == "" {
		return nil, errors.New("the request names nobody, its subject is empty: ask for one with a name (lf owner csr --subject NAME, openssl req -subj /CN=NAME)")
	}
	return request, nil
}

// requestKey checks a request and returns its key.
func requestKey(request *x509.CertificateRequest) (ed25519.PublicKey, error) {
	key, ok := request.PublicKey.(ed25519.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("the request's key is %s, want Ed25519 (lf owner csr makes one)", keyKind(request.PublicKey))
	}
	if Owner(key).SmallOrder() {
		return nil, errors.New("the request's key is of small order, and so everybody's")
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("the request is not signed with its own key: %w", err)
	}
	return key, nil
}

// MarshalSignerPEM writes a CA as a file: its key, then its certificates in DER, its own first.
func MarshalSignerPEM(key ed25519.PrivateKey, certificates ...[]byte) ([]byte, error) {
	text, err := MarshalKeyPEM(key)
	if err != nil {
		return nil, err
	}
	return append(text, MarshalCertificatesPEM(certificates...)...), nil
}

// ParseSignerPEM reads a CA's file: one block with the key and one or more with certificates, its
// own before those above it.
func ParseSignerPEM(text []byte) (*Signer, error) {
	blocks, err := pemBlocks(text)
	if err != nil {
		return nil, err
	}
	var key ed25519.PrivateKey
	var certificates [][]byte
	for _, b := range blocks {
		switch {
		case b.Type == pemCertificateType:
			certificates = append(certificates, b.Bytes)
		case b.Type == pemKeyType && key == nil:
			if key, err = ParseKeyPEM(pem.EncodeToMemory(b)); err != nil {
				return nil, err
			}
		case b.Type == pemKeyType:
			return nil, errors.New("a CA's file has one block \"PRIVATE KEY\" and its certificates, and this one has two keys")
		default:
			return nil, fmt.Errorf("a CA's file has one block \"PRIVATE KEY\" and its certificates: %s", describeBlock(b))
		}
	}
	switch {
	case key == nil:
		return nil, errors.New("not a CA's file: it has no block \"-----BEGIN PRIVATE KEY-----\" (cat ca.key ca.crt makes one file of two)")
	case len(certificates) == 0:
		return nil, errors.New("not a CA's file: it has a key and no certificate (cat ca.key ca.crt makes one file of two)")
	}
	s, err := NewSigner(key, certificates...)
	if err != nil {
		return nil, adviseAuthority(certificates[0], err)
	}
	if err := checkNamed(s.own); err != nil {
		return nil, err
	}
	return s, nil
}

// MarshalCertificatesPEM writes certificates in DER as PEM.
func MarshalCertificatesPEM(certificates ...[]byte) []byte {
	var out []byte
	for _, der := range certificates {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: pemCertificateType, Bytes: der})...)
	}
	return out
}

// ParseCertificatesPEM reads certificates in PEM, at least one, and returns them in DER. Other
// blocks are refused.
func ParseCertificatesPEM(text []byte) ([][]byte, error) {
	blocks, err := pemBlocks(text)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, b := range blocks {
		if b.Type != pemCertificateType {
			return nil, fmt.Errorf("not a file of certificates: %s", describeBlock(b))
		}
		out = append(out, b.Bytes)
	}
	return out, nil
}

// ParseAuthoritiesPEM reads the certificates of CAs that a reader believes.
func ParseAuthoritiesPEM(text []byte) ([]*Authority, error) {
	certificates, err := ParseCertificatesPEM(text)
	if err != nil {
		return nil, err
	}
	return readAuthorities(certificates)
}

// ParseAuthorityFile is [ParseAuthoritiesPEM] for a file that may hold secret keys, too, such as a
// CA's own: they are left out.
func ParseAuthorityFile(text []byte) ([]*Authority, error) {
	blocks, err := pemBlocks(text)
	if err != nil {
		return nil, err
	}
	var certificates [][]byte
	for _, b := range blocks {
		switch {
		case b.Type == pemCertificateType:
			certificates = append(certificates, b.Bytes)
		case !strings.HasSuffix(b.Type, pemKeyType):
			return nil, fmt.Errorf("not a file of certificates: %s", describeBlock(b))
		}
	}
	if len(certificates) == 0 {
		return nil, errors.New("not a file of certificates: it has a secret key alone")
	}
	return readAuthorities(certificates)
}

func readAuthorities(certificates [][]byte) ([]*Authority, error) {
	authorities, err := parseAuthorities(certificates)
	if err != nil {
		for _, der := range certificates {
			if _, bad := ParseAuthority(der); bad != nil {
				return nil, adviseAuthority(der, bad)
			}
		}
		return nil, err
	}
	for _, a := range authorities {
		if err := checkNamed(&a.Certificate); err != nil {
			return nil, err
		}
	}
	return authorities, nil
}
