//go:build cgo

package pow

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var hashxSalt = [16]byte{'H', 'a', 's', 'h', 'X', ' ', 'v', '1'}

// programBytes is a program as the vectors' digest sees it.
func programBytes(code []instruction) (b []byte) {
	for _, in := range code {
		b = append(b, in.op, in.dst, in.src)
		b = binary.LittleEndian.AppendUint32(b, in.imm)
	}
	return b
}

func joinInts(v []int) string {
	if len(v) == 0 {
		return "-"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]")
}

func le64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

func TestHashXVectors(t *testing.T) {
	for _, rec := range readRecords(t, "hashx.txt") {
		t.Run(get(rec, "name").args[0], func(t *testing.T) {
			seed := get(rec, "seed").bytes(0)
			h, ok := newHashX(seed)
			ref, tries := traced(seed)
			for _, l := range rec {
				l.t = t
				checkHashXLine(l, seed, h, ok, ref, tries)
			}
			if !slices.Equal(h.program(), ref.code[:h.placed]) {
				t.Error("the two generators differ")
			}
		})
	}
}

func checkHashXLine(l line, seed []byte, h *hashX, ok bool, ref *refHashX, tries []refTry) {
	switch l.key {
	case "name", "seed":
	case "blake2b":
		equalBytes(l, 0, blake2bSum(64, &hashxSalt, seed))
	case "verdict":
		if want := l.args[0] == "accepted"; ok != want || ref.accepted != want {
			l.failf("got %v, reference %v", ok, ref.accepted)
		}
	case "draws":
		if want := l.number(0, 10); h.draws != want || ref.counter != want {
			l.failf("got %d, reference %d", h.draws, ref.counter)
		}
	case "second":
		if got := joinInts(h.retried); got != l.args[0] || joinInts(retried(tries)) != got {
			l.failf("got %s, reference %v", got, retried(tries))
		}
	case "program":
		equalBytes(l, 0, blake2bSum(32, nil, programBytes(h.program())))
	case "hash":
		x := l.number(0, 10)
		equalBytes(l, 1, le64(h.hash(x)))
		equalBytes(l, 1, le64(ref.hash(x)))
	case "gaveup":
		if want := l.number(0, 10); uint64(h.placed) != want {
			l.failf("got %d", h.placed)
		}
	case "end":
		if got := fmt.Sprint(len(ref.code), ref.muls, ref.maxReady); got != strings.Join(l.args, " ") {
			l.failf("got %s", got)
		}
	default:
		l.failf("unknown keyword")
	}
}

func TestKeys(t *testing.T) {
	for _, l := range readLines(t, "keys.txt") {
		k := hashXKeys(l.bytes(0))
		got := k[:4]
		if l.args[1] == "K" {
			got = k[4:]
		}
		if !slices.Equal(got, l.hexWords(2)) {
			l.failf("got %x", got)
		}
	}
}

func TestRandomStream(t *testing.T) {
	for _, l := range readLines(t, "stream.txt") {
		k := hashXKeys(l.bytes(0))
		for i, want := range l.hexWords(1) {
			if got := sipDraw([4]uint64(k[:4]), uint64(i)); got != want {
				l.failf("value %d: got %x", i, got)
			}
		}
	}
}

// traced is the reference's hash function of a seed, and how its program was found.
func traced(seed []byte) (h *refHashX, tries []refTry) {
	h = newRefHashX(seed, func(t refTry) { tries = append(tries, t) })
	return h, tries
}

// retried lists the instructions whose first try failed.
func retried(tries []refTry) (at []int) {
	for _, t := range tries {
		if !t.ok && t.which == 1 {
			at = append(at, t.n)
		}
	}
	return at
}

// TestGeneratorTrace follows the generator draw by draw: the reference shows
// its draws, the C one has to have placed the same instructions.
func TestGeneratorTrace(t *testing.T) {
	var h *hashX
	var tries []refTry
	for _, l := range readLines(t, "trace.txt") {
		switch l.key {
		case "seed":
			h, _ = newHashX(l.bytes(0))
			_, tries = traced(l.bytes(0))
		case "try":
			checkTry(l, h, tries)
		case "insn":
			in := h.program()[l.number(0, 10)]
			got := fmt.Sprint(in.op, int8(in.dst), int8(in.src), in.imm)
			if got != strings.Join(l.args[1:], " ") {
				l.failf("got %s", got)
			}
		}
	}
}

func checkTry(l line, h *hashX, tries []refTry) {
	want := strings.Join(l.args, " ")
	which := l.args[7]
	if which == "fails" {
		which = "1"
	}
	for _, try := range tries {
		if fmt.Sprint(try.n) != l.args[0] || fmt.Sprint(try.which) != which {
			continue
		}
		if got := try.String(); got != want {
			l.failf("got %s", got)
		}
		if try.ok && h.program()[try.n] != try.in {
			l.failf("placed %v", h.program()[try.n])
		}
		return
	}
	l.failf("no such try")
}

var opNames = [numOps]string{"MULHU", "MULHS", "MUL", "SUB", "XOR", "ADDSH", "ROTR", "ADDI", "XORI", "TARGET", "BRANCH"}

