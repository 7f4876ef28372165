//go:build cgo

package pow

import (
	"runtime"
	"sync"
	"testing"
)

func TestSearch(t *testing.T) {
	s, err := NewSearch(fixtureChallenge, 5)
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 { // 5 / 2 on average
		proof, found := s.Attempt()
		if !found {
			continue
		}
		if err := Verify(fixtureChallenge, 5, proof); err != nil {
			t.Fatal(err)
		}
		if p := s.Progress(); p.Attempts == 0 || p.Solutions == 0 {
			t.Errorf("a proof after %+v", p)
		}
		return
	}
	t.Fatal("no proof")
}

func TestSearchOfNothing(t *testing.T) {
	if _, err := NewSearch(fixtureChallenge, 0); err != ErrZeroEffort {
		t.Error(err)
	}
	if _, err := NewSearch(make([]byte, MaxChallenge+1), 1); err != ErrLongChallenge {
		t.Error(err)
	}
}

// TestSearchShared holds that threads of one search try different seeds, and that the search keeps
// its own copy of the challenge.
func TestSearchShared(t *testing.T) {
	challenge := append([]byte(nil), fixtureChallenge...)
	s, err := NewSearch(challenge, 5)
	if err != nil {
		t.Fatal(err)
	}
	clear(challenge)
	first := s.nonce.Load()
	var threads sync.WaitGroup
	var mu sync.Mutex
	var proofs []Proof
	for range 4 {
		threads.Go(func() {
			for range 8 {
				if proof, found := s.Attempt(); found {
					mu.Lock()
					proofs = append(proofs, proof)
					mu.Unlock()
				}
			}
		})
	}
	threads.Wait()
	if tried := s.nonce.Load() - first; tried != 32 || s.Progress().Attempts != 32 {
		t.Errorf("%d nonces, %d attempts", tried, s.Progress().Attempts)
	}
	seen := map[[NonceSize]byte]bool{}
	for _, p := range proofs {
		if err := Verify(fixtureChallenge, 5, p); err != nil || seen[p.Nonce] {
			t.Errorf("%x: %v", p.Nonce, err)
		}
		seen[p.Nonce] = true
	}
}

func TestSearchStopped(t *testing.T) {
	s, err := NewSearch(fixtureChallenge, endless)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	go func() {
		for !s.Stopped() {
			s.Attempt()
		}
		_, found := s.Attempt()
		ended <- found
	}()
	for s.Progress().Attempts == 0 {
		runtime.Gosched()
	}
	s.Stop()
	if <-ended {
		t.Error("a stopped search found something")
	}
}
