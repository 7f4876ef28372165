package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxColumns = 100

// text is a run of lines that belong together: a comment, a string, or a document.
type text struct {
	comment bool
	lines   []line
}

// line is a line of a text, without the marks of a comment.
type line struct {
	number      int
	columns     int // of the whole line in the file
	text        string
	unbreakable bool // a directive, code, a table, or a single long word
}

// textsOf takes a file's texts out of it.
func textsOf(name, source string) ([]text, error) {
	switch {
	case strings.HasSuffix(name, ".md"):
		return []text{document(source)}, nil
	case strings.HasSuffix(name, ".go"):
		return goTexts(name, source)
	default:
		return []text{cComments(source)}, nil
	}
}

// document is a Markdown file's text, without code, tables, headings and quotations.
func document(source string) (t text) {
	fenced := false
	for i, l := range strings.Split(source, "\n") {
		fence := strings.HasPrefix(strings.TrimSpace(l), "```")
		if fence {
			fenced = !fenced
		}
		if fence || fenced || hasAnyPrefix(l, "    ", "|", "#", ">") {
			l = ""
		}
		t.lines = append(t.lines, line{number: i + 1, text: l})
	}
	return t
}

var (
	generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	directive = regexp.MustCompile(`^//([a-z]+:|export |line )`)
)

// goTexts are the comments of a Go file and, outside tests, its strings.
func goTexts(name, source string) (texts []text, err error) {
	if generated.MatchString(source) {
		return nil, nil
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(source, "\n")
	c := preamble(f)
	for _, group := range f.Comments {
		if group == c || strings.HasPrefix(group.Text(), "Output:") {
			continue // C code, or what an example writes
		}
		t := text{comment: true}
		for _, part := range group.List {
			first := fset.Position(part.Pos()).Line
			for i, l := range strings.Split(part.Text, "\n") {
				t.lines = append(t.lines, commentLine(first+i, lines[first+i-1], l))
			}
		}
		texts = append(texts, t)
	}
	if strings.HasSuffix(name, "_test.go") {
		return texts, nil
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING {
			texts = append(texts, stringTexts(fset.Position(s.Pos()).Line, s.Value)...)
		}
		return true
	})
	return texts, nil
}

// preamble is the comment that is C code for cgo, nil if there is none.
func preamble(f *ast.File) *ast.CommentGroup {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.IMPORT {
			continue
		}
		for _, s := range g.Specs {
			if spec, ok := s.(*ast.ImportSpec); ok && spec.Path.Value == `"C"` {
				if spec.Doc != nil {
					return spec.Doc
				}
				return g.Doc
			}
		}
	}
	return nil
}

// tagged are the keys of struct tags whose values are read by people.
var tagged = []string{"help", "doc", "placeholder"}

// stringTexts are the texts of a string literal: itself, or the help texts in it when it is a tag.
func stringTexts(number int, literal string) (texts []text) {
	value, err := strconv.Unquote(literal)
	if err != nil {
		return nil
	}
	values := []string{value}
	if tag := reflect.StructTag(value); strings.HasPrefix(literal, "`") && strings.Contains(value, `:"`) {
		values = nil
		for _, key := range tagged {
			values = append(values, tag.Get(key))
		}
	}
	for _, v := range values {
		t := text{}
		for i, l := range strings.Split(v, "\n") {
			if strings.HasPrefix(literal, "`") {
				i = max(0, min(i, strings.Count(literal, "\n")))
			} else {
				i = 0
			}
			t.lines = append(t.lines, line{number: number + i, text: proseOnly(l)})
		}
		texts = append(texts, t)
	}
	return texts
}

// commentLine is a line of a Go comment: l as the comment has it, whole as the file has it.
func commentLine(number int, whole, l string) line {
	out := line{number: number, columns: columns(whole)}
	if directive.MatchString(l) {
		out.unbreakable = true
		return out
	}
	return out.with(trimMarks(l))
}

// with sets a comment's text, which the marks of a comment have been taken from.
func (l line) with(text string) line {
	body := strings.TrimSpace(text)
	l.unbreakable = hasAnyPrefix(text, "\t", "    ", " \t") || strings.Count(body, " ") == 0
	l.text = text
	return l
}

func trimMarks(l string) string {
	for _, mark := range []string{"//", "/*", " *", "*"} {
		if rest, ok := strings.CutPrefix(l, mark); ok {
			l = rest
			break
		}
	}
	return strings.TrimPrefix(strings.TrimSuffix(l, "*/"), " ")
}

// cComments are the comments of a C file that stand on lines of their own.
func cComments(source string) (t text) {
	t.comment = true
	inside := false
	for i, whole := range strings.Split(source, "\n") {
		l := strings.TrimSpace(whole)
		opens := strings.HasPrefix(l, "/*")
		if inside || opens || strings.HasPrefix(l, "//") {
			t.lines = append(t.lines, line{number: i + 1, columns: columns(whole)}.with(trimMarks(l)))
		} else {
			t.lines = append(t.lines, line{number: i + 1})
		}
		inside = (inside || opens) && !strings.Contains(l, "*/")
	}
	return t
}

// proseOnly keeps lines of a string that are prose, not examples, code or a table: these are
// indented.
func proseOnly(l string) string {
	if hasAnyPrefix(l, "\t", "  ") {
		return ""
	}
	return l
}

// columns is the width of a line, where a tab goes to the next multiple of 4.
func columns(l string) int {
	n := 0
	for l != "" {
		r, size := utf8.DecodeRuneInString(l)
		l = l[size:]
		if r == '\t' {
			n += 4 - n%4
		} else {
			n++
		}
	}
	return n
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
