package proxy

import (
	"context"
	"encoding/json"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// questions are about the same key in different ways.
func questions() []api.Query {
	plain, listed, explained, open, ranged := about("horse#1"), about("horse#1"), about("horse#1"), about("horse#1"), about("horse#")
	listed.History = true
	explained.Explain, explained.History, explained.Frames = true, true, true
	open.Open = true
	weight := about("horse#1")
	weight.Policy, weight.Explain, weight.History = protocol.Policy{protocol.CriterionWeight}, true, true
	keys := api.Query{Keys: [][]api.SelectorRange{api.MustSelectors("horse#1")}, Decrypt: true}
	return []api.Query{plain, listed, explained, open, ranged, weight, keys}
}

// sameAnswers compares all that does not depend on a node.
func sameAnswers(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, got, want *api.QueryResult) {
	t.Helper()
	if g, w := comparable(got), comparable(want); g != w {
		t.Fatalf("got\n%s\nwant\n%s", g, w)
	}
}

// comparable writes an answer without what only one node can know.
func comparable(r *api.QueryResult) string {
	c := *r
	c.Comparison = nil
	c.Answers = append([]api.Answer{}, r.Answers...)
	for i := range c.Answers {
		a := &c.Answers[i]
		a.Index = 0
		a.History, a.Others = local(a.History), local(a.Others)
		if a.Explanation == nil {
			continue
		}
		e := *a.Explanation
		e.Claims = append([]api.ClaimInfo{}, e.Claims...)
		for j := range e.Claims {
			e.Claims[j].Seen, e.Claims[j].First = 0, false
			e.Claims[j].Certificate, e.Claims[j].Revoked = protocol.ID{}, nil // of several any
		}
		a.Explanation = &e
	}
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func local(list []api.Version) (out []api.Version) {
	for _, v := range list {
		v.Index = 0
		out = append(out, v)
	}
	return out
}

func refuses(context.Context) error { return api.Invalid("no") }
