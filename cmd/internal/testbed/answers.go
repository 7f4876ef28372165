package testbed

import (
	"context"
	"fmt"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

const (
	// maxContestedAsked is how many contested names are asked about at most, and maxFactsAsked how
	// many others.
	maxContestedAsked = 200
	maxFactsAsked     = 20
)

// sameAnswers reports whether nodes give the same answers to the same questions.
func (r *runner) sameAnswers(ctx context.Context, nodes []string) (detail, wrong string, err error) {
	var contested int
	r.update(func() { contested = r.contestedNames })
	var names []string
	for i := range min(contested, maxContestedAsked) {
		names = append(names, contestedName(i))
	}
	for i := range min(r.facts.Load(), maxFactsAsked) { // spread evenly
		names = append(names, fmt.Sprintf("fact-%d", 1+i*r.facts.Load()/min(r.facts.Load(), maxFactsAsked)))
	}
	for _, name := range names {
		key, err := r.names.Derive(name)
		if err != nil {
			return "", "", err
		}
		if wrong, err := r.answersOf(ctx, nodes, name, key.Selector()); wrong != "" || err != nil {
			return "", wrong, err
		}
	}
	return text.Count(len(names), "question", "questions"), "", nil
}

// answersOf compares what nodes answer about one name.
func (r *runner) answersOf(ctx context.Context, nodes []string, name string, key protocol.SelectorKey) (wrong string, err error) {
	var first string
	for i, node := range nodes {
		client := r.nodes[node].api()
		if client == nil {
			return node + " does not run", nil
		}
		result, err := client.Query(ctx, api.Query{Selectors: []api.SelectorRange{{Key: &key, To: protocol.MaxOrdinal}}})
		if err != nil {
			return "", fmt.Errorf("ask %s: %w", node, err)
		}
		answer := "nothing"
		if len(result.Answers) > 0 {
			a := &result.Answers[0]
			answer = fmt.Sprintf("%s of %s", a.Record, text.Count(a.Claims, "claim", "claims"))
		}
		if i == 0 {
			first = answer
		} else if answer != first {
			return fmt.Sprintf("asked for %q, %s answers %s, and %s %s", name, nodes[0], first, node, answer), nil
		}
	}
	return "", nil
}
