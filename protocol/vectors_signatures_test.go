package protocol_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"filippo.io/edwards25519"
	"github.com/hdevalence/ed25519consensus"
)

// smallOrder are the encodings of the eight points of small order that ZIP-215 accepts, six of them
// not canonical.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

// signatureVector is a signature that implementations of Ed25519 are known to disagree on.
type signatureVector struct {
	Name      string   `json:"name"`
	Key       hexBytes `json:"key"`
	Message   hexBytes `json:"message"`
	Signature hexBytes `json:"signature"`
	Valid     bool     `json:"valid"`
}

func point(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// mixedOrder signs for a key with a component of small order. Its R and A are off the prime-order
// group, so the equation holds only when it is multiplied by the cofactor.
func mixedOrder(t testing.TB, key ed25519.PrivateKey, message []byte) (public, signature []byte) {
	t.Helper()
	torsion, err := new(edwards25519.Point).SetBytes(point(t, smallOrder[4]))
	if err != nil {
		t.Fatal(err)
	}
	h := sha512.Sum512(key.Seed())
	a, err := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	if err != nil {
		t.Fatal(err)
	}
	public = new(edwards25519.Point).Add(new(edwards25519.Point).ScalarBaseMult(a), torsion).Bytes()
	r := uniform(t, []byte("nonce"), h[32:], message)
	big := new(edwards25519.Point).Add(new(edwards25519.Point).ScalarBaseMult(r), torsion).Bytes()
	s := edwards25519.NewScalar().MultiplyAdd(uniform(t, big, public, message), a, r)
	return public, append(big, s.Bytes()...)
}

func uniform(t testing.TB, parts ...[]byte) *edwards25519.Scalar {
	t.Helper()
	h := sha512.Sum512(slices.Concat(parts...))
	s, err := edwards25519.NewScalar().SetUniformBytes(h[:])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// largeS adds the group's order to a signature's S: the same number modulo the order, in a form
// that is not allowed.
func largeS(signature []byte) []byte {
	order := [32]byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	out, carry := slices.Clone(signature), 0
	for i := range order {
		carry += int(out[32+i]) + int(order[i])
		out[32+i], carry = byte(carry), carry>>8
	}
	return out
}

// noPoint is an encoding that no point of the curve has.
func noPoint(t testing.TB) [32]byte {
	t.Helper()
	for i := byte(0); ; i++ {
		raw := sha256.Sum256([]byte{i})
		if _, err := new(edwards25519.Point).SetBytes(raw[:]); err != nil {
			return raw
		}
	}
}

func signatureVectors(t testing.TB) []signatureVector {
	t.Helper()
	var list []signatureVector
	message := []byte("lf")
	for i, a := range smallOrder {
		for j, r := range smallOrder {
			list = append(list, signatureVector{fmt.Sprintf("small order: key %d, R %d", i, j), point(t, a), message,
				append(point(t, r), make([]byte, 32)...), true})
		}
	}
	key := fixedKey("signatures")
	public, signature := mixedOrder(t, key, message)
	list = append(list, signatureVector{"key and R of mixed order", public, message, signature, true})
	good := ed25519.Sign(key, message)
	public = key.Public().(ed25519.PublicKey)
	notAPoint := noPoint(t)
	return append(list,
		signatureVector{"ordinary", public, message, good, true},
		signatureVector{"S not below the group's order", public, message, largeS(good), false},
		signatureVector{"R is no point", public, message, append(notAPoint[:], good[32:]...), false},
		signatureVector{"the key is no point", notAPoint[:], message, good, false},
		signatureVector{"another message", public, []byte("LF"), good, false},
	)
}

func TestVectorsSignatures(t *testing.T) {
	t.Parallel()
	list := signatureVectors(t)
	current(t, "signatures.json", list)
	all, ordinary := ed25519consensus.NewBatchVerifier(), list[len(list)-5]
	for _, v := range list {
		if got := ed25519consensus.Verify([]byte(v.Key), v.Message, v.Signature); got != v.Valid {
			t.Errorf("%s: verifies alone: %v", v.Name, got)
		}
		one := ed25519consensus.NewBatchVerifier()
		one.Add([]byte(v.Key), v.Message, v.Signature)
		one.Add([]byte(ordinary.Key), ordinary.Message, ordinary.Signature)
		if got := one.Verify(); got != v.Valid {
			t.Errorf("%s: verifies in a batch: %v", v.Name, got)
		}
		if v.Valid {
			all.Add([]byte(v.Key), v.Message, v.Signature)
		}
	}
	if !all.Verify() {
		t.Error("all the valid ones do not verify in one batch")
	}
}

// makeAcceptedSignatures adds records whose keys and signatures only ZIP-215's rules accept.
func (m *vectorMaker) makeAcceptedSignatures() {
	for i, a := range smallOrder {
		m.good(fmt.Sprintf("owner of small order, encoding %d", i), "free", m.base("free"), func(b *builder) {
			b.plain = nil
			b.at[beforeClaims] = func(h []any) { h[2] = point(m.t, a) }
			b.at[beforeWork] = func(h []any) { h[7] = append(point(m.t, smallOrder[len(smallOrder)-1-i]), make([]byte, 32)...) }
		})
	}
	m.good("selector key of small order", "free", m.base("free"), func(b *builder) {
		b.plain = nil
		b.at[beforeSignature] = func(h []any) {
			h[6] = []any{[]any{point(m.t, smallOrder[4]), uint64(2), append(point(m.t, smallOrder[9]), make([]byte, 32)...)}}
		}
	})
	m.good("owner of mixed order", "free", m.base("free"), func(b *builder) {
		b.plain = nil
		b.at[beforeClaims] = func(h []any) { h[2], _ = mixedOrder(m.t, b.owner, nil) }
		b.at[beforeWork] = func(h []any) {
			_, h[7] = mixedOrder(m.t, b.owner, b.domain("lf/record/1", sha256.Sum256(encodeAny(m.t, h[:7]))))
		}
	})
	m.good("signed a second time, with another nonce", "free", m.base("free"), func(b *builder) {
		b.at[beforeWork] = func(h []any) {
			h[7] = signAgain(m.t, b.owner, b.domain("lf/record/1", sha256.Sum256(encodeAny(m.t, h[:7]))))
		}
	})
}

// signAgain signs as Ed25519 does but for the nonce: an owner can make any number of signatures of
// one message.
func signAgain(t testing.TB, key ed25519.PrivateKey, message []byte) []byte {
	t.Helper()
	h := sha512.Sum512(key.Seed())
	a, err := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	if err != nil {
		t.Fatal(err)
	}
	r := uniform(t, []byte("another nonce"), h[32:], message)
	big := new(edwards25519.Point).ScalarBaseMult(r).Bytes()
	s := edwards25519.NewScalar().MultiplyAdd(uniform(t, big, key.Public().(ed25519.PublicKey), message), a, r)
	return append(big, s.Bytes()...)
}