func (t refTry) String() string {
	register := func(r uint8) string {
		if r == none {
			return "-"
		}
		return fmt.Sprintf("R%d", r)
	}
	draws := func(format string, v []uint32) string {
		var s []string
		for _, x := range v {
			s = append(s, fmt.Sprintf(format, x))
		}
		if s == nil {
			return "-"
		}
		return strings.Join(s, ",")
	}
	imm, which := "-", fmt.Sprint(t.which)
	if t.in.op >= addsh && t.in.op != target {
		imm = fmt.Sprintf("%08x", t.in.imm)
	}
	if !t.ok {
		which = "fails"
	}
	return fmt.Sprint(t.n, " ", t.sub, " ", t.cycle, " ", opNames[t.in.op], " ", register(t.in.dst), " ",
		register(t.in.src), " ", imm, " ", which, " ", draws("%02x", t.bytes), " ", draws("%08x", t.words))
}

// TestEvaluation looks into single evaluations: what the C code shows of them,
// and all of it in the reference.
func TestEvaluation(t *testing.T) {
	recs := readRecords(t, "run.txt")
	seed := get(recs[0], "seed").bytes(0)
	h, _ := newHashX(seed)
	ref := newRefHashX(seed, nil)
	for _, rec := range recs[1:] {
		x := get(rec, "input").number(0, 10)
		r := refExpand(ref.k, x)
		if l := get(rec, "E"); !slices.Equal(l.hexWords(0), r[:]) || h.expand(x) != r {
			l.failf("got %x, reference %x", h.expand(x), r)
		}
		taken := ref.run(&r)
		if l := get(rec, "taken"); fmt.Sprint(taken) != l.args[0] {
			l.failf("got %d", taken)
		}
		if l := get(rec, "run"); !slices.Equal(l.hexWords(0), r[:]) {
			l.failf("got %x", r)
		}
		equalBytes(get(rec, "hash"), 0, le64(h.hash(x)))
		equalBytes(get(rec, "hash"), 0, le64(ref.hash(x)))
	}
}

// TestHash32 has HashX's full output; the C code computes its first word.
func TestHash32(t *testing.T) {
	for _, l := range readLines(t, "hash32.txt") {
		x := l.number(1, 10)
		h, _ := newHashX(l.bytes(0))
		var got []byte
		for _, w := range newRefHashX(l.bytes(0), nil).digest(x) {
			got = append(got, le64(w)...)
		}
		equalBytes(l, 2, got)
		if !bytes.HasPrefix(got, le64(h.hash(x))) {
			l.failf("got %x", h.hash(x))
		}
	}
}

// TestHashXAgainstReference compares generators and hashes on random seeds and
// inputs, in both widths.
func TestHashXAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "seed")
		var x [8]uint64
		for i := range x {
			x[i] = rapid.Uint64().Draw(t, "x")
		}
		h, ok := newHashX(seed)
		ref := newRefHashX(seed, nil)
		if ok != ref.accepted || !slices.Equal(h.program(), ref.code[:h.placed]) {
			t.Fatal("the programs differ")
		}
		if !ok {
			return
		}
		for i, got := range h.hashEight(x) {
			if want := ref.hash(x[i]); got != want {
				t.Fatalf("eight: H(%d) = %x, want %x", x[i], got, want)
			}
		}
		var many [lanes]uint64
		h.hashMany(x[0], &many)
		for i, got := range many {
			if want := ref.hash(x[0] + uint64(i)); got != want {
				t.Fatalf("many: H(%d) = %x, want %x", x[0]+uint64(i), got, want)
			}
		}
	})
}

// TestEveryBranchIsTaken has inputs that take each of the 16 branches, and the
// case of none.
func TestEveryBranchIsTaken(t *testing.T) {
	seed := []byte("branches")
	h, _ := newHashX(seed)
	ref := newRefHashX(seed, nil)
	seen := map[int]bool{}
	var out [lanes]uint64
	for first := uint64(0); first < 1024; first += lanes {
		h.hashMany(first, &out)
		for i, got := range out {
			x := first + uint64(i)
			r := refExpand(ref.k, x)
			seen[ref.run(&r)] = true
			if want := ref.hash(x); got != want || h.hash(x) != want {
				t.Fatalf("H(%d) = %x of many, %x of eight, want %x", x, got, h.hash(x), want)
			}
		}
	}
	if len(seen) != 17 {
		t.Errorf("only %d of 17 courses were taken", len(seen))
	}
}

// TestManyPrograms holds the shortcuts of the generator against the full model.
func TestManyPrograms(t *testing.T) {
	seeds := uint32(3000)
	if testing.Short() {
		seeds = 1000
	}
	var seed [4]byte
	h := new(hashX)
	for i := range seeds {
		binary.LittleEndian.PutUint32(seed[:], i)
		ok := h.make(seed[:])
		ref := newRefHashX(seed[:], nil)
		if ok != ref.accepted || h.draws != ref.counter && ok || !slices.Equal(h.program(), ref.code[:h.placed]) {
			t.Errorf("seed %d: the programs differ", i)
		}
	}
}
