package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestTrustDocument runs what docs/trust.md shows, on the networks that it makes, and compares what
// comes out with what it says. "…" in it stands for anything.
func TestTrustDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/trust.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := examplesIn(string(text))
	if len(examples) < 30 {
		t.Fatalf("only %d examples were found", len(examples))
	}
	s := newShell(t)
	for _, e := range examples {
		s.try(t, e)
	}
}

// TestOwnKeyDocument runs what docs/ownkey.md shows, the Python program included.
func TestOwnKeyDocument(t *testing.T) {
	t.Parallel()
	tryDocument(t, "../../docs/ownkey.md", 8, "openssl", "python3")
}

// TestAPIDocument runs what docs/api.md shows, the Python programs included. Afterwards every
// operation of the API has been used with success.
func TestAPIDocument(t *testing.T) {
	t.Parallel()
	s := tryDocument(t, "../../docs/api.md", 38, "curl", "python3")
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal([]byte(strings.Join(s.run(t, "lfcurl http://localhost/openapi.json"), "\n")), &doc); err != nil {
		t.Fatal(err)
	}
	metrics := strings.Join(s.run(t, "lfcurl http://localhost/metrics"), "\n")
	operations := 0
	for path, item := range doc.Paths {
		for method := range item {
			operations++
			route := strings.ToUpper(method) + " " + path
			if !regexp.MustCompile(`(?m)^lf_api_requests_total\{code="2\d\d",route="` + regexp.QuoteMeta(route) + `"\}`).MatchString(metrics) {
				t.Errorf("docs/api.md does not show %s", route)
			}
		}
	}
	if operations < 20 {
		t.Errorf("the document has %d operations", operations)
	}
}

// TestUIDocument runs what docs/ui.md shows, with a browser that opens nothing.
func TestUIDocument(t *testing.T) {
	t.Setenv("BROWSER", "true")
	tryDocument(t, "../../docs/ui.md", 5, "true")
}

// TestProxyDocument runs what docs/proxy.md shows, the Python program included.
func TestProxyDocument(t *testing.T) {
	t.Parallel()
	tryDocument(t, "../../docs/proxy.md", 15, "curl", "openssl", "python3")
}

// TestDiscoveryDocument runs what docs/discovery.md shows: services on one node, and clients on
// another.
func TestDiscoveryDocument(t *testing.T) {
	t.Parallel()
	tryDocument(t, "../../docs/discovery.md", 20, "curl")
}

// TestWatchDocument runs what docs/watch.md shows.
func TestWatchDocument(t *testing.T) {
	t.Parallel()
	tryDocument(t, "../../docs/watch.md", 6)
}

// TestReadme runs the sessions in README.
func TestReadme(t *testing.T) {
	t.Parallel()
	tryDocument(t, "../../README.md", 16, "curl", "jq")
}

// TestSSHDocument runs what docs/ssh.md shows.
func TestSSHDocument(t *testing.T) {
	t.Parallel()
	tryDocument(t, "../../docs/ssh.md", 18, "ssh-keygen")
}

// savedAs finds the Python programs of a document, by the names that it tells to save them as.
var savedAs = regexp.MustCompile("(?s)as\\s`(\\w+\\.py)`:\n\n```python\n(.*?)```\n")

// tryDocument runs the console blocks of a document, with its Python programs. It has at least as
// many commands as atLeast says. Returned is the shell in which they ran.
func tryDocument(t *testing.T, document string, atLeast int, tools ...string) *shell {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	return tryText(t, string(text), atLeast)
}

