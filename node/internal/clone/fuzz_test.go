package clone

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// FuzzQuestion holds that only a question which is signed with the identity's key is read as one,
// whatever a stranger sends. Only 16 bytes are an answer.
func FuzzQuestion(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	n := new(protocol.Network)
	whole := makeQuestion(n, key, nonce{1}, "stranger")
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(bytes.Clone(whole), 0))
	f.Add(make([]byte, nonceSize))
	f.Fuzz(func(t *testing.T, said []byte) {
		asker, err := readQuestion(bytes.NewReader(said), n, key.Public().(ed25519.PublicKey), "stranger")
		if err == nil && !bytes.Equal(said, makeQuestion(n, key, asker, "stranger")) {
			t.Fatalf("read as %x", asker)
		}
		if responder, err := readAnswer(bytes.NewReader(said)); (err == nil) != (len(said) == nonceSize && bytes.Equal(said, responder[:])) {
			t.Fatal(responder, err)
		}
	})
}
