package main

import (
	"fmt"
	"strings"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

// comparisonText says how a proxy came to its answer: which nodes agreed, and what the others
// answered. A node's own answer has no such text.
func comparisonText(c *api.Comparison) string {
	if c == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s asked, %s", text.Count(c.Asked, "node", "nodes"), agreeText(c))
	if c.Note != "" {
		fmt.Fprintf(&b, " (%s)", text.Line(c.Note))
	}
	b.WriteString("\n")
	for i := range c.Differs {
		d := &c.Differs[i]
		word := "differs"
		if d.Lies {
			word = "lies"
		}
		fmt.Fprintf(&b, "%s %s: %s\n", text.Line(d.Node), word, text.Line(d.What))
	}
	for i := range c.Alone {
		a := &c.Alone[i]
		fmt.Fprintf(&b, "only %s: record %s of %s from %s\n", text.Line(strings.Join(a.Nodes, ", ")), a.Record, a.Owner, text.LocalTime(a.Time))
	}
	return b.String()
}

func agreeText(c *api.Comparison) string {
	switch len(c.Agreed) {
	case 0:
		return "none agrees with the answer"
	case 1:
		return text.Line(c.Agreed[0]) + " gave this answer"
	}
	return text.Line(fmt.Sprintf("%d agree: %s", len(c.Agreed), strings.Join(c.Agreed, ", ")))
}

// proxyFields are what a proxy's status says of its nodes.
func proxyFields(nodes []api.ProxyNode) (fields []field) {
	for i := range nodes {
		n := &nodes[i]
		line := n.Address + ": " + n.State
		if n.Problem != "" {
			line += ", " + n.Problem
		}
		if n.State == api.NodeSynced {
			line += fmt.Sprintf(", answers in %.1f ms", n.LatencyMS)
		}
		fields = append(fields, field{[]string{"nodes", ""}[min(i, 1)], line})
	}
	return fields
}
