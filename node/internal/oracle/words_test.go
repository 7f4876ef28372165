package oracle

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// Keys and owners of tests are named by a letter.
func testKey(name string) (k protocol.CompositeID) { copy(k[:], name); return k }
func testOwner(name string) (o protocol.Owner)     { copy(o[:], name); return o }

func nameOf(raw [32]byte) string { return strings.TrimRight(string(raw[:]), "\x00") }

// testJudged makes a judged key of what is claimed and what was said. Both are names, with a "-"
// before one where the claim is not first, or the objection withdrawn.
func testJudged(key, claims, said string) judged {
	j := judged{Collision: Collision{Composite: testKey(key)}}
	for _, c := range split(claims) {
		owner, late := strings.CutPrefix(c, "-")
		j.Claims = append(j.Claims, Claim{testOwner(owner), !late})
	}
	for _, w := range split(said) {
		owner, withdrawn := strings.CutPrefix(w, "-")
		j.said = append(j.said, Word{Composite: j.Composite, Owner: testOwner(owner), Objects: !withdrawn})
	}
	return j
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func printWords(words []Word) string {
	var out []string
	for _, w := range words {
		out = append(out, fmt.Sprintf("%s/%s %s", nameOf(w.Composite), nameOf(w.Owner), map[bool]string{true: "objects", false: "withdraws"}[w.Objects]))
	}
	return strings.Join(out, ", ")
}

func TestDifferences(t *testing.T) {
	for _, c := range []struct{ name, claims, said, want string }{
		{"nobody claims", "", "", ""},
		{"one who is first", "a", "", ""},
		{"the second", "a,-b", "", "k/b objects"},
		{"the second, already said", "a,-b", "b", ""},
		{"all after the first, in order", "-c,a,-b", "", "k/b objects, k/c objects"},
		{"an order that is not known", "a,b", "", ""},
		{"three, two of unknown order", "a,b,-c", "", "k/c objects"},
		{"the first released", "b", "b", "k/b withdraws"},
		{"the first released, the third is now second", "b,-c", "b,c", "k/b withdraws"},
		{"withdrawn already", "b", "-b", ""},
		{"withdrawn once, and second again", "a,-b", "-b", "k/b objects"},
		{"one who was objected to and released", "a", "b", ""},
		{"one who is not listed", "a,-b", "b,z", ""},
		{"all released", "", "b,-c", ""},
		{"listed twice", "a,-b,-b", "", "k/b objects"},
		{"listed twice, withdrawn once", "b,b", "b", "k/b withdraws"},
	} {
		t.Run(c.name, func(t *testing.T) {
			words := testJudged("k", c.claims, c.said).differences()
			if got := printWords(words); got != c.want {
				t.Fatalf("claims %s, said %s: %q, want %q", c.claims, c.said, got, c.want)
			}
			if len(words) == 0 {
				return
			}
			value, err := protocol.EncodeCommentary(words)
			if err != nil {
				t.Fatal(err)
			}
			if parsed, err := protocol.ParseCommentary(value); err != nil || printWords(parsed) != c.want {
				t.Fatalf("%v came back as %v, %v", words, parsed, err)
			}
		})
	}
}
