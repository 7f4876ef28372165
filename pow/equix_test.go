//go:build cgo

package pow

import (
	"encoding/binary"
	"slices"
	"testing"
)

func TestEquixSolutions(t *testing.T) {
	mem := newSolver(chosen().mode)
	for _, rec := range readRecords(t, "solutions.txt") {
		challenge := get(rec, "challenge").bytes(0)
		got, ok := mem.solutionsOf(challenge)
		var want [][SolutionSize]byte
		for _, l := range rec {
			switch l.key {
			case "verdict":
				if accepted := l.args[0] == "accepted"; ok != accepted {
					l.failf("got %v", ok)
				}
			case "solution":
				s := l.solution(0)
				want = append(want, s)
				if err := verifyEquix(challenge, s); err != nil {
					l.failf("%v", err)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", rec[0].where, got, want)
		}
	}
}

// TestNinthSolution has the valid solution that a solver stopping at eight
// does not return.
func TestNinthSolution(t *testing.T) {
	s := [SolutionSize]byte{0x4c, 0x3d, 0x75, 0x44, 0xcc, 0x73, 0x4c, 0x82, 0xb9, 0x75, 0x86, 0xda, 0x9f, 0x37, 0xac, 0xf1}
	if err := verifyEquix([]byte{4, 9, 0, 0}, s); err != nil {
		t.Error(err)
	}
}

func TestIndices(t *testing.T) {
	var values []uint64
	for _, l := range readLines(t, "indices.txt") {
		switch l.key {
		case "value":
			h, _ := newHashX(l.bytes(0))
			v := h.hash(l.number(1, 16))
			if v != l.number(2, 16) {
				l.failf("got %x", v)
			}
			values = append(values, v)
		case "sum":
			var sum uint64
			for _, v := range values[l.number(1, 10):][:l.number(2, 10)] {
				sum += v
			}
			if sum%(1<<60) != l.number(3, 16) {
				l.failf("got %x", sum)
			}
		}
	}
}

func TestEquixVerify(t *testing.T) {
	for _, l := range readLines(t, "verify.txt") {
		want, known := equixVerdicts[l.args[2]]
		if !known {
			l.failf("unknown verdict")
		}
		if got := verifyEquix(l.bytes(0), l.solution(1)); got != want {
			l.failf("got %v", got)
		}
	}
}

// TestOnePermutationVerifies tries all orders of a solution's indices.
func TestOnePermutationVerifies(t *testing.T) {
	s := [SolutionSize]byte{0x95, 0x54, 0x75, 0xa5, 0x1e, 0xc4, 0xc4, 0xe6, 0x6c, 0x20, 0x7e, 0xc3, 0xf1, 0x30, 0xfc, 0xf3}
	valid, tried := 0, 0
	var permute func(k int)
	permute = func(k int) {
		if k == 8 {
			tried++
			if verifyEquix(make([]byte, 4), s) == nil {
				valid++
			}
			return
		}
		for i := k; i < 8; i++ {
			swap(&s, i, k)
			permute(k + 1)
			swap(&s, i, k)
		}
	}
	permute(0)
	if valid != 1 || tried != 40320 {
		t.Errorf("%d of %d permutations verify, want one of 40320", valid, tried)
	}
}

// torChallenge is the input of Tor's puzzle; the effort stands last, after a
// nonce of 16 bytes.
func torChallenge(id, seed, nonce []byte, effort uint32) []byte {
	c := slices.Concat([]byte("Tor hs intro v1\x00"), id, seed, nonce)
	return binary.BigEndian.AppendUint32(c, effort)
}

// TestTorWalks solves Tor's puzzles the way its clients do, from a start to
// the first nonce with a solution that is good enough.
func TestTorWalks(t *testing.T) {
	mem := newSolver(chosen().mode)
	for _, rec := range readRecords(t, "tor.txt") {
		effort := uint32(get(rec, "effort").number(0, 10))
		if effort == 1337 && testing.Short() {
			continue // 130 steps, more than all the others together
		}
		id, seed := get(rec, "id").bytes(0), get(rec, "seed").bytes(0)
		nonce := get(rec, "start").bytes(0)
		var got [SolutionSize]byte
		for steps := 0; ; steps++ {
			if steps > 200 {
				t.Fatalf("%s: no solution", rec[0].where)
			}
			c := torChallenge(id, seed, nonce, effort)
			if _, o := mem.attempt(c, effort, nil, &got); o == found {
				break
			}
			increment(nonce)
		}
		equalBytes(get(rec, "nonce"), 0, nonce)
		equalBytes(get(rec, "solution"), 0, got[:])
		c := torChallenge(id, seed, nonce, effort)
		if l := get(rec, "R"); uint64(proofDraw(c, got)) != l.number(0, 16) {
			l.failf("got %08x", proofDraw(c, got))
		}
		if err := verify(c, effort, &got); err != nil {
			t.Errorf("%s: %v", rec[0].where, err)
		}
	}
}

func increment(counter []byte) {
	for i := range counter {
		counter[i]++
		if counter[i] != 0 {
			return
		}
	}
}

func TestTorRefused(t *testing.T) {
	for _, l := range readLines(t, "refused.txt") {
		effort := uint32(l.number(0, 10))
		c := torChallenge(l.bytes(2), l.bytes(1), l.bytes(3), effort)
		s := l.solution(4)
		if r := proofDraw(c, s); uint64(r) != l.number(5, 16) {
			l.failf("R is %08x", r)
		}
		want := equixVerdicts[l.args[7]]
		if got := verifyEquix(c, s); got != want {
			l.failf("Equi-X: got %v", got)
		}
		if l.args[6] == "fails" {
			want = ErrEffort
		}
		if got := verify(c, effort, &s); got != want {
			l.failf("got %v", got)
		}
	}
}

// TestSolverFindsAll compares the solver with a search without buckets and
// limits. The numbers have solutions that are paired within one bucket of the solver,
// each of the two that are opposite to themselves, in each of the three rounds.
func TestSolverFindsAll(t *testing.T) {
	mem := newSolver(chosen().mode)
	challenges := [][]byte{[]byte("all0"), []byte("all1")}
	for _, n := range []uint32{175, 206, 271, 27, 2, 11} {
		challenges = append(challenges, binary.LittleEndian.AppendUint32(nil, n))
	}
	for _, challenge := range challenges {
		got, _ := mem.solutionsOf(challenge)
		want := solveByMap(challenge)
		if len(want) > 8 {
			t.Fatalf("%x has %d solutions", challenge, len(want))
		}
		byBytes := func(a, b [SolutionSize]byte) int { return slices.Compare(a[:], b[:]) }
		slices.SortFunc(got, byBytes)
		slices.SortFunc(want, byBytes)
		if !slices.Equal(got, want) {
			t.Errorf("%x: got %x, want %x", challenge, got, want)
		}
	}
}

// node is a sum and the indices in it, in tree order.
type node struct {
	sum uint64
	run []uint16
}

// solveByMap finds all solutions by looking up each value's complement.
func solveByMap(challenge []byte) (all [][SolutionSize]byte) {
	h, _ := newHashX(challenge)
	level := make([]node, 65536)
	var values [lanes]uint64
	for i := range level {
		if i%lanes == 0 {
			h.hashMany(uint64(i), &values)
		}
		level[i] = node{values[i%lanes], []uint16{uint16(i)}}
	}
	for _, bits := range []int{15, 30, 60} {
		level = joinNodes(level, 1<<bits-1)
	}
	for _, n := range level {
		var s [SolutionSize]byte
		for i, x := range n.run {
			binary.LittleEndian.PutUint16(s[2*i:], x)
		}
		all = append(all, s)
	}
	return all
}

// joinNodes returns the pairs whose sum is zero under mask, each once.
func joinNodes(level []node, mask uint64) (next []node) {
	seen := make(map[uint64][]int)
	for i, n := range level {
		seen[n.sum&mask] = append(seen[n.sum&mask], i)
		for _, j := range seen[-n.sum&mask] {
			l, r := level[j].run, n.run
			if lastFirst(l, r) > 0 {
				l, r = r, l
			}
			next = append(next, node{n.sum + level[j].sum, slices.Concat(l, r)})
		}
	}
	return next
}

// lastFirst compares two runs from their last index on.
func lastFirst(a, b []uint16) int {
	for i := len(a) - 1; i >= 0; i-- {
		if a[i] != b[i] {
			return int(a[i]) - int(b[i])
		}
	}
	return 0
}
