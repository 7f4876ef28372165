package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shortScenarios are those of cmd/lf-testbed/scenarios that take about ten seconds at most: one of
// each kind of trouble, and a hostile peer on each protocol. `make testbed` runs all.
var shortScenarios = []string{
	"split-brain-2", "flapping-link", "through-a-third", "conflicting-writes", "one-way", "relay-only",
	"hostile-gossip-garbage", "hostile-fetch-unrelated", "hostile-reconcile-garbage", "hostile-stream-flood", "hostile-bit-flips",
}

// TestTestbed runs scenarios with nodes that are processes of this very program.
func TestTestbed(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "lf") // by this name the test's binary is lf
	if err := os.Symlink(exe, bin); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	before := os.Getenv("GORACE")
	_ = os.Setenv("GORACE", raceOptions)                  //nolint:usetesting // t.Setenv allows nothing in parallel; the nodes alone look at it
	t.Cleanup(func() { _ = os.Setenv("GORACE", before) }) //nolint:usetesting // as above
	t.Run("scenarios", func(t *testing.T) {               // after which bin may go
		for _, name := range shortScenarios {
			t.Run(name, func(t *testing.T) {
				if testing.Short() && name != shortScenarios[0] {
					t.Skip("one scenario is enough to see that the testbed works")
				}
				t.Parallel() // mostly they wait
				runScenario(t, bin, name)
			})
		}
	})
}

func runScenario(t *testing.T, bin, name string) {
	report := t.TempDir()
	o := lfRun(t, "", "testbed", filepath.Join("..", "lf-testbed", "scenarios", name+".yaml"), "--bin", bin, "--report", report)
	if o.code != exitDone {
		t.Fatalf("exit code %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	text, err := os.ReadFile(filepath.Join(report, "report.json"))
	if err != nil || !json.Valid(text) {
		t.Errorf("report.json: %v", err)
	}
	if page, err := os.ReadFile(filepath.Join(report, "timeline.html")); err != nil || !strings.Contains(string(page), "<svg") {
		t.Errorf("timeline.html: %v, %d bytes", err, len(page))
	}
}

// TestScenarios finds that every scenario makes sense, and that the short ones are there.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("../lf-testbed/scenarios/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".yaml"))
		if o := lfRun(t, "", "testbed", file, "--check"); o.code != exitDone {
			t.Errorf("%s\n%s", o.stdout, o.stderr)
		}
	}
	for _, name := range shortScenarios {
		if !slices.Contains(names, name) {
			t.Errorf("there is no scenario %s", name)
		}
	}
}
