package protocol_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// commentaryVector is the value of a commentary record; words is null where it says nothing.
type commentaryVector struct {
	Name  string       `json:"name"`
	Value hexBytes     `json:"value"`
	Words []wordVector `json:"words"`
}

type wordVector struct {
	Composite protocol.CompositeID `json:"composite"`
	Owner     protocol.Owner       `json:"owner"`
	Objects   bool                 `json:"objects"`
}

// fixedWord is a word with CBOR's general types.
func fixedWord(composite, owner byte, word any) []any {
	return []any{bytes.Repeat([]byte{composite}, 32), bytes.Repeat([]byte{owner}, 32), word}
}

func makeCommentaries(t *testing.T) []commentaryVector {
	var list []commentaryVector
	says := func(name string, words ...[]any) {
		v := commentaryVector{Name: name, Words: []wordVector{}}
		items := make([]any, len(words))
		for i, w := range words {
			items[i] = w
			v.Words = append(v.Words, wordVector{protocol.CompositeID(w[0].([]byte)), protocol.Owner(w[1].([]byte)), w[2] == 1})
		}
		v.Value = encodeAny(t, items)
		list = append(list, v)
	}
	nothing := func(name string, value []byte) { list = append(list, commentaryVector{name, value, nil}) }
	one, two := fixedWord(1, 1, 1), fixedWord(1, 2, 0)
	says("one word: objects", one)
	says("one word: withdraws", two)
	says("two owners under one composite key", one, two)
	says("two composite keys", fixedWord(1, 9, 1), fixedWord(2, 1, 1))
	for _, count := range []int{23, 24, 256} {
		many := make([][]any, count)
		for i := range many {
			many[i] = []any{bytes.Repeat([]byte{7}, 32), append([]byte{byte(i >> 8), byte(i)}, make([]byte, 30)...), 1}
		}
		says(fmt.Sprintf("%d words", count), many...)
	}
	good := encodeAny(t, []any{one, two})
	nothing("no bytes", []byte{})
	nothing("no words", encodeAny(t, []any{}))
	nothing("no array", encodeAny(t, map[string]any{"words": []any{one}}))
	nothing("a word that is no array", encodeAny(t, []any{one[0], one[1], one[2]}))
	nothing("not sorted by owner", encodeAny(t, []any{two, one}))
	nothing("not sorted by composite key", encodeAny(t, []any{fixedWord(2, 1, 1), fixedWord(1, 2, 1)}))
	nothing("the same word twice", encodeAny(t, []any{one, one}))
	nothing("two words on one claim", encodeAny(t, []any{fixedWord(1, 1, 0), fixedWord(1, 1, 1)}))
	nothing("word 2", encodeAny(t, []any{fixedWord(1, 1, 2)}))
	nothing("word true", encodeAny(t, []any{fixedWord(1, 1, true)}))
	nothing("word null", encodeAny(t, []any{fixedWord(1, 1, nil)}))
	nothing("word not in its shortest form", slices.Concat(encodeAny(t, []any{fixedWord(1, 1, 1)})[:70], []byte{0x18, 1}))
	nothing("two items", encodeAny(t, []any{one[:2]}))
	nothing("four items", encodeAny(t, []any{append(slices.Clone(one), 0)}))
	nothing("owner of 31 bytes", encodeAny(t, []any{[]any{one[0], make([]byte, 31), 1}}))
	nothing("owner as text", encodeAny(t, []any{[]any{one[0], string(bytes.Repeat([]byte{'x'}, 32)), 1}}))
	nothing("array of indefinite length", slices.Concat([]byte{0x9f}, good[1:], []byte{0xff}))
	nothing("array's length not in its shortest form", slices.Concat([]byte{0x98, 2}, good[1:]))
	nothing("array's length one too large", slices.Concat([]byte{0x83}, good[1:]))
	nothing("array's length 2^32-1", slices.Concat([]byte{0x9a, 0xff, 0xff, 0xff, 0xff}, good[1:]))
	nothing("trailing byte", append(bytes.Clone(good), 0))
	nothing("truncated", good[:len(good)-1])
	return list
}

func TestVectorsCommentary(t *testing.T) {
	t.Parallel()
	list := makeCommentaries(t)
	for _, v := range list {
		words, err := protocol.ParseCommentary(v.Value)
		if (err == nil) != (v.Words != nil) || len(words) != len(v.Words) {
			t.Errorf("%s: %d words, %v", v.Name, len(words), err)
			continue
		}
		for i, w := range words {
			if (wordVector{w.Composite, w.Owner, w.Objects}) != v.Words[i] {
				t.Errorf("%s: word %d is %+v", v.Name, i, w)
			}
		}
	}
	current(t, "commentary.json", list)
}

