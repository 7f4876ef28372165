package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
)

// The blocks of PEM that certificates come in; see [pemKeyType] for keys.
const (
	pemCertificateType = "CERTIFICATE"
	pemRequestType     = "CERTIFICATE REQUEST"
)

// maxPEM bounds a file of PEM in bytes: keys and certificates need far less.
const maxPEM = 1 << 20

// NewRequest makes a request for a certificate (CSR) in PEM: the owner's key and a name, signed with the key.
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

// ParseRequestPEM reads a request for a certificate and checks it: an Ed25519 key, and signed with it.
func ParseRequestPEM(text []byte) (*x509.CertificateRequest, error) {
	blocks, err := pemBlocks(text)
	if err != nil || len(blocks) != 1 || blocks[0].Type != pemRequestType && blocks[0].Type != "NEW "+pemRequestType {
		return nil, errors.New("not a request for a certificate in PEM (want one block \"-----BEGIN CERTIFICATE REQUEST-----\")")
	}
	request, err := x509.ParseCertificateRequest(blocks[0].Bytes)
	if err != nil {
		return nil, fmt.Errorf("request for a certificate: %w", err)
	}
	if _, err = requestKey(request); err != nil {
		return nil, err
	}
	return request, nil
}

// requestKey checks a request and returns its key.
func requestKey(request *x509.CertificateRequest) (ed25519.PublicKey, error) {
	key, ok := request.PublicKey.(ed25519.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("the request's key is of type %T, want Ed25519 (lf owner csr makes one)", request.PublicKey)
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

// ParseSignerPEM reads a CA's file: one block with the key and one or more with certificates, its own before those above it.
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
		default:
			return nil, fmt.Errorf("a CA's file has one block \"PRIVATE KEY\" and its certificates, and this one has a %q more", b.Type)
		}
	}
	if key == nil {
		return nil, errors.New("not a CA's file: it has no block \"-----BEGIN PRIVATE KEY-----\"")
	}
	return NewSigner(key, certificates...)
}

// MarshalCertificatesPEM writes certificates in DER as PEM.
func MarshalCertificatesPEM(certificates ...[]byte) []byte {
	var out []byte
	for _, der := range certificates {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: pemCertificateType, Bytes: der})...)
	}
	return out
}

// ParseCertificatesPEM reads certificates in PEM, at least one, and returns them in DER. Other blocks are refused.
func ParseCertificatesPEM(text []byte) ([][]byte, error) {
	blocks, err := pemBlocks(text)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, b := range blocks {
		if b.Type != pemCertificateType {
			return nil, fmt.Errorf("not a file of certificates: it has a block %q", b.Type)
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
	return parseAuthorities(certificates)
}

// pemBlocks reads all blocks of a file, at least one. Text around them, as openssl writes it, is skipped.
func pemBlocks(text []byte) ([]*pem.Block, error) {
	if len(text) > maxPEM {
		return nil, fmt.Errorf("not a file in PEM: %d bytes, at most %d are allowed", len(text), maxPEM)
	}
	var out []*pem.Block
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		out, text = append(out, block), rest
	}
	if len(out) == 0 || bytes.Contains(text, []byte("-----BEGIN ")) {
		return nil, errors.New("not a file in PEM, or one that is cut short")
	}
	return out, nil
}
