package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// shortScenarios are the scenarios that take about ten seconds at most: one of
// each kind of trouble, and a hostile peer on each protocol. `make testbed` runs all.
var shortScenarios = []string{
	"split-brain-2", "flapping-link", "through-a-third", "conflicting-writes", "one-way", "relay-only",
	"hostile-gossip-garbage", "hostile-fetch-unrelated", "hostile-reconcile-garbage", "hostile-stream-flood", "hostile-bit-flips",
}

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "lf-testbed" { // a hostile node of a scenario
		main()
	}
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // or a process sleeps a second before it exits
	os.Exit(m.Run())
}

// result is the outcome of one run in this process.
type result struct {
	code           int
	stdout, stderr string
}

func runTestbed(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// buildLF builds lf, with the race detector if this test has it.
func buildLF(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "lf")
	args := []string{"build", "-o", bin}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "../lf")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build lf: %v\n%s", err, out)
	}
	return bin
}

// TestTestbed runs scenarios with nodes that are processes of lf.
func TestTestbed(t *testing.T) {
	bin := buildLF(t)
	t.Run("scenarios", func(t *testing.T) { // after which bin may go
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
	o := runTestbed(t, filepath.Join("scenarios", name+".yaml"), "--bin", bin, "--report", report)
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
	files, err := filepath.Glob("scenarios/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".yaml"))
		if o := runTestbed(t, file, "--check"); o.code != exitDone {
			t.Errorf("%s\n%s", o.stdout, o.stderr)
		}
	}
	for _, name := range shortScenarios {
		if !slices.Contains(names, name) {
			t.Errorf("there is no scenario %s", name)
		}
	}
}

// TestUsage has wrong command lines end with code 2 and one line.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"a", "b"}, {"--bogus"}, {"hostile"}, {"hostile", "bit-flips"}, {"public-dht", "x"}} {
		if r := runTestbed(t, args...); r.code != exitUsage || strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, "lf-testbed: ") {
			t.Errorf("%q: code %d, %q", args, r.code, r.stderr)
		}
	}
	if r := runTestbed(t, "nowhere.yaml"); r.code != exitFailed || !strings.Contains(r.stderr, "nowhere.yaml") {
		t.Errorf("code %d, %q", r.code, r.stderr)
	}
}