// policyVector ranks claims. Order lists their indices, the best first. LostBy says of each, in
// this order, by which criterion it lost to the best.
type policyVector struct {
	Name      string               `json:"name"`
	Policy    protocol.Policy      `json:"policy"`
	Standings []standingVector     `json:"standings"`
	Order     []int                `json:"order"`
	LostBy    []protocol.Criterion `json:"lostBy"`
}

type standingVector struct {
	Certified  bool     `json:"certified"`
	Elected    int      `json:"elected"`
	Objections int      `json:"objections"`
	Weight     uint64   `json:"weight,string"`
	First      bool     `json:"first"`
	Timestamp  uint64   `json:"timestamp"`
	SignedHash hexBytes `json:"signedHash"`
}

func (v standingVector) standing() protocol.Standing {
	return protocol.Standing{Certified: v.Certified, Elected: v.Elected, Objections: v.Objections, Weight: v.Weight, First: v.First,
		Timestamp: v.Timestamp, SignedHash: [32]byte(v.SignedHash)}
}

// rank orders by the numbers that SPEC.md compares: the greater is the better.
func (v standingVector) rank(c protocol.Criterion) []uint64 {
	number := map[bool]uint64{true: 1}
	switch c {
	case "certified":
		return []uint64{number[v.Certified]}
	case "oracles":
		return []uint64{uint64(v.Elected - v.Objections)}
	case "weight":
		return []uint64{v.Weight}
	case "local":
		return []uint64{number[v.First]}
	}
	ranks := []uint64{v.Timestamp}
	for _, b := range v.SignedHash {
		ranks = append(ranks, uint64(b))
	}
	return ranks
}

func (v *policyVector) decide() {
	policy := append(slices.Clone(v.Policy), "newest")
	for i := range v.Standings {
		v.Order = append(v.Order, i)
	}
	compare := func(a, b int) int {
		for _, c := range policy {
			if d := slices.Compare(v.Standings[a].rank(c), v.Standings[b].rank(c)); d != 0 {
				return -d
			}
		}
		return 0
	}
	slices.SortFunc(v.Order, compare)
	for _, i := range v.Order {
		lost := protocol.Criterion("")
		for _, c := range policy {
			if lost == "" && cmp.Or(slices.Compare(v.Standings[i].rank(c), v.Standings[v.Order[0]].rank(c))) != 0 {
				lost = c
			}
		}
		v.LostBy = append(v.LostBy, lost)
	}
}

func TestVectorsPolicies(t *testing.T) {
	t.Parallel()
	hash := func(word string) hexBytes { h := sha256.Sum256([]byte(word)); return h[:] }
	owner := standingVector{true, 3, 1, 1000, true, testTime, hash("owner")}
	claims := []standingVector{
		owner,
		{false, 3, 0, 9000, false, testTime + 5, hash("heavy")},
		{true, 3, 2, 5000, false, testTime + 9, hash("certified too")},
		{false, 3, 0, 10, true, testTime + 20, hash("newest")},
		{false, 3, 3, 1 << 63, true, testTime - 7, hash("back-dated")},
		{true, 3, 1, 1000, true, testTime, hash("equal but for the hash")},
		{true, 3, 1, 999, true, testTime + 100, hash("one unit of weight less")},
	}
	var list []policyVector
	for _, p := range []protocol.Policy{{"certified", "oracles", "weight", "newest"}, {"newest"}, {"weight"}, {"weight", "newest"}, {"local"},
		{"oracles", "local", "certified"}, {"newest", "certified"}, {"certified", "oracles", "weight", "local", "newest"}, {"local", "weight", "oracles", "certified"}} {
		v := policyVector{Name: p.String(), Policy: p, Standings: claims}
		v.decide()
		list = append(list, v)
	}
	current(t, "policies.json", list)
	for _, v := range list {
		if err := v.Policy.Check(); err != nil {
			t.Error(err)
		}
		best := v.Standings[v.Order[0]].standing()
		for i, at := range v.Order {
			s := v.Standings[at].standing()
			d, by := v.Policy.Compare(&best, &s)
			if by != v.LostBy[i] || (i == 0) != (d == 0) || d < 0 {
				t.Errorf("%s: claim %d loses by %q (%d), want %q", v.Name, at, by, d, v.LostBy[i])
			}
			if i > 0 {
				before := v.Standings[v.Order[i-1]].standing()
				if d, _ := v.Policy.Compare(&before, &s); d <= 0 {
					t.Errorf("%s: claim %d does not come after %d", v.Name, at, v.Order[i-1])
				}
			}
		}
	}
}
