package testbed

import (
	"strings"
	"testing"
)

// TestPulses has services pulse, lapse, and be cut off.
func TestPulses(t *testing.T) {
	const head = "nodes: [a, b, c]\nsteps:\n  - start: all\n"
	for name, c := range map[string]struct{ steps, fails string }{
		"alive everywhere":     {steps: "  - pulse\n  - expect: {alive: all, within: 1s}\n"},
		"one of them":          {steps: "  - pulse: a\n  - expect: {alive: a, within: 1s}\n"},
		"it lapses":            {steps: "  - pulse: {on: a, ago: 239s}\n  - expect: {alive: a, within: 100ms}\n  - expect: {lapsed: a, within: 3s}\n"},
		"it is alive again":    {steps: "  - pulse: {on: a, ago: 5m}\n  - expect: {lapsed: a, within: 1s}\n  - pulse: a\n  - expect: {alive: a, within: 1s}\n"},
		"cut off":              {steps: "  - pulse: {on: a, ago: 5m}\n  - partition: [[a], others]\n  - pulse: a\n  - expect: {alive: a, nodes: a, within: 1s}\n  - expect: {lapsed: a, nodes: [b, c], within: 1s}\n  - heal\n  - pulse: {on: b}\n  - expect: {alive: [a, b], within: 1s}\n"},
		"not alive":            {steps: "  - pulse: {on: a, ago: 5m}\n  - expect: {alive: a, within: 100ms}\n", fails: "a says that the service of a is not alive"},
		"not lapsed":           {steps: "  - pulse: a\n  - expect: {lapsed: a, within: 100ms}\n", fails: "a says that the service of a is alive"},
		"too soon":             {steps: "  - pulse: a\n  - pulse: a\n", fails: "too soon"},
		"it counts as records": {steps: "  - pulse\n  - expect: {nothing-lost: true, converged: true, within: 1s}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := c.steps
			if !strings.Contains(steps, "expect") {
				steps += "  - expect: {alive: a, within: 1s}\n"
			}
			report, _ := trial(t.Context(), t, head+steps, nil)
			if report.Passed != (c.fails == "") || !strings.Contains(report.Failure, c.fails) {
				t.Errorf("%s", report.Table())
			}
			for _, s := range report.Steps {
				if s.Text == "" || strings.HasPrefix(s.Text, ",") {
					t.Errorf("the step %q says %q", s.Name, s.Text)
				}
			}
		})
	}
}
