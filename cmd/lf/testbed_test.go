package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lf-store/lf/cmd/lf/testbed"
)

const twoNodes = `nodes: [a, b]
steps:
  - start: all
  - write: {count: 20}
  - partition: [[a], [b]]
  - write: {count: 40}
  - kill: b
  - start: b
  - expect: {apart: true, within: 30s}
  - heal
  - expect: {converged: true, same-answers: true, nothing-lost: true, within: 60s}
`

// TestTestbed runs two real nodes, in processes of their own.
func TestTestbed(t *testing.T) {
	dir, file := filepath.Join(t.TempDir(), "report"), filepath.Join(t.TempDir(), "two.yaml")
	if err := os.WriteFile(file, []byte(twoNodes), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GORACE", raceOptions)
	out := mustRun(t, "", "testbed", file, "--report", dir, "--json")
	printed := decode[testbed.Report](t, out)
	if !printed.Passed || printed.Records != 60 || len(printed.Lost) != 0 || printed.Nodes[1].Attached != 62 || len(printed.Nodes[1].Runs) != 2 {
		t.Errorf("%s", out)
	}
	for _, n := range printed.Nodes {
		if n.In < n.Least || n.Least == 0 {
			t.Errorf("%s has received %d bytes, and %d at least", n.Name, n.In, n.Least)
		}
	}
	for name, there := range map[string]bool{"report.json": true, "timeline.html": true, "logs": false, "nodes": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTestbedMistakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(file, []byte("nodes: [a, b]\nsteps:\n  - start: [a, c]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"testbed", file}, {"testbed", "--check", file}} {
		o := lfRun(t, "", args...)
		want := file + ":3:16: there is no node \"c\": the nodes are a and b\n    3 |   - start: [a, c]\n      |                ^\nlf: " + file + " has 1 mistake\n"
		if o.code != exitUsage || o.stdout != "" || o.stderr != want {
			t.Errorf("%d, %q, %q, want %q", o.code, o.stdout, o.stderr, want)
		}
	}
	if o := lfRun(t, "", "testbed", file+"x"); o.code != exitFailed || !strings.Contains(o.stderr, "no such file") {
		t.Errorf("%d, %q", o.code, o.stderr)
	}
}

// TestTestbedEnds kills a testbed, which cannot tidy up then: its nodes die with it nevertheless.
func TestTestbedEnds(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends processes with their parent")
	}
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "wait.yaml")
	text := "nodes: [a, b]\nsteps:\n  - start: all\n  - write: {count: 1}\n  - wait: 5m\n  - expect: converged\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "testbed", file, "--report", dir, "--keep")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	for _, name := range []string{"a", "b"} {
		if _, _, err := awaitNode(filepath.Join(dir, "nodes", name)); err != nil {
			t.Error(err)
		}
	}
	children := processesIn(t, dir)
	if len(children) < 2 {
		t.Errorf("%d nodes run", len(children))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for start := time.Now(); len(processesIn(t, dir)) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > readyWithin {
			t.Fatalf("they still run: %v", processesIn(t, dir))
		}
	}
}

// processesIn are the nodes with a home in a folder.
func processesIn(t *testing.T, dir string) (found []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(text), "\x00node\x00") && strings.Contains(string(text), dir) {
			found = append(found, name)
		}
	}
	return found
}

// TestTestbedFails: what does not come out as expected is an exit code, and the nodes' logs stay.
func TestTestbedFails(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "fails.yaml")
	text := "nodes: [a]\nsteps:\n  - start: all\n  - expect: {memory: 1KiB, within: 300ms}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GORACE", raceOptions)
	o := lfRun(t, "", "testbed", file, "--report", dir)
	if o.code != exitFailed || !strings.Contains(o.stderr, "fails.yaml:4: 2 expect: not within 300ms: memory: a has ") || !strings.Contains(o.stdout, "FAILED") {
		t.Errorf("%d, %q, %q", o.code, o.stdout, o.stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "logs", "a.log")); err != nil {
		t.Error(err)
	}
	saved, err := os.ReadFile(filepath.Join(dir, "report.json"))
	var report testbed.Report
	if err != nil || json.Unmarshal(saved, &report) != nil || report.Passed {
		t.Errorf("%v, %+v", err, report)
	}
}
