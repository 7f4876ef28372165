package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const everything = `
nodes: [a, b, c, d]
steps:
  - start: [a, b, c]
  - write: {count: 40, owners: 2}
  - expect: {converged: true, synced: true, connected: [a, b], memory: 2MiB, within: 5s}
  - name: cut
    partition: [[a, b], others]
  - write: {on: [a, c], count: 30, conflicts: 5}
  - expect: {converged: true, dropped: [c], nodes: [a, b], within: 5s}
  - expect: {apart: true, within: 5s}
  - start: d
  - heal: all
  - expect: {converged: true, nothing-lost: true, same-answers: true, within: 5s}
  - expect: {bytes: {factor: 1, since: cut}, nodes: [a, b, c], within: 1s}
  - kill: a
  - wipe: a
  - start: a
  - expect: {converged: true, bytes: {factor: 1}, nodes: a, within: 5s}
  - isolate: {nodes: b, way: in}
  - write: {on: b, for: 100ms, rate: 100/s}
  - heal
  - restart: {nodes: [c], kill: true, after: 10ms}
  - skew: {nodes: d, offset: -5s}
  - flap: {groups: [[a], others], down: 5ms, up: 5ms, times: 3, background: true}
  - write: {on: [a, b], count: 50, rate: 500/s, background: true}
  - churn: {nodes: [c, d], for: 300ms, every: 20ms, down: 5ms..30ms, background: true}
  - wait: background
  - wait: 10ms
  - expect: {converged: true, nothing-lost: true, within: 5s}
`

func TestRun(t *testing.T) {
	report, w := trial(t.Context(), t, everything, nil)
	if !report.Passed || report.Failure != "" || len(report.Lost) != 0 {
		t.Fatalf("%s", report.Table())
	}
	if report.Records < 120 {
		t.Errorf("%d records", report.Records)
	}
	for _, s := range report.Steps {
		if s.Outcome != OutcomePassed || s.To < s.From {
			t.Errorf("%+v", s)
		}
	}
	for _, n := range report.Nodes {
		if n.Missing != 0 || int(n.Attached) != report.Records {
			t.Errorf("%s has %d, lacks %d, of %d", n.Name, n.Attached, n.Missing, report.Records)
		}
	}
	if did := w.nodes["a"].did; !slices.Equal(did, []string{"start", "kill", "wipe", "start", "stop"}) {
		t.Errorf("a: %v", did)
	}
	if c := w.nodes["d"].clock; c != -5*time.Second {
		t.Errorf("the clock of d is off by %s", c)
	}
	if len(report.Cuts) < 5 || report.Cuts[0].Text != "a, b | c, d" || report.Cuts[0].To <= report.Cuts[0].From {
		t.Errorf("%+v", report.Cuts)
	}
	written := 0
	for _, s := range report.Steps {
		written += s.Written
	}
	if written != report.Records {
		t.Errorf("%d records were written in steps, %d in all", written, report.Records)
	}
	checkFiles(t, report)
}

// checkFiles looks at the report's files: the JSON is the report, the page well-formed and by
// itself.
func checkFiles(t *testing.T, report *Report) {
	dir := t.TempDir()
	if err := report.Write(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(text, &again); err != nil || again.Records != report.Records || len(again.Steps) != len(report.Steps) {
		t.Errorf("%v, %+v", err, again)
	}
	page, err := os.ReadFile(filepath.Join(dir, "timeline.html"))
	if err != nil {
		t.Fatal(err)
	}
	svg := page[bytes.Index(page, []byte("<svg")) : bytes.Index(page, []byte("</svg>"))+len("</svg>")]
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the drawing: %v", err)
		}
	}
	for _, foreign := range []string{"http:", "https:", "<script", "NaN", "%!"} {
		if strings.Contains(string(page), foreign) {
			t.Errorf("the page has %q in it", foreign)
		}
	}
}

