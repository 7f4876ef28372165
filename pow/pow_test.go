package pow

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// fixture is a proof made once: challenge 0, 1, 2 … 31 at effort 100.
var (
	fixtureChallenge = func() []byte {
		c := make([]byte, 32)
		for i := range c {
			c[i] = byte(i)
		}
		return c
	}()
	fixtureEffort = uint32(100)
	fixture       = Proof{
		Nonce:    [NonceSize]byte(unhex("a05b6b83fa999299")),
		Solution: [SolutionSize]byte(unhex("334db14feb8880c857640e7dc33d21ef")),
	}
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestVerifyFixture(t *testing.T) {
	if err := Verify(fixtureChallenge, fixtureEffort, fixture); err != nil {
		t.Error(err)
	}
}

// TestEveryBitCounts flips each bit of a puzzle and its proof.
func TestEveryBitCounts(t *testing.T) {
	challenge := bytes.Clone(fixtureChallenge)
	effort, proof := fixtureEffort, fixture
	check := func(what string, bit int) {
		t.Helper()
		if Verify(challenge, effort, proof) == nil {
			t.Errorf("%s: verifies with bit %d flipped", what, bit)
		}
	}
	for what, b := range map[string][]byte{"challenge": challenge, "nonce": proof.Nonce[:], "solution": proof.Solution[:]} {
		for i := range 8 * len(b) {
			b[i/8] ^= 1 << (i % 8)
			check(what, i)
			b[i/8] ^= 1 << (i % 8)
		}
	}
	for i := range 32 {
		effort ^= 1 << i
		check("effort", i)
		effort ^= 1 << i
	}
	if err := Verify(challenge, effort, proof); err != nil {
		t.Error("not restored:", err)
	}
}

// TestMovedBoundary moves bytes between challenge and nonce.
func TestMovedBoundary(t *testing.T) {
	for _, challenge := range [][]byte{nil, fixtureChallenge[:31], append(bytes.Clone(fixtureChallenge), 0)} {
		if Verify(challenge, fixtureEffort, fixture) == nil {
			t.Errorf("verifies for %x", challenge)
		}
	}
}

func TestBadPuzzles(t *testing.T) {
	for _, c := range []struct {
		challenge []byte
		effort    uint32
		want      error
	}{
		{nil, 0, ErrZeroEffort},
		{make([]byte, MaxChallenge+1), 1, ErrLongChallenge},
		{make([]byte, 1<<20), 1, ErrLongChallenge},
	} {
		if err := Verify(c.challenge, c.effort, Proof{}); !errors.Is(err, c.want) {
			t.Errorf("Verify: got %v, want %v", err, c.want)
		}
		if _, err := Solve(t.Context(), c.challenge, c.effort, 1, nil); !errors.Is(err, c.want) {
			t.Errorf("Solve: got %v, want %v", err, c.want)
		}
	}
}

func swap(s *[SolutionSize]byte, i, j int) {
	s[2*i], s[2*j] = s[2*j], s[2*i]
	s[2*i+1], s[2*j+1] = s[2*j+1], s[2*i+1]
}

// TestVerdicts meets each verdict of a proof by way of Verify.
func TestVerdicts(t *testing.T) {
	disordered := fixture
	swap(&disordered.Solution, 0, 7)
	for _, c := range []struct {
		effort uint32
		proof  Proof
		want   error
	}{
		{1, disordered, ErrOrder},
		{1, fixture, ErrPartialSum}, // another effort is another seed
		{1 << 31, fixture, ErrEffort},
	} {
		if err := Verify(fixtureChallenge, c.effort, c.proof); err != c.want {
			t.Errorf("effort %d: got %v, want %v", c.effort, err, c.want)
		}
		if err := verifyPlainly(fixtureChallenge, c.effort, c.proof); err != c.want {
			t.Errorf("effort %d: reference: got %v, want %v", c.effort, err, c.want)
		}
	}
}

// verifyPlainly is Verify by the reference.
func verifyPlainly(challenge []byte, effort uint32, p Proof) error {
	if err := checkPuzzle(challenge, effort); err != nil {
		return err
	}
	return refVerify(appendSeed(nil, challenge, p.Nonce, effort), effort, &p.Solution)
}

// FuzzVerify holds the verifier against the plain one, on proofs near to valid
// ones and on noise.
func FuzzVerify(f *testing.F) {
	f.Add(fixtureChallenge, fixtureEffort, fixture.Nonce[:], fixture.Solution[:])
	f.Add(fixtureChallenge, uint32(1), fixture.Nonce[:], fixture.Solution[:])
	f.Add([]byte{}, uint32(1), []byte{}, []byte{})
	f.Add(make([]byte, 256), uint32(1), []byte{1}, bytes.Repeat([]byte{0xff}, 16))
	f.Add(make([]byte, 257), uint32(1), []byte{1}, []byte{})
	f.Add([]byte("x"), uint32(0xffffffff), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, challenge []byte, effort uint32, nonce, solution []byte) {
		var proof Proof
		copy(proof.Nonce[:], nonce)
		copy(proof.Solution[:], solution)
		got, want := Verify(challenge, effort, proof), verifyPlainly(challenge, effort, proof)
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
