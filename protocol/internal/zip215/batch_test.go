package zip215

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filippo.io/edwards25519"
	"github.com/hdevalence/ed25519consensus"
	"pgregory.net/rapid"
)

// vector is a signature that implementations of Ed25519 are known to disagree on.
type vector struct {
	name  string
	valid bool
	Signature
}

func vectors(t testing.TB) (list []vector) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "signatures.json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw []struct {
		Name, Key, Message, Signature string
		Valid                         bool
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	for _, r := range raw {
		v := vector{name: r.Name, valid: r.Valid}
		for from, to := range map[string]*[]byte{r.Key: &v.Key, r.Message: &v.Message, r.Signature: &v.Signature.Signature} {
			if *to, err = hex.DecodeString(from); err != nil {
				t.Fatal(err)
			}
		}
		list = append(list, v)
	}
	return list
}

// TestVectors verifies each vector alone, twice, and beside all valid ones.
func TestVectors(t *testing.T) {
	t.Parallel()
	list := vectors(t)
	var valid []Signature
	for _, v := range list {
		if v.valid {
			valid = append(valid, v.Signature)
		}
	}
	if len(valid) < 100 || len(valid) == len(list) || !Verify(valid) {
		t.Fatalf("the %d valid ones of %d do not verify together", len(valid), len(list))
	}
	for i, v := range list {
		batches := [][]Signature{{v.Signature}, {v.Signature, v.Signature}}
		if i%10 == 0 || !v.valid {
			batches = append(batches, append([]Signature{v.Signature}, valid...), append(slices.Clone(valid), v.Signature))
		}
		for _, batch := range batches {
			if Verify(batch) != v.valid {
				t.Errorf("%s: %d together: %t", v.name, len(batch), !v.valid)
			}
		}
	}
}

// keyOf is one of a few keys.
func keyOf(n int) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(n)}, ed25519.SeedSize))
}

// draw makes a signature by one of a few keys, and spoils it perhaps.
func draw(t *rapid.T, vectors []vector) Signature {
	if rapid.IntRange(0, 9).Draw(t, "vector") == 0 {
		return rapid.SampledFrom(vectors).Draw(t, "which").Signature
	}
	key, message := keyOf(rapid.IntRange(0, 2).Draw(t, "key")), rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "message")
	g := Signature{key.Public().(ed25519.PublicKey), message, ed25519.Sign(key, message)}
	if rapid.IntRange(0, 19).Draw(t, "spoil") > 0 {
		return g
	}
	flip := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		return b
	}
	switch rapid.IntRange(0, 5).Draw(t, "how") {
	case 0:
		g.Key = flip(g.Key)
	case 1:
		g.Signature = flip(g.Signature)
	case 2:
		g.Message = append(bytes.Clone(g.Message), 0)
	case 3:
		g.Key = keyOf(3).Public().(ed25519.PublicKey)
	case 4:
		g.Signature = g.Signature[:rapid.IntRange(0, signatureSize-1).Draw(t, "length")]
	default:
		g.Signature = append(bytes.Clone(g.Signature[:keySize]), make([]byte, keySize)...)
	}
	return g
}

// TestLikeOneByOne verifies batches of which some are spoiled: they verify together if and only if
// each does alone, by another package.
func TestLikeOneByOne(t *testing.T) {
	t.Parallel()
	list := vectors(t)
	rapid.Check(t, func(t *rapid.T) {
		batch, want := make([]Signature, rapid.IntRange(1, 8).Draw(t, "signatures")), true
		for i := range batch {
			batch[i] = draw(t, list)
			want = want && ed25519consensus.Verify(batch[i].Key, batch[i].Message, batch[i].Signature)
		}
		if Verify(batch) != want {
			t.Fatalf("together %t, one by one %t", !want, want)
		}
	})
}

// TestCancelling has two false signatures by one key whose errors would cancel in a sum without
// random factors.
func TestCancelling(t *testing.T) {
	t.Parallel()
	one, _ := edwards25519.NewScalar().SetCanonicalBytes(append([]byte{1}, make([]byte, keySize-1)...))
	key, batch := keyOf(1), make([]Signature, 2)
	for i := range batch {
		message := []byte{byte(i)}
		signature := ed25519.Sign(key, message)
		s, err := edwards25519.NewScalar().SetCanonicalBytes(signature[keySize:])
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			s.Add(s, one)
		} else {
			s.Subtract(s, one)
		}
		batch[i] = Signature{key.Public().(ed25519.PublicKey), message, append(signature[:keySize:keySize], s.Bytes()...)}
	}
	for range 10 {
		if Verify(batch) {
			t.Fatal("two false signatures verify together")
		}
	}
}

// BenchmarkVerify verifies 64 signatures by some keys, in turns with the package that has a term
// for each. It reports the time a signature, and what part of the other's that is.
func BenchmarkVerify(b *testing.B) {
	for _, keys := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			batch := make([]Signature, 64)
			for i := range batch {
				key, message := keyOf(i%keys), []byte{byte(i)}
				batch[i] = Signature{key.Public().(ed25519.PublicKey), message, ed25519.Sign(key, message)}
			}
			var other int64
			for b.Loop() {
				if !Verify(batch) {
					b.Fatal("valid ones do not verify")
				}
				b.StopTimer()
				other += otherTime(b, batch)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batch)), "ns/signature")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(other), "×-other")
		})
	}
}

func otherTime(b *testing.B, batch []Signature) int64 {
	before := time.Now()
	v := ed25519consensus.NewPreallocatedBatchVerifier(len(batch))
	for _, g := range batch {
		v.Add(g.Key, g.Message, g.Signature)
	}
	if !v.Verify() {
		b.Fatal("the other package refuses them")
	}
	return time.Since(before).Nanoseconds()
}
