package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kind is the rule that a finding breaks.
type kind string

const (
	wide   kind = "wide"
	marker kind = "marker"
	long   kind = "long"
)

// finding is a place in a file that breaks a rule.
type finding struct {
	file string
	line int
	text string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.text) }

// file is a file of the tree and what was found in it.
type file struct {
	name     string
	lines    int
	findings map[kind][]finding
}

// readTree reads all files that have texts of ours, in the order of their names.
func readTree(root string) (files []*file, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(filepath.ToSlash(name)):
			return filepath.SkipDir
		case d.IsDir() || !hasTexts(name):
			return nil
		}
		f, err := readFile(root, name)
		if f != nil {
			files = append(files, f)
		}
		return err
	})
	slices.SortFunc(files, func(a, b *file) int { return strings.Compare(a.name, b.name) })
	return files, err
}

// skipped reports whether a folder has no texts of ours: what was built, what tests compare, and
// what tools keep for themselves.
func skipped(dir string) bool {
	base := filepath.Base(dir)
	hidden := strings.HasPrefix(base, ".") && base != "." && base != ".ci"
	return hidden || base == "testdata" || dir == "bin"
}

func hasTexts(name string) bool {
	return slices.Contains([]string{".go", ".c", ".h", ".md"}, filepath.Ext(name))
}

// readFile reads a file and looks for what breaks a rule. A generated file has no findings.
func readFile(root, name string) (*file, error) {
	raw, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return nil, err
	}
	return examine(filepath.ToSlash(name), string(raw))
}

func examine(name, source string) (*file, error) {
	f := &file{name: name, lines: strings.Count(source, "\n"), findings: map[kind][]finding{}}
	texts, err := textsOf(name, source)
	if err != nil {
		return nil, err
	}
	for _, t := range texts {
		for _, l := range t.lines {
			if t.comment && l.columns > maxColumns && !l.unbreakable {
				f.add(wide, l.number, fmt.Sprintf("a comment of %d columns, at most %d", l.columns, maxColumns))
			}
		}
		for _, s := range t.sentences() {
			if n := s.words(); n > maxWords {
				f.add(long, s.line, fmt.Sprintf("%d words, at most %d: %s", n, maxWords, s.text))
			}
			if why := markerIn(s.text); why != "" {
				f.add(marker, s.line, fmt.Sprintf("%s: %s", why, s.text))
			}
		}
	}
	return f, nil
}

func (f *file) add(k kind, line int, text string) {
	f.findings[k] = append(f.findings[k], finding{f.name, line, text})
}
