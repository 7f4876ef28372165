// Package transcript replays transcripts of pure state machines, for tests.
package transcript

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write what the machine does into its transcripts")

// ReplayAll replays every transcript of a folder in testdata, each on a machine of its own. A
// machine is a function that carries out a command, and returns what the machine does.
func ReplayAll(t *testing.T, folder string, machine func() func(t *testing.T, command string, args []string) string) {
	t.Helper()
	ReplaySteps(t, folder, func() func(*testing.T, string) string {
		do := machine()
		return func(t *testing.T, commands string) string {
			t.Helper()
			return Run(t, commands, do)
		}
	})
}

// ReplaySteps is ReplayAll for a machine that acts after all commands of a step: the function
// carries them out.
func ReplaySteps(t *testing.T, folder string, machine func() func(t *testing.T, commands string) string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { replay(t, file, machine()) })
	}
}

// Run carries out the commands of a step, a line each, and returns what they print.
func Run(t *testing.T, commands string, do func(t *testing.T, command string, args []string) string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(commands) {
		if words := strings.Fields(line); len(words) > 0 && !strings.HasPrefix(line, "#") {
			out.WriteString(do(t, words[0], words[1:]))
		}
	}
	return out.String()
}

// replay replays a transcript, which is a list of steps. A step is some commands, a line of four
// dashes, and what the machine does then. An empty line ends it. Lines with # are comments. With
// -rewrite replay writes what the machine does instead.
func replay(t *testing.T, file string, step func(t *testing.T, head string) string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(string(raw)), "\n\n") {
		head, _, isStep := strings.Cut(block+"\n", "----\n")
		if !isStep {
			out.WriteString(block + "\n\n") // comments alone
			continue
		}
		got := fmt.Sprintf("%s----\n%s", head, step(t, head))
		if got != block+"\n" && !*rewrite {
			t.Fatalf("%s, step %d:\n%s\nwant:\n%s", file, i+1, got, block)
		}
		out.WriteString(got + "\n")
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.TrimSpace(out.String())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ParseArgs parts the arguments of a command into words and options.
func ParseArgs(args []string) (words []string, options map[string]string) {
	options = make(map[string]string)
	for _, a := range args {
		if key, value, ok := strings.Cut(a, "="); ok {
			options[key] = value
		} else {
			words = append(words, a)
		}
	}
	return words, options
}

// Duration reads a duration; empty text is none.
func Duration(t *testing.T, text string) time.Duration {
	t.Helper()
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
