package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestManPages holds the manual pages against the help texts. Each command that a user sees has a
// page. It shows each flag, and each line of the examples as it is.
func TestManPages(t *testing.T) {
	t.Parallel()
	root := (&cli{stdout: io.Discard, stderr: io.Discard}).rootCommand()
	pages := manPages(root, "2026-11-30")
	if len(pages) < 60 || pages[0].file() != "lf.1" {
		t.Fatalf("%d pages", len(pages))
	}
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	for _, page := range pages {
		// They are not parallel: a command that is asked for its flags changes its parents'.
		t.Run(page.name(), func(t *testing.T) {
			shown := renderPage(t, mandoc, page)
			for line := range strings.Lines(page.cmd.Long + "\n" + page.cmd.Example) {
				line = strings.TrimSpace(line)
				if !strings.Contains(shown, strings.Join(strings.Fields(line), " ")) {
					t.Errorf("the page does not show %q", line)
				}
			}
			page.cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
				if page.cmd.Runnable() && !f.Hidden && !strings.Contains(shown, " --"+f.Name+" ") {
					t.Errorf("the page does not show --%s", f.Name)
				}
			})
		})
	}
	var hidden []string
	for _, cmd := range root.Commands() {
		if !slices.ContainsFunc(pages, func(p manPage) bool { return p.cmd == cmd }) {
			hidden = append(hidden, cmd.Name())
		}
	}
	if want := []string{"man", "testbed"}; !slices.Equal(slices.DeleteFunc(hidden, isHelp), want) {
		t.Errorf("no pages of %q, want none of %q", hidden, want)
	}
}

func isHelp(name string) bool { return name == "help" }

// renderPage returns a page as a terminal shows it, with single spaces, after mandoc found no fault
// in it.
func renderPage(t *testing.T, mandoc string, page manPage) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), page.file())
	if err := os.WriteFile(file, []byte(page.roff()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), mandoc, "-Tlint", "-Wwarning", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), mandoc, "-Tutf8", "-Owidth=1000", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	plain := regexp.MustCompile(`.\x08`).ReplaceAllString(string(out), "") // bold and italics
	return strings.Join(strings.Fields(plain), " ")
}

// TestRoffParagraphs: tables stay as they are, other text is filled, and no line of it is a
// request.
func TestRoffParagraphs(t *testing.T) {
	t.Parallel()
	got := roffParagraphs("One 'line'\n.of a\\b-c:\n  x   ~1\n\n  y \"^`\"\nEnd.\n\nNext.")
	want := "One \\(aqline\\(aq\n\\&.of a\\eb\\-c:\n.PP\n.nf\n  x   \\(ti1\n.fi\n.PP\n.nf\n  y \\(dq\\(ha\\(ga\\(dq\n.fi\n.PP\nEnd.\n.PP\nNext.\n"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestManCommand writes the pages, with the date that a builder gives.
func TestManCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	run := func() int {
		return run(t.Context(), []string{"man", dir}, strings.NewReader(""), io.Discard, io.Discard)
	}
	if code := run(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	page, err := os.ReadFile(filepath.Join(dir, "lf-policy.7"))
	if err != nil || !strings.HasPrefix(string(page), `.TH LF-POLICY 7 "1970-01-02"`) {
		t.Errorf("%v: %.60s", err, page)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if code := run(); code != 1 {
		t.Errorf("a wrong date: exit code %d, want 1", code)
	}
}
