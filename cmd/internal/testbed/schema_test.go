package testbed

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/text"
)

var update = flag.Bool("update", false, "write docs/testbed.md and the golden files again")

const document = "../../../docs/testbed.md"

// TestDocument checks that the tables in docs/testbed.md have the words that the parser knows.
func TestDocument(t *testing.T) {
	old, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- words -->\n", "<!-- end of words -->\n"
	before, rest, found := strings.Cut(string(old), begin)
	_, after, also := strings.Cut(rest, end)
	if !found || !also {
		t.Fatalf("%s lacks %q or %q", document, begin, end)
	}
	want := before + begin + language() + end + after
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !*update && string(old) != want {
		t.Errorf("%s is not what the parser knows: go test ./cmd/internal/testbed -run TestDocument -update", document)
	}
}

// language is every word in tables.
func language() string {
	var b strings.Builder
	r := newDryRun(newSource("", nil))
	b.WriteString("### The file\n\n" + wordTable(r.sectionFields(new(sections))))
	b.WriteString("### A node\n\n" + wordTable(r.nodeFields(new(Node), new(*value))))
	b.WriteString("### Steps\n\nEvery step has a word, and may have a `name`.\n\n")
	for _, w := range actionSchemas() {
		f := w.form(r)
		fmt.Fprintf(&b, "#### %s\n\n%s", w.name, w.doc)
		switch {
		case w.name == "expect":
			fmt.Fprintf(&b, " In short: `expect: WORD`, with one of %s.", text.Join(standaloneChecks, "and"))
		case f.bare:
			fmt.Fprintf(&b, " In short: `%s: %s`, or `%s` alone.", w.name, strings.ToUpper(f.short), w.name)
		case f.short != "":
			fmt.Fprintf(&b, " In short: `%s: %s`.", w.name, strings.ToUpper(f.short))
		}
		b.WriteString("\n\n" + wordTable(namedFields(f.fields)))
		if w.name == "expect" {
			b.WriteString("`bytes` is a mapping, too:\n\n" + wordTable(r.bytesFields(new(Bytes))))
		}
	}
	return b.String()
}

func wordTable(fields []field) string {
	var b strings.Builder
	b.WriteString("| word | what | |\n|---|---|---|\n")
	for _, f := range fields {
		must := ""
		if f.must {
			must = "**needed**: "
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s%s |\n", f.name, f.kind, must, f.doc)
	}
	return b.String() + "\n"
}
