package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// contested makes an honest answer about a key that several owners claim. The first one has the
// most weight, and the last ones are told apart by their time alone. Every oracle of the result is
// silent.
func (f *fakeNode) contested(t *testing.T, weights ...uint64) *api.Answer {
	t.Helper()
	var a api.Answer
	e, now := &api.Explanation{Policy: protocol.DefaultPolicy()}, clock()
	for i, weight := range weights {
		r := f.forge(t, protocol.Draft{Value: []byte("value " + string(rune('A'+i))), Timestamp: now - uint64(i)}, "horse")
		claim := api.ClaimInfo{Owner: r.Owner, Record: r.ID(), Standing: protocol.Standing{Timestamp: r.Timestamp, Weight: weight, First: i == 0}}
		if i == 0 {
			a = answerWith(r, 0)
		} else {
			a.Others = append(a.Others, versionOf(r))
			claim.LostBy = protocol.CriterionNewest
			if weight < weights[0] {
				claim.LostBy = protocol.CriterionWeight
			}
		}
		e.Claims = append(e.Claims, claim)
	}
	if len(e.Claims) > 1 {
		e.Decided = e.Claims[1].LostBy
	}
	a.Claims, a.Explanation = len(weights), e
	return &a
}

func TestExplain(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	f.answers.Answers = []api.Answer{*f.contested(t, 1200, 1200, 7)}
	out := mustRun(t, "", "--home", f.home, "get", "horse", "--explain")
	lines := strings.Split(out, "\n")
	for i, want := range []string{
		"horse#0: 3 claims, compared by certified,oracles,weight,newest",
		"OWNER  CERTIFIED  ORACLES  WEIGHT  NEWEST  VALUE",
		"no  none elected  1200  20  value A",
		"no  none elected  1200  20  ✗  value B",
		"no  none elected  7 ✗  20  value C",
		"answers: it has more weight than 1 other, and it is newer than 1 other.",
	} {
		at := 0
		for _, word := range strings.Fields(want) {
			n := strings.Index(lines[i][at:], word)
			if n < 0 {
				t.Fatalf("line %d is %q, want %q", i, lines[i], want)
			}
			at += n
		}
	}
	if !f.asked[0].Explain || !f.asked[0].History {
		t.Errorf("asked %+v", f.asked[0])
	}
	all := decode[jsonAnswers](t, mustRun(t, "", "--home", f.home, "get", "horse", "--explain", "--json"))
	if e := all.Answers[0].Explanation; e == nil || len(e.Claims) != 3 || e.Claims[2].Weight != 7 || len(all.Answers[0].Others) != 2 {
		t.Errorf("%+v", all.Answers[0])
	}
}

// TestLyingExplanation changes an honest explanation of an answer in one place each: none of them
// may be shown.
func TestLyingExplanation(t *testing.T) {
	t.Parallel()
	for _, lie := range []struct {
		name, want string
		tell       func(a *api.Answer, result *api.QueryResult)
	}{
		{"the worse one wins", "is better than", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Claims[1].Weight = 5000 }},
		{"losers out of order", "is better than", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Claims[2].Weight = 1100 }},
		{"another criterion is said to have decided", "lost by", func(a *api.Answer, _ *api.QueryResult) {
			a.Explanation.Claims[1].LostBy = protocol.CriterionOracles
		}},
		{"another criterion decided in all", "decided", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Decided = protocol.CriterionOracles }},
		{"no explanation", "did not", func(a *api.Answer, _ *api.QueryResult) { a.Explanation = nil }},
		{"another policy", "explains by", func(a *api.Answer, _ *api.QueryResult) {
			a.Explanation.Policy = protocol.Policy{protocol.CriterionNewest}
		}},
		{"a claim left out", "explains 2 claims", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Claims = a.Explanation.Claims[:2] }},
		{"no claims", "explains 0 claims", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Claims = nil }},
		{"more claims counted", "counts 9", func(a *api.Answer, _ *api.QueryResult) { a.Claims = 9 }},
		{"fewer claims counted", "counts 2", func(a *api.Answer, _ *api.QueryResult) { a.Claims = 2 }},
		{"a claim of nobody", "not what is in record", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Claims[2].Owner[5] ^= 1 }},
		{"a claim from another time", "not what is in record", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Claims[2].Timestamp-- }},
		{"a claim that is not deleted", "not what is in record", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Claims[0].Deleted = true }},
		{"oracles that nobody elected", "oracles", func(a *api.Answer, _ *api.QueryResult) {
			a.Explanation.Claims[1].Elected, a.Explanation.Claims[1].Objections = 1, 1
		}},
		{"more objections than oracles", "oracles", func(a *api.Answer, result *api.QueryResult) {
			result.Oracles = []protocol.Owner{a.Owner}
			for i := range a.Explanation.Claims {
				a.Explanation.Claims[i].Elected, a.Explanation.Claims[i].Objections = 1, 2
			}
		}},
		{"no weight", "weigh 0", func(a *api.Answer, _ *api.QueryResult) { a.Explanation.Claims[2].Weight = 0 }},
	} {
		t.Run(lie.name, func(t *testing.T) {
			f := newFakeNode(t, nil)
			a := f.contested(t, 1200, 1000, 7)
			lie.tell(a, &f.answers)
			f.answers.Answers = []api.Answer{*a}
			o := lfRun(t, "", "--home", f.home, "get", "horse", "--explain")
			if o.code != exitFailed || o.stdout != "" || strings.Count(o.stderr, "\n") != 1 || !strings.Contains(o.stderr, lie.want) ||
				!strings.Contains(o.stderr, "answered falsely") {
				t.Fatalf("exit code %d, stdout %q, stderr %q, which should speak of %q", o.code, o.stdout, o.stderr, lie.want)
			}
		})
	}
}

