package clone

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	lfsync "github.com/lf-store/lf/sync"

	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
)

// The clone protocol, version 1. Its name is "/lf/<network>/clone/1", with the CID of the network
// ID in base32. A stream carries
//
//	question = nonce of the asker (16 bytes) ‖ signature (64 bytes)
//	answer   = nonce of the responder (16 bytes)
//
// and the asker closes its side after the question. The signature is by the identity's key over
// "lf/clone/1" ‖ network ID ‖ nonce of the asker ‖ peer ID of the stranger who asks.

// Service is the protocol's entry in a node's table of stream services.
var Service = lfsync.Service{Name: "clone", Streams: 1, Memory: answerMemory, Time: answerTime}

const (
	// domain begins what is signed.
	domain       = "lf/clone/1"
	nonceSize    = 16
	questionSize = nonceSize + ed25519.SignatureSize
)

type nonce [nonceSize]byte

func newNonce() (n nonce) {
	_, _ = rand.Read(n[:]) // never fails
	return n
}

// Protocol is the protocol's name on a network.
func Protocol(n *protocol.Network) libprotocol.ID {
	return Service.ID(n)
}

// Violation says what a peer did that no correct one does.
type Violation struct{ What string }

func (v *Violation) Error() string { return "clone: " + v.What }

// signedText is what the asker signs. It names the stranger, so that nobody else can use the
// question.
func signedText(n *protocol.Network, asker nonce, stranger peer.ID) []byte {
	id := n.ID()
	text := append([]byte(domain), id[:]...)
	text = append(text, asker[:]...)
	return append(text, stranger...)
}

func makeQuestion(n *protocol.Network, key ed25519.PrivateKey, asker nonce, stranger peer.ID) []byte {
	return append(asker[:], ed25519.Sign(key, signedText(n, asker, stranger))...)
}

// readQuestion reads a question to its end and checks its signature.
func readQuestion(in io.Reader, n *protocol.Network, key ed25519.PublicKey, stranger peer.ID) (asker nonce, err error) {
	q, err := readExactly(in, questionSize)
	if err != nil {
		return asker, err
	}
	copy(asker[:], q)
	if !ed25519.Verify(key, signedText(n, asker, stranger), q[nonceSize:]) {
		return asker, &Violation{"a question that is not signed with this node's key"}
	}
	return asker, nil
}

// readAnswer reads an answer to its end.
func readAnswer(in io.Reader) (responder nonce, err error) {
	a, err := readExactly(in, nonceSize)
	copy(responder[:], a)
	return responder, err
}

// readExactly reads a message of the given size and the end of the stream after it.
func readExactly(in io.Reader, size int) ([]byte, error) {
	b := make([]byte, size+1)
	switch n, err := io.ReadFull(in, b); {
	case err == nil:
		return nil, &Violation{fmt.Sprintf("a message of more than %d bytes", size)}
	case (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) && n < size:
		return nil, &Violation{fmt.Sprintf("a message of %d bytes, want %d", n, size)}
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("read a message: %w", err)
	}
	return b[:size], nil
}
