package lf_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```\n")

// unindented is a text without the whitespace that its lines begin with.
func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimLeft(line, "\t")
	}
	return strings.Join(lines, "\n")
}

// TestGoDocument: what docs/go.md shows in Go is in an example, and those are run.
func TestGoDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/go.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("example_*test.go")
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for _, file := range files {
		example, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples.WriteString(unindented(string(example)))
	}
	blocks := goBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 7 {
		t.Errorf("only %d pieces of code were found", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(examples.String(), "\n"+unindented(block[1])) {
			t.Errorf("no example has this:\n%s", block[1])
		}
	}
}