// TestOtherTrust refuses answers that were ranked by something else than what was asked for.
func TestOtherTrust(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	f.answers.Answers = []api.Answer{*f.contested(t, 2)}
	f.answers.Policy = protocol.Policy{protocol.CriterionNewest}
	if o := lfRun(t, "", "--home", f.home, "get", "horse", "--policy", "weight"); o.code != exitFailed || !strings.Contains(o.stderr, `asked for "weight,newest"`) {
		t.Errorf("%+v", o)
	}
	if o := lfRun(t, "", "--home", f.home, "get", "horse", "--policy", "newest"); o.code != exitDone {
		t.Errorf("%+v", o)
	}
	if o := lfRun(t, "", "--home", f.home, "get", "horse", "--oracle", someOwner(t)); o.code != exitFailed || !strings.Contains(o.stderr, "other oracles") {
		t.Errorf("%+v", o)
	}
	if o := lfRun(t, "", "--home", f.home, "get", "horse", "--oracle", "none"); o.code != exitDone || f.asked[len(f.asked)-1].Oracles == nil {
		t.Errorf("%+v, asked %+v", o, f.asked[len(f.asked)-1])
	}
}

func TestHint(t *testing.T) {
	t.Parallel()
	f := newFakeNode(t, nil)
	for _, c := range []struct {
		claims []int
		args   []string
		want   string // "" for no hint
	}{
		{[]int{1}, []string{"get", "horse"}, ""},
		{[]int{2}, []string{"get", "horse"}, "lf: 1 other owner claims this: see lf --home HOME get horse --explain\n"},
		{[]int{3}, []string{"get", "horse", "--raw"}, "lf: 2 other owners claim this: see lf --home HOME get horse --explain\n"},
		{[]int{3}, []string{"get", "horse#", "--limit", "5"}, "lf: 2 other owners claim this: see lf --home HOME get horse# --limit 5 --explain\n"},
		{[]int{3}, []string{"get", "--", "horse"}, "lf: 2 other owners claim this: see lf --home HOME get --explain -- horse\n"},
		{[]int{3}, []string{"get", "horse", "--json"}, ""},
		{[]int{3}, []string{"get", "horse", "--history"}, ""},
		{[]int{3}, []string{"get", "horse", "--quiet"}, ""},
	} {
		f.answers.Answers = nil
		for _, n := range c.claims {
			a := *f.contested(t, slices.Repeat([]uint64{5}, n)...)
			a.Explanation, a.Others = nil, nil
			f.answers.Answers = append(f.answers.Answers, a)
		}
		o := lfRun(t, "", append([]string{"--home", f.home}, c.args...)...)
		if got := strings.ReplaceAll(o.stderr, f.home, "HOME"); o.code != exitDone || got != c.want {
			t.Errorf("%s: exit code %d, %q, want %q", c.args, o.code, got, c.want)
		}
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"horse": "horse", "horse#2": "horse#2", "#2": "'#2'", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$HOME": "'$HOME'", `a\#1`: `'a\#1'`,
		"--policy": "--policy", "Größe": "Größe", "~/x": "'~/x'", "a*": "'a*'",
	} {
		if got := quoted(word); got != want {
			t.Errorf("%q becomes %s, want %s", word, got, want)
		}
	}
}
