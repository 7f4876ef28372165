package node

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is what packaging/lf.dashboard.json has that is looked at here.
type dashboard struct {
	Panels []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct{ Expr, LegendFormat string }
	}
	Annotations struct{ List []struct{ Expr string } }
}

var (
	selected = regexp.MustCompile(`\b((?:lf|process)_[a-z_]+)\{([^}]*)\}`)
	matched  = regexp.MustCompile(`(\w+)=~?"`)
	grouped  = regexp.MustCompile(`\bby \(([^)]*)\)`)
	shown    = regexp.MustCompile(`\{\{(\w+)\}\}`)
)

// TestDashboard holds Grafana's dashboard to the metrics of two nodes that agree. Each metric and
// each label is there. Promtool can read each expression, and no panel lies on another.
func TestDashboard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../packaging/lf.dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	labels := seriesOfTwo(t)
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	expressions := 0
	check := func(where, expr, legend string) {
		expressions++
		checkLabels(t, where, expr, legend, labels)
		plain := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*").Replace(expr)
		fmt.Fprintf(&rules, "      - { record: panel%d, expr: '%s' }\n", expressions, plain)
	}
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d, %q: an ID of its own, a title, a description and a target are wanted", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies on %q, or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			check(p.Title, target.Expr, target.LegendFormat)
		}
	}
	for _, a := range d.Annotations.List {
		check("annotations", a.Expr, "")
	}
	if expressions < 25 {
		t.Errorf("%d expressions were found", expressions)
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}

// seriesOfTwo returns the names of a node's metrics, each with the names of its labels.
func seriesOfTwo(t *testing.T) map[string][]string {
	t.Helper()
	network := newNetwork(t, 0)
	a := start(t, config(t, network))
	b := start(t, config(t, network, seeds(a)))
	set(t, a.Service(), "Bad Horse, Bad Horse", "horse#0")
	wantRead(t, client(t, b), "Bad Horse, Bad Horse", "horse#0")
	var page string
	eventually(t, "two nodes agree", func() bool {
		page = metricsPage(t, b)
		agreeing, _ := metric(t, page, "lf_sync_agreeing_peers")
		return agreeing == 1 && strings.Contains(page, "\nlf_sync_clock_offset_seconds ")
	})
	labels := map[string][]string{}
	for _, s := range regexp.MustCompile(`(?m)^(\w+)(?:\{(.*)\})? `).FindAllStringSubmatch(page, -1) {
		labels[s[1]] = append(labels[s[1]], "instance", "job")
		for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(s[2], -1) {
			labels[s[1]] = append(labels[s[1]], l[1])
		}
	}
	// A series of these comes with the first pulse.
	labels["lf_sync_pulses_total"] = []string{"source", "outcome", "instance", "job"}
	return labels
}

// checkLabels holds one expression, and the text beside its line, to what there is.
func checkLabels(t *testing.T, where, expr, legend string, labels map[string][]string) {
	t.Helper()
	known := map[string]bool{}
	used := selected.FindAllStringSubmatch(expr, -1)
	if len(used) == 0 {
		t.Errorf("%s: no metric is selected in %s", where, expr)
	}
	for _, u := range used {
		if labels[u[1]] == nil {
			t.Errorf("%s: there is no metric %s", where, u[1])
		}
		for _, m := range matched.FindAllStringSubmatch(u[2], -1) {
			if !slices.Contains(labels[u[1]], m[1]) {
				t.Errorf("%s: %s has no label %s", where, u[1], m[1])
			}
		}
		for _, l := range labels[u[1]] {
			known[l] = true
		}
	}
	var named []string
	for _, g := range grouped.FindAllStringSubmatch(expr, -1) {
		named = append(named, strings.Split(g[1], ", ")...)
	}
	for _, l := range shown.FindAllStringSubmatch(legend, -1) {
		named = append(named, l[1])
	}
	for _, l := range named {
		if !known[l] {
			t.Errorf("%s: no label %s, want one of %q", where, l, slices.Sorted(maps.Keys(known)))
		}
	}
}
