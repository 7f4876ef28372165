package protocol_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

var allCriteria = protocol.Criteria()

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]protocol.Policy{
		"certified,oracles,weight,newest": protocol.DefaultPolicy(),
		" weight , newest":                {"weight", "newest"},
		"local":                           {"local"},
	} {
		p, err := protocol.ParsePolicy(text)
		if err != nil || !slices.Equal(p, want) {
			t.Errorf("%q: %v, %v", text, p, err)
		}
		if again, err := protocol.ParsePolicy(p.String()); err != nil || !slices.Equal(again, p) {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, text := range []string{"", ",", "weight,", "weight,weight", "heaviest", "Weight", "weight newest"} {
		if p, err := protocol.ParsePolicy(text); err == nil {
			t.Errorf("%q is read as %v", text, p)
		}
	}
	if protocol.Policy(nil).Check() == nil {
		t.Error("an empty policy")
	}
	p := protocol.Policy{"weight"}
	if total := p.Total(); !slices.Equal(total, protocol.Policy{"weight", "newest"}) || len(p) != 1 {
		t.Errorf("%v", total)
	}
	if total := protocol.DefaultPolicy().Total(); !slices.Equal(total, protocol.DefaultPolicy()) {
		t.Errorf("%v", total)
	}
}

func drawStanding(t *rapid.T) protocol.Standing {
	small := func(name string) int { return rapid.IntRange(0, 2).Draw(t, name) }
	s := protocol.Standing{Certified: small("certified") > 0, Elected: 2, Objections: small("objections"), First: small("first") > 0,
		Weight: rapid.SampledFrom([]uint64{1, 2, 1<<64 - 1}).Draw(t, "weight"), Timestamp: uint64(small("timestamp"))}
	s.SignedHash[0], s.SignedHash[31] = byte(small("hash")), byte(small("hash's end"))
	return s
}

func drawPolicy(t *rapid.T) protocol.Policy {
	return protocol.Policy(rapid.Permutation(allCriteria).Draw(t, "criteria"))[:rapid.IntRange(1, len(allCriteria)).Draw(t, "length")]
}

// TestPolicyOrder: every policy is a total order, and its verdict is that of its first criterion
// that tells two apart.
func TestPolicyOrder(t *testing.T) {
	t.Parallel()
	sign := func(n int) int { return min(1, max(-1, n)) }
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		a, b, c := drawStanding(t), drawStanding(t), drawStanding(t)
		ab, by := p.Compare(&a, &b)
		ba, again := p.Compare(&b, &a)
		bc, _ := p.Compare(&b, &c)
		ac, _ := p.Compare(&a, &c)
		switch {
		case sign(ab) != -sign(ba) || by != again:
			t.Fatalf("%d by %s, the other way round %d by %s", ab, by, ba, again)
		case ab >= 0 && bc >= 0 && ac < 0, ab > 0 && bc >= 0 && ac <= 0, ab >= 0 && bc > 0 && ac <= 0:
			t.Fatalf("not transitive: %d, %d, %d", ab, bc, ac)
		case (ab == 0) != (by == ""):
			t.Fatalf("%d by %q", ab, by)
		case ab == 0 && (a.Timestamp != b.Timestamp || a.SignedHash != b.SignedHash):
			t.Fatal("two claims, and none is better")
		}
		if ab == 0 {
			return
		}
		for _, criterion := range p.Total() {
			d, decided := protocol.Policy{criterion}.Compare(&a, &b)
			if criterion == by {
				if sign(d) != sign(ab) || decided != by {
					t.Fatalf("%s alone says %d by %s, not %d", by, d, decided, ab)
				}
				return
			}
			if decided == criterion {
				t.Fatalf("%s decided, but %s comes first and differs", by, criterion)
			}
		}
	})
}

// TestCompareAllocates nothing: a query may rank a thousand claims.
func TestCompareAllocates(t *testing.T) {
	p := protocol.Policy{"weight"}
	a, b := protocol.Standing{Timestamp: 1}, protocol.Standing{Timestamp: 2}
	if n := testing.AllocsPerRun(10, func() { p.Compare(&a, &b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestCriteria: the table of criteria is whole, and SPEC.md and docs/trust.md list what it lists.
func TestCriteria(t *testing.T) {
	t.Parallel()
	listed := map[string]string{"SPEC.md": "   - `%s`: ", "../docs/trust.md": "| `%s` | "}
	for path, form := range listed {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		after := 0
		for _, c := range protocol.Criteria() {
			at := strings.Index(string(text), fmt.Sprintf(form, c))
			if at < after {
				t.Errorf("%s does not list the criterion %s, or not in the order of the table", path, c)
			}
			after = max(after, at)
		}
	}
	s := protocol.Standing{Elected: 2}
	seen := map[string]protocol.Criterion{}
	for _, c := range protocol.Criteria() {
		for _, text := range []string{string(c), c.Help(), c.Won("all others")} {
			if other, ok := seen[text]; ok || text == "" {
				t.Errorf("criterion %s has the text %q of %q", c, text, other)
			}
			seen[text] = c
		}
		if !strings.HasSuffix(c.Won("all others"), " all others") || c.Show(&s) == "" {
			t.Errorf("criterion %s explains itself by %q and %q", c, c.Won("all others"), c.Show(&s))
		}
	}
	if none := protocol.Criterion("none"); none.Help() != "" || none.Show(&s) != "?" || !strings.Contains(none.Won("all"), `"none"`) {
		t.Error("a criterion that does not exist explains itself")
	}
}
