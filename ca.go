package lf

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// CA certifies owners: a secret key with its certificate and, for an intermediate CA, those above
// it. With it anybody can certify owners: keep its file safe. It is safe for concurrent use.
type CA struct {
	signer *protocol.Signer
	secret ed25519.PrivateKey
	file   []byte
}

// NewCA makes a CA that signs itself: for the parameters of a new network ([CA.Authority]), or for
// readers who trust it.
func NewCA(name string, from, until time.Time) (*CA, error) {
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the CA's key: %w", err)
	}
	der, err := protocol.NewAuthority(secret, name, from, until, rand.Reader)
	if err != nil {
		return nil, err
	}
	file, err := protocol.MarshalSignerPEM(secret, der)
	if err != nil {
		return nil, err
	}
	return ParseCA(file)
}

// ParseCA reads a CA's file in PEM: its secret key (PKCS#8) and its certificates, its own first.
func ParseCA(file []byte) (*CA, error) {
	signer, err := protocol.ParseSignerPEM(file)
	if err != nil {
		return nil, err
	}
	a := &CA{signer: signer, file: file}
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PRIVATE KEY" {
			continue
		}
		if a.secret, err = protocol.ParseKeyPEM(pem.EncodeToMemory(block)); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// PEM returns the CA's file, with its secret key.
func (a *CA) PEM() []byte { return append([]byte{}, a.file...) }

// Name names the CA, for people.
func (a *CA) Name() string { return a.signer.Certificate().Subject() }

// Certificate returns the CA's own certificate.
func (a *CA) Certificate() *protocol.Certificate { return a.signer.Certificate() }

// Authority returns the CA's own certificate in DER, as network parameters and readers name it.
func (a *CA) Authority() []byte { return append([]byte{}, a.signer.Certificate().DER()...) }

// PeriodError says that a CA cannot certify for the time asked for.
type PeriodError struct {
	CA              string
	NotBefore, Last time.Time
	From, Until     time.Time
}

func (e *PeriodError) Error() string {
	switch {
	case e.Last.Before(e.From):
		return fmt.Sprintf("the CA %q expired on %s: it can certify nobody any more", e.CA, e.Last.Local().Format(time.DateOnly))
	case e.From.Before(e.NotBefore):
		return fmt.Sprintf("the CA %q is valid from %s on: until then it certifies nobody (is this computer's clock right?)", e.CA,
			e.NotBefore.Local().Format(time.DateTime))
	}
	return fmt.Sprintf("the CA %q is valid until %s, %d days from now", e.CA,
		e.Last.Local().Format(time.DateOnly), max(0, int(e.Last.Sub(e.From).Hours()/24)))
}

// Certify makes the certificate of an owner from the owner's request (PKCS#10 in PEM), valid from
// now. The result is a chain that [Client.PublishCertificate] publishes. The CA vouches for the
// name in the request: make sure that it comes from whom it says. A CA of the network needs no
// certificates above it in the chain; network may be nil.
func (a *CA) Certify(request []byte, until time.Time, network *protocol.Network) ([]byte, error) {
	signer := a.signer
	if network != nil {
		signer = signer.Under(network.Authorities())
	}
	return a.certify(signer, request, until, false)
}

// CertifyCA makes the certificate of a CA below this one. The result is the chain that belongs
// after the new CA's key in its file.
func (a *CA) CertifyCA(request []byte, until time.Time) ([]byte, error) {
	return a.certify(a.signer, request, until, true)
}

func (a *CA) certify(signer *protocol.Signer, pem []byte, until time.Time, intermediate bool) ([]byte, error) {
	request, err := protocol.ParseRequestPEM(pem)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	own := a.signer.Certificate()
	from := time.Now().Truncate(time.Second)
	p := &PeriodError{CA: a.Name(), NotBefore: text.TimeOf(own.NotBefore()), Last: text.TimeOf(own.NotAfter()), From: from, Until: until}
	if p.Last.Before(from) || from.Before(p.NotBefore) || until.After(p.Last) {
		return nil, p
	}
	return signer.Certify(request, from, until, intermediate, rand.Reader)
}

// issued tells whether the CA itself issued the owner's certificate that a chain begins with.
func (a *CA) issued(chain *protocol.Chain, n *protocol.Network) bool {
	among := n.Authorities()
	if own, err := protocol.ParseAuthority(a.signer.Certificate().DER()); err == nil {
		among = append([]*protocol.Authority{own}, among...)
	}
	top := chain.Authority(among)
	return top != nil && a.signer.Issued(chain.Issues(top)[0])
}

// ErrUnknownCA says that a network takes certificates of its own CAs only, and a CA is none of
// them.
var ErrUnknownCA = errors.New("the network takes certificates of its own CAs only, and this CA is none of them")
