package lf_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documentation returns the documentation of the package in a folder, from its doc.go.
func documentation(t *testing.T, folder string) string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, "doc.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	return f.Doc.Text()
}

// TestGlossary: the glossary is short enough to be read and defines each noun once. Packages whose
// documentation has words of its own point to it.
func TestGlossary(t *testing.T) {
	t.Parallel()
	_, glossary, found := strings.Cut(documentation(t, "."), "# Glossary")
	if !found {
		t.Fatal("the documentation of package lf has no glossary")
	}
	seen := map[string]bool{}
	for _, entry := range regexp.MustCompile(`(?m)^  - ([^:]+): ((?:.+\n?)+?)(?:  - |\n|\z)`).FindAllStringSubmatch(strings.ReplaceAll(glossary, "\n  - ", "\n\n  - "), -1) {
		noun, text := entry[1], strings.Join(strings.Fields(entry[2]), " ")
		if seen[noun] {
			t.Errorf("%s stands in the glossary twice", noun)
		}
		seen[noun] = true
		if n := strings.Count(text+" ", ". "); n < 1 || n > 4 {
			t.Errorf("%s is explained in %d sentences: %s", noun, n, text)
		}
	}
	if len(seen) < 30 || len(seen) > 40 {
		t.Errorf("the glossary has %d nouns", len(seen))
	}
	for _, folder := range []string{"protocol", "store", "sync", "node", "node/api", "node/home", "cmd/lf"} {
		if !strings.Contains(documentation(t, folder), "glossary of package lf") {
			t.Errorf("%s/doc.go does not point to the glossary of package lf", folder)
		}
	}
}
