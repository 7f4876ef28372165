// Command report reads the output of go test -json. It shows what go test shows without -v: a line
// for each package, and all that a failed test wrote. It appends the skipped tests to a file, each
// with its reason, for the last line of make test:
//
//	go test -json ./... | go run ./.ci/report -skipped FILE
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	skipped := flag.String("skipped", "", "the file that what was skipped is appended to")
	flag.Parse()
	r := newReport(os.Stdout)
	err := r.read(os.Stdin)
	if err == nil && *skipped != "" {
		err = appendTo(*skipped, r.skipped)
	}
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	case r.failed:
		os.Exit(1)
	}
}

// event is what test2json tells of a test or, without one, of a package.
type event struct {
	Action, Package, Test, Output, ImportPath string
}

// report is what is to be shown.
type report struct {
	out     io.Writer
	output  map[[2]string][]string // by package and test
	skipped []string
	failed  bool
}

func newReport(out io.Writer) *report {
	return &report{out: out, output: map[[2]string][]string{}}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Action == "" {
			fmt.Fprintln(r.out, lines.Text()) // of the go command itself
			continue
		}
		r.add(e)
	}
	return lines.Err()
}

func (r *report) add(e event) {
	key := [2]string{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "build-fail":
		r.failed = true
	case "fail":
		r.failed = true
		r.show(key)
	case "skip":
		if e.Test != "" {
			r.skip(e)
		}
		delete(r.output, key)
	case "pass":
		if e.Test == "" {
			r.show(key)
		}
		delete(r.output, key)
	}
}

// show writes what a test or package wrote. What the testing package tells of the course is left
// out. Of a package all that is left is its last line and, when it died, why.
func (r *report) show(key [2]string) {
	for _, line := range r.output[key] {
		if !strings.HasPrefix(line, "=== ") && line != "PASS\n" {
			fmt.Fprint(r.out, line)
		}
	}
	delete(r.output, key)
}

// skip notes a test that was skipped, and the reason that it gave.
func (r *report) skip(e event) {
	reason := ""
	for _, line := range r.output[[2]string{e.Package, e.Test}] {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		_, said, ok := strings.Cut(line, ".go:")
		_, said, _ = strings.Cut(said, ": ")         // FILE.go:LINE: reason
		if ok && !strings.HasPrefix(said, "WORK=") { // not a script's log, which follows
			reason = said
		}
	}
	row := fmt.Sprintf("%s (%s)", e.Test, reason)
	if !slices.Contains(r.skipped, row) {
		r.skipped = append(r.skipped, row)
	}
}

func appendTo(name string, lines []string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	for _, l := range lines {
		fmt.Fprintln(f, l)
	}
	return f.Close()
}
