package main

import (
	"strings"
	"testing"

	"github.com/lf-store/lf/node/api"
)

// TestComparisonText: what a proxy says of its nodes is shown in lines, and controls no terminal.
func TestComparisonText(t *testing.T) {
	t.Parallel()
	if text := comparisonText(nil); text != "" {
		t.Errorf("of a node: %q", text)
	}
	three := &api.Comparison{Asked: 3, Agreed: []string{"http://a", "unix:/b"}, Differs: []api.Difference{
		{Node: "http://c", What: "it hides\n\x1b[2Jthings"}, {Node: "http://d", What: "it forged", Lies: true},
	}}
	two := &api.Comparison{Asked: 2, Agreed: []string{"http://a"}, Note: api.NoMajority, Alone: []api.AloneVersion{{Nodes: []string{"http://b"}}}}
	for want, c := range map[string]*api.Comparison{
		"3 nodes asked, 2 agree: http://a, unix:/b\n":                       three,
		"\nhttp://c differs: it hides":                                      three,
		"\nhttp://d lies: it forged\n":                                      three,
		"2 nodes asked, http://a gave this answer (2 asked, no majority)\n": two,
		"\nonly http://b: record ":                                          two,
		"1 node asked, none agrees with the answer\n":                       {Asked: 1},
	} {
		text := comparisonText(c)
		if !strings.Contains("\n"+text, want) || strings.ContainsAny(text, "\x1b\r") || strings.Count(text, "\n") != 1+len(c.Differs)+len(c.Alone) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}
