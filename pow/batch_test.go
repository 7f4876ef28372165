//go:build cgo

package pow

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// mixedItems has n proofs of which some are wrong in each way.
func mixedItems(n int) (items []Item) {
	disordered := fixture
	swap(&disordered.Solution, 0, 7)
	kinds := []Item{
		{fixtureChallenge, fixtureEffort, fixture},
		{fixtureChallenge, 1 << 31, fixture},
		{fixtureChallenge, 0, fixture},
		{fixtureChallenge, 1, disordered},
		{make([]byte, MaxChallenge+1), 1, fixture},
		{fixtureChallenge, 1, fixture},
		{nil, 1, Proof{}},
		{make([]byte, MaxChallenge), 1, fixture},
	}
	for i := range n {
		items = append(items, kinds[(i+i/len(kinds))%len(kinds)])
	}
	return items
}

func TestVerifyBatch(t *testing.T) {
	for _, n := range []int{0, 1, 7, 63, 64, 65, 200} {
		items := mixedItems(n)
		var want []error
		for _, it := range items {
			want = append(want, Verify(it.Challenge, it.Effort, it.Proof))
		}
		if got := VerifyBatch(items); !slices.Equal(got, want) {
			t.Errorf("%d: got %v, want %v", n, got, want)
		}
	}
}

// TestVerifyBatchAllocates holds that the result is all that is allocated, however
// long the batch.
func TestVerifyBatchAllocates(t *testing.T) {
	items := mixedItems(100)
	VerifyBatch(items)
	if n := testing.AllocsPerRun(5, func() { VerifyBatch(items) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

// TestBackground holds that a search in the background ends like any other.
func TestBackground(t *testing.T) {
	proof, err := Solve(t.Context(), fixtureChallenge, 3, 2, nil, Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(fixtureChallenge, 3, proof); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := Solve(ctx, fixtureChallenge, endless, 2, nil, Background()); err != context.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

// TestProofIsOfOnePuzzle tries what a miser would: to show one solution for two
// records, at other efforts, with other nonces, or in pieces. Whatever the change,
// the seed is another, and with it program, hashes and draw.
func TestProofIsOfOnePuzzle(t *testing.T) {
	proof, err := Solve(t.Context(), fixtureChallenge, 1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(fixtureChallenge)
	slices.Reverse(other)
	moved := Proof{Solution: proof.Solution}
	copy(moved.Nonce[:], proof.Nonce[1:])
	for what, it := range map[string]Item{
		"another record":              {other, 1, proof},
		"a record that continues it":  {append(slices.Clone(fixtureChallenge), other...), 1, proof},
		"a nonce byte in the record":  {append(slices.Clone(fixtureChallenge), proof.Nonce[0]), 1, moved},
		"a higher effort":             {fixtureChallenge, 2, proof},
		"no nonce":                    {fixtureChallenge, 1, Proof{Solution: proof.Solution}},
		"halves exchanged":            {fixtureChallenge, 1, exchanged(proof, 8)},
		"pairs exchanged":             {fixtureChallenge, 1, exchanged(proof, 4)},
		"the record's own other half": {fixtureChallenge, 1, doubled(proof)},
	} {
		if Verify(it.Challenge, it.Effort, it.Proof) == nil {
			t.Errorf("%s: verifies", what)
		}
	}
	if err := Verify(fixtureChallenge, 1, proof); err != nil {
		t.Error(err)
	}
}

func exchanged(p Proof, n int) Proof {
	s := p.Solution
	copy(p.Solution[:n], s[n:2*n])
	copy(p.Solution[n:2*n], s[:n])
	return p
}

func doubled(p Proof) Proof {
	copy(p.Solution[8:], p.Solution[:8])
	return p
}

func TestVerifyAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(10, func() {
		_ = Verify(fixtureChallenge, fixtureEffort, fixture)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestRejectedProgram finds a nonce whose seed has no program: about one in
// 28,600, so the search is worth its second.
func TestRejectedProgram(t *testing.T) {
	var proof Proof
	for i := range 1 << 20 {
		proof.Nonce = [NonceSize]byte{byte(i), byte(i >> 8), byte(i >> 16)}
		switch err := Verify(nil, 1, proof); err {
		case ErrProgram:
			if ref := verifyPlainly(nil, 1, proof); ref != ErrProgram {
				t.Errorf("nonce %d: reference: %v", i, ref)
			}
			return
		case ErrPartialSum:
		default:
			t.Fatalf("nonce %d: %v", i, err)
		}
	}
	t.Error("none found")
}

// TestSolverOutputVerifies holds that for any challenge and effort, what Solve
// finds is a proof to both verifiers, and not to one of another effort.
func TestSolverOutputVerifies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		challenge := rapid.SliceOfN(rapid.Byte(), 0, MaxChallenge).Draw(rt, "challenge")
		effort := rapid.Uint32Range(1, 4).Draw(rt, "effort")
		proof, err := Solve(t.Context(), challenge, effort, 1, nil)
		if err != nil {
			rt.Fatal(err)
		}
		if err := Verify(challenge, effort, proof); err != nil {
			rt.Fatal(err)
		}
		if err := verifyPlainly(challenge, effort, proof); err != nil {
			rt.Fatal("reference:", err)
		}
		if Verify(challenge, effort+1, proof) == nil {
			rt.Fatal("verifies at another effort")
		}
	})
}
