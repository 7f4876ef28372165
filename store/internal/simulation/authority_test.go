package simulation

import (
	"crypto/ed25519"
	"math/rand/v2"
	"time"

	"github.com/lf-store/lf/protocol"
)

// authorityKey is that of the CA of networks that have one.
var authorityKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

var validFrom, validUntil = time.UnixMilli(epoch).Add(-time.Hour), time.UnixMilli(epoch).Add(1000 * time.Hour)

// withAuthority gives a network an authority. What it certifies is believed, and needed for
// nothing.
func withAuthority(p *protocol.Params) {
	der, err := protocol.NewAuthority(authorityKey, "authority", validFrom, validUntil, rand.NewChaCha8([32]byte{}))
	if err != nil {
		panic(err)
	}
	p.Authorities = [][]byte{der}
}

func (w *world) signer() *protocol.Signer {
	s, err := protocol.NewSigner(authorityKey, w.Params().Authorities[0])
	if err != nil {
		panic(err)
	}
	return s
}

// certificateBy returns the value of a certificate record for somebody.
func (w *world) certificateBy(signer *protocol.Signer, who person, from, until time.Time) []byte {
	text, err := protocol.NewRequest(who.key, who.name)
	if err != nil {
		panic(err)
	}
	request, err := protocol.ParseRequestPEM(text)
	if err != nil {
		panic(err)
	}
	chain, err := signer.Certify(request, from, until, false, w.random)
	if err != nil {
		panic(err)
	}
	return chain
}

// certify publishes a certificate of the network's authority.
func (n *node) certify(who person) *protocol.Record {
	n.t.Helper()
	return n.write(statement{by: n.person("authority"), kind: protocol.TypeCertificate, value: n.certificateBy(n.signer(), who, validFrom, validUntil)})
}
