//go:build cgo

package lf_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maxProgram is how many lines a program may need that opens, sets, gets, ranges, deletes and
// watches.
const maxProgram = 40

// TestReadmeProgram runs the program in README against the node of a home.
func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(text), "```go\npackage main\n")
	program, _, found := strings.Cut(program, "```\n")
	if !found {
		t.Fatal("README has no program in Go")
	}
	program = "package main\n" + program
	if n := strings.Count(program, "\n"); n > maxProgram {
		t.Errorf("the program has %d lines, at most %d are allowed", n, maxProgram)
	}
	// The file is laid over the module, so that it can import it, and nothing is written here.
	file := filepath.Join(t.TempDir(), "main.go")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(here, "readmeprogram", "main.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	layer := filepath.Join(t.TempDir(), "overlay.json")
	for name, data := range map[string][]byte{file: []byte(program), layer: overlay} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, stop := start(team())
	defer stop()
	run := exec.CommandContext(t.Context(), "go", "run", "-overlay", layer, "./readmeprogram")
	run.Env = append(os.Environ(), "LF_HOME="+n.home, "LF_API=", "LF_TOKEN=")
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "10.0.0.1:8080") || !strings.Contains(string(out), "deleted svc#0 web#1 <nil>") {
		t.Errorf("%v\n%s", err, out)
	}
}