func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		prepare func(*world)
		want    string
		lost    int
	}{
		"lost": {
			text:    "nodes: [a, b]\nsteps:\n  - start: all\n  - write: {on: a, count: 20}\n  - expect: {synced: true}\n",
			prepare: func(w *world) { w.nodes["a"].forgets = true },
			want:    "15 records were acknowledged and are on no node that runs in the end, such as b", lost: 15,
		},
		"missing": {
			text:    "nodes: [a, b]\nsteps:\n  - start: all\n  - write: {on: a, count: 20}\n  - expect: {converged: true, within: 300ms}\n",
			prepare: func(w *world) { w.nodes["a"].forgets = true },
			want:    "trial.yaml:5: 3 expect: not within 300ms: converged: a lacks 15 records acknowledged by nodes that it can reach", lost: 15,
		},
		"not healed": {
			text: "nodes: [a, b]\nsteps:\n  - start: all\n  - partition: [[a], [b]]\n  - write: {on: a, count: 3}\n  - heal\n" +
				"  - expect: {converged: true, within: 300ms}\n",
			prepare: func(w *world) { w.deaf = true },
			want:    "trial.yaml:7: 5 expect: not within 300ms: converged: a has 3 records, b has 0",
		},
		"wasteful": {
			text:    "nodes: [a, b]\nsteps:\n  - start: all\n  - write: {on: a, count: 10}\n  - expect: {converged: true, bytes: {factor: 1.5}, within: 300ms}\n",
			prepare: func(w *world) { w.nodes["b"].waste = 500 },
			want:    "bytes: b has received",
		},
		"dead": {
			text:    "nodes: [a, b]\nsteps:\n  - start: all\n  - wait: 1m\n  - expect: converged\n",
			prepare: func(w *world) { time.AfterFunc(100*time.Millisecond, func() { _ = w.nodes["b"].kill() }) },
			want:    "trial.yaml:4: 2 wait: b ended by itself; it said last:\nits last words",
		},
		"connected": {
			text: "nodes: [a, b]\nsteps:\n  - start: all\n  - expect: {dropped: b, within: 200ms}\n",
			want: "dropped: a is connected to b",
		},
		"too long": {
			text: "limit: 200ms\nnodes: [a]\nsteps:\n  - start: all\n  - wait: 1m\n  - expect: converged\n",
			want: "trial.yaml:5: 2 wait: the scenario took longer than its limit of 200ms",
		},
	} {
		t.Run(name, func(t *testing.T) {
			report, _ := trial(t.Context(), t, c.text, c.prepare)
			if report.Passed || !strings.Contains(report.Failure, c.want) || len(report.Lost) != c.lost {
				t.Errorf("passed %v, %d lost, %q, want %q", report.Passed, len(report.Lost), report.Failure, c.want)
			}
			if !strings.Contains(report.Table(), "FAILED") {
				t.Error(report.Table())
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	report, _ := trial(ctx, t, "nodes: [a]\nsteps:\n  - start: a\n  - wait: 1m\n  - expect: converged\n", nil)
	if report.Passed || report.Failure != "trial.yaml:4: 2 wait: interrupted" {
		t.Errorf("%q", report.Failure)
	}
	if o := report.Steps[2].Outcome; o != OutcomeSkipped {
		t.Errorf("the step after is %q", o)
	}
}

// TestSameChoices: with one seed, owners, names and values are the same again.
func TestSameChoices(t *testing.T) {
	const text = "nodes: [a]\nsteps:\n  - start: a\n  - write: {count: 5, owners: 5, size: 1..50}\n  - expect: converged\n"
	sizes := func() (all []int) {
		_, w := trial(t.Context(), t, text, nil)
		for _, f := range w.nodes["a"].frames {
			all = append(all, len(f))
		}
		slices.Sort(all)
		return all
	}
	if first, second := sizes(), sizes(); !slices.Equal(first, second) {
		t.Errorf("%v, then %v", first, second)
	}
}

func TestObservers(t *testing.T) {
	var lines, live bytes.Buffer
	for _, o := range []Observer{NewLines(&lines), NewLive(&live, func() (int, int) { return 60, 10 })} {
		s := &Scenario{Nodes: []*Node{{Name: "a"}}, Steps: []*Step{{}}}
		r := &Report{Title: "T", Seed: 5}
		step := &StepReport{Word: "wait", Text: "7s", Outcome: OutcomeRunning}
		o.Begun(s, r)
		o.Step(0, step)
		views := make([]NodeView, 30)
		for i := range views {
			views[i] = NodeView{Name: "node", Up: i != 1, Attached: 5, Most: 10, Group: i, Hostile: i == 2}
		}
		o.Tick(6*time.Second, views)
		o.Tick(6200*time.Millisecond, views)
		step.Outcome, step.Failure, step.To = OutcomeFailed, "because", 6.3
		o.Step(0, step)
		o.Ended(r)
	}
	for _, want := range []string{"T: 1 node, 1 step, seed 5\n", "6.0 s  …         node 5", "6.3 s  wait      7s\n           FAILED: because\n"} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("%q lacks %q", lines.String(), want)
		}
	}
	if n := strings.Count(lines.String(), "\n"); n != 4 {
		t.Errorf("%d lines", n)
	}
	if drawn, erased := strings.Count(live.String(), "━"), strings.Count(live.String(), upOne); drawn == 0 || erased != 2*7 {
		t.Errorf("%d drawn, %d lines erased: %q", drawn, erased, live.String())
	}
}
