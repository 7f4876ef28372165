package zip215

import (
	"crypto/rand"
	"crypto/sha512"

	"filippo.io/edwards25519"
)

// Signature is one of a message by a key. The length of each part is checked.
type Signature struct{ Key, Message, Signature []byte }

const (
	keySize       = 32
	signatureSize = 64
	// randomSize is the length of a random number z: a false signature passes once in 2^128.
	randomSize = 16
)

// Verify reports whether all signatures verify. It says nothing of a single one if they do not.
func Verify(list []Signature) bool {
	s := sum{keys: make(map[[keySize]byte]int, len(list)), terms: make([]term, 1, 1+2*len(list))}
	s.terms[0].point.Set(edwards25519.NewGeneratorPoint())
	random := make([]byte, randomSize*len(list))
	_, _ = rand.Read(random) // it never fails
	for i := range list {
		if !s.add(&list[i], random[i*randomSize:][:randomSize]) {
			return false
		}
	}
	s.terms[0].factor.Negate(&s.terms[0].factor)
	return s.isZero()
}

// sum is that of a batch. Its first term is that of the base point.
type sum struct {
	terms []term
	// keys leads from a key's bytes to its term.
	keys map[[keySize]byte]int
}

type term struct {
	factor edwards25519.Scalar
	point  edwards25519.Point
}

// add adds the terms of a signature. It reports whether its parts are points and numbers.
func (s *sum) add(g *Signature, random []byte) bool {
	if len(g.Key) != keySize || len(g.Signature) != signatureSize {
		return false
	}
	key, known := s.keys[[keySize]byte(g.Key)]
	if !known {
		if key = s.newTerm(g.Key); key < 0 {
			return false
		}
		s.keys[[keySize]byte(g.Key)] = key
	}
	at := s.newTerm(g.Signature[:keySize])
	if at < 0 {
		return false
	}
	var number, challenge edwards25519.Scalar
	if _, err := number.SetCanonicalBytes(g.Signature[keySize:]); err != nil {
		return false
	}
	if _, err := challenge.SetUniformBytes(g.challenge()); err != nil {
		return false
	}
	z := &s.terms[at].factor
	var wide [keySize]byte
	copy(wide[:], random)
	if _, err := z.SetCanonicalBytes(wide[:]); err != nil {
		return false
	}
	base, of := &s.terms[0].factor, &s.terms[key].factor
	base.MultiplyAdd(z, &number, base)
	of.MultiplyAdd(z, &challenge, of)
	return true
}

// newTerm adds a term for a point and returns its place, -1 where the bytes are none.
func (s *sum) newTerm(encoded []byte) int {
	s.terms = append(s.terms, term{})
	last := len(s.terms) - 1
	if _, err := s.terms[last].point.SetBytes(encoded); err != nil {
		return -1
	}
	return last
}

// challenge is the hash that a signature answers to.
func (g *Signature) challenge() []byte {
	h := sha512.New()
	h.Write(g.Signature[:keySize])
	h.Write(g.Key)
	h.Write(g.Message)
	return h.Sum(make([]byte, 0, sha512.Size))
}

func (s *sum) isZero() bool {
	factors, points := make([]*edwards25519.Scalar, len(s.terms)), make([]*edwards25519.Point, len(s.terms))
	for i := range s.terms {
		factors[i], points[i] = &s.terms[i].factor, &s.terms[i].point
	}
	total := new(edwards25519.Point).VarTimeMultiScalarMult(factors, points)
	return total.MultByCofactor(total).Equal(edwards25519.NewIdentityPoint()) == 1
}