// tryText is tryDocument for the text of a document.
func tryText(t *testing.T, text string, atLeast int) *shell {
	t.Helper()
	programs, examples := savedAs.FindAllStringSubmatch(text, -1), examplesIn(text)
	if len(programs) != strings.Count(text, "```python") || len(examples) < atLeast {
		t.Fatalf("only %d programs and %d examples were found", len(programs), len(examples))
	}
	s := newShell(t)
	for _, p := range programs {
		if err := os.WriteFile(filepath.Join(s.dir, p[1]), []byte(p[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range examples {
		s.try(t, e)
	}
	return s
}

// example is a command of a document and the lines that it is said to write.
type example struct {
	line    int
	command string
	want    []string
}

// examplesIn takes the commands out of a document's console blocks.
func examplesIn(text string) (examples []example) {
	inside := false
	for i, line := range strings.Split(text, "\n") {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console"
		case !inside:
		case isCommand:
			examples = append(examples, example{line: i + 1, command: command})
		default:
			last := &examples[len(examples)-1]
			last.want = append(last.want, line)
		}
	}
	return examples
}

// shell is one session of sh in an empty folder, in which the commands of a document follow one
// another.
type shell struct {
	in   io.Writer
	out  *bufio.Scanner
	dir  string
	home string // LF_HOME
}

// ended is the line by which a shell tells that a command has ended.
const ended = "== ended =="

func newShell(t *testing.T) *shell {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(exe, filepath.Join(dir, "bin", "lf")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "TZ=UTC", "GORACE="+raceOptions, "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // ends the shell, which ends its nodes
		_ = cmd.Wait()
	})
	fmt.Fprintln(in, `trap 'kill $nodes; wait' EXIT`)
	return &shell{in: in, out: bufio.NewScanner(out), dir: dir}
}

// run gives the shell a command and returns the lines that it writes.
func (s *shell) run(t *testing.T, command string) (lines []string) {
	t.Helper()
	// on a line of its own, also after a value without a newline
	fmt.Fprintf(s.in, "%s\nprintf '\\n%s\\n'\n", command, ended)
	for s.out.Scan() {
		if s.out.Text() == ended {
			if n := len(lines); n > 0 && lines[n-1] == "" {
				lines = lines[:n-1]
			}
			return lines
		}
		lines = append(lines, s.out.Text())
	}
	t.Fatalf("the shell has ended in %q: %v\n%s", command, s.out.Err(), strings.Join(lines, "\n"))
	return nil
}

var homeFlag = regexp.MustCompile(`--home (\S+)`)

// try runs an example. A node is waited for. A question to it and a look into a file are repeated
// until the answer is as it should be. What one node writes takes a moment to another, and an
// oracle takes a few.
func (s *shell) try(t *testing.T, e example) {
	t.Helper()
	if dir, ok := strings.CutPrefix(e.command, "export LF_HOME="); ok {
		s.home = dir
	}
	if command, ok := strings.CutSuffix(e.command, "&"); ok {
		if !strings.Contains(command, " > ") {
			command += ">/dev/null"
		}
		s.run(t, command+` 2>/dev/null & nodes="$nodes $!"`)
		dir := s.home
		if given := homeFlag.FindStringSubmatch(command); given != nil {
			dir = given[1]
		}
		if _, _, err := awaitNode(filepath.Join(s.dir, dir)); err != nil {
			t.Fatalf("line %d: %s: %v", e.line, e.command, err)
		}
		return
	}
	question := strings.HasPrefix(e.command, "lf get ") || strings.HasPrefix(e.command, "cat ") || strings.HasPrefix(e.command, "sed ") ||
		strings.HasPrefix(e.command, "dig ")
	var got []string
	for start := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		got = s.run(t, e.command)
		if alike(got, e.want) {
			return
		}
		if !question || time.Since(start) > readyWithin {
			break
		}
	}
	t.Fatalf("line %d: %s\nwrites\n%s\nand the document says\n%s", e.line, e.command, strings.Join(got, "\n"), strings.Join(e.want, "\n"))
}

// alike compares lines but for the width of columns.
func alike(got, want []string) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range want {
		parts := strings.Split(strings.Join(strings.Fields(want[i]), " "), "…")
		for j := range parts {
			parts[j] = regexp.QuoteMeta(parts[j])
		}
		pattern := regexp.MustCompile("^" + strings.Join(parts, ".*") + "$")
		if !pattern.MatchString(strings.Join(strings.Fields(got[i]), " ")) {
			return false
		}
	}
	return true
}

// TestAlike makes sure that the comparison finds differences.
func TestAlike(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		got, want string
		alike     bool
	}{
		{"a  b", "a b", true}, {"a b", "a c", false}, {"…12345678  x", "…  x", true}, {"x 5 ✗", "x … ✗", true}, {"x 5", "x … ✗", false},
		{"a.c", "a.c", true}, {"abc", "a.c", false}, {"abc", "ab", false}, {"", "a", false},
	} {
		if got := alike([]string{c.got}, []string{c.want}); got != c.alike {
			t.Errorf("%s: %q and %q: %t", strconv.Itoa(i), c.got, c.want, got)
		}
	}
	if alike([]string{"a", "b"}, []string{"a"}) {
		t.Error("a line more")
	}
}
