//go:build cgo

package pow

import (
	"encoding/binary"
	"os"
	"os/exec"
	"slices"
	"testing"
)

// modes returns a solver for each way to hash that this machine has.
func modes(t testing.TB) (all []*solver) {
	t.Helper()
	for _, w := range offered() {
		s := newSolver(w.is)
		if got, ok := s.prepare(fixtureChallenge); !ok || got != w.is {
			t.Fatalf("way %s to hash is way %d", w.named, got)
		}
		all = append(all, s)
	}
	return all
}

// checkHashes holds all ways to hash against each other in a whole range, and
// against the reference in a few places of it.
func checkHashes(t *testing.T, all []*solver, seed []byte, first uint64, places int) {
	t.Helper()
	ref := newRefHashX(seed, nil)
	var want, got [lanes]uint64
	for i, s := range all {
		m, ok := s.prepare(seed)
		if ok != ref.accepted {
			t.Fatalf("seed %x: accepted: %v, reference: %v", seed, ok, ref.accepted)
		}
		if !ok {
			continue
		}
		s.hashMany(first, &got)
		if i == 0 {
			want = got
		} else if got != want {
			t.Errorf("seed %x: way %d differs", seed, m)
		}
	}
	for i := 0; i < places && ref.accepted; i++ {
		at := (i*97 + int(seed[0])) % lanes
		if h := ref.hash(first + uint64(at)); h != want[at] {
			t.Errorf("seed %x: H(%d) = %x, reference %x", seed, first+uint64(at), want[at], h)
		}
	}
}

// TestWaysToHashAgree takes thousands of seeds, and the few among many more that
// have no program.
func TestWaysToHashAgree(t *testing.T) {
	seeds, more := uint32(4000), uint32(120_000)
	if testing.Short() {
		seeds, more = 300, 0
	}
	all := modes(t)
	var seed [8]byte
	for i := range seeds {
		binary.LittleEndian.PutUint64(seed[:], uint64(i)*0x9e3779b97f4a7c15)
		checkHashes(t, all, seed[:], uint64(i)<<32-128, 4)
	}
	rejected := 0
	h := new(hashX)
	for i := range more {
		binary.LittleEndian.PutUint64(seed[:], uint64(i)+1<<40)
		if !h.generate(seed[:]) {
			rejected++
			checkHashes(t, all, seed[:], 0, 0)
		}
	}
	if more > 0 && rejected == 0 {
		t.Errorf("none of %d seeds was rejected", more)
	}
}

// TestWaysToSolveAgree compares solutions, order included.
func TestWaysToSolveAgree(t *testing.T) {
	challenges := 40
	if testing.Short() {
		challenges = 8
	}
	all := modes(t)
	for i := range challenges {
		challenge := []byte{'w', 'a', 'y', byte(i)}
		want, ok := all[0].solutionsOf(challenge)
		for _, s := range all[1:] {
			if got, o := s.solutionsOf(challenge); o != ok || !slices.Equal(got, want) {
				t.Errorf("%x: got %x, interpreted %x", challenge, got, want)
			}
		}
		for _, s := range want {
			if err := refVerifyEquix(challenge, s); err != nil {
				t.Errorf("%x: %v", challenge, err)
			}
		}
	}
}

// FuzzWaysToHash holds the emitters against the reference.
func FuzzWaysToHash(f *testing.F) {
	f.Add([]byte{0}, uint64(0))
	f.Add([]byte{0xf9, 5, 0, 0}, uint64(1)) // rejected
	f.Add(fixtureChallenge, ^uint64(0)-100)
	all := modes(f)
	f.Fuzz(func(t *testing.T, seed []byte, first uint64) {
		if len(seed) > 0 {
			checkHashes(t, all, seed, first, 2)
		}
	})
}

// TestForbiddenCode solves where the system gives no executable memory. That
// cannot be taken back, so it is another process that asks for it.
func TestForbiddenCode(t *testing.T) {
	if os.Getenv("LF_FORBID_CODE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestForbiddenCode$", "-test.v") // ourselves
		cmd.Env = append(os.Environ(), "LF_FORBID_CODE=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := forbidCode(); err != nil {
		t.Skipf("this system forbids nothing: %v", err)
	}
	for _, w := range offered() {
		s := newSolver(w.is)
		for range 2 {
			if m, ok := s.prepare(fixtureChallenge); !ok || m != interpreted {
				t.Errorf("%s hashes in way %d", w.named, m)
			}
		}
	}
	if p := Paths(); len(p) != 1 || p[0].Name != "interpreted" || !p[0].Chosen {
		t.Errorf("of no code, this is chosen: %+v", p)
	}
	if _, err := Solve(t.Context(), fixtureChallenge, 1, 1, nil); err != nil {
		t.Error(err)
	}
}
