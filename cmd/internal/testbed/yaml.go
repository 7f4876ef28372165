package testbed

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/lf-store/lf/internal/text"
)

const (
	// maxScenario is how large a scenario may be, in bytes: far more than a person writes.
	maxScenario = 64 << 10
	maxLines    = 4000
	// maxNesting is how many brackets may be open at once, and maxIndent the longest indentation.
	// The parser's time grows with the square of both.
	maxNesting, maxIndent = 20, 100
)

// kind is what a value in a file is.
type kind int

const (
	absent kind = iota // a key without a value
	scalar
	list
	mapping
)

// value is a piece of a file and where it begins. The language needs no more of YAML: anchors, tags
// and merging are refused.
type value struct {
	position
	kind  kind
	text  string // of a scalar, as it reads
	list  []*value
	pairs []pair
}

type position struct{ line, column int }

type pair struct{ key, value *value }

// source is a file that is read: its text, and the errors found in it.
type source struct {
	file  string
	lines []string
	errs  ScenarioErrors
}

func newSource(file string, text []byte) *source {
	return &source{file: file, lines: strings.Split(string(text), "\n")}
}

// lineEnds are what YAML and editors take for the end of a line.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// errorf notes an error. The parser may place it after the last line: it is shown at that line. Its
// text may repeat what the file says, so nothing in it steers a terminal.
func (s *source) errorf(at position, format string, args ...any) {
	line := min(max(at.line, 1), len(s.lines))
	s.errs = append(s.errs, &ScenarioError{
		File: s.file, Line: line, Column: max(at.column, 1),
		Text: text.Line(fmt.Sprintf(format, args...)), Source: shown(s.lines[line-1]),
	})
}

// shown is a line as it may be shown: what would steer a terminal is replaced, and it has an end.
func shown(line string) string {
	const most = 160
	text := []rune(strings.Map(func(r rune) rune {
		if r != '\t' && (r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == utf8.RuneError || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069)) {
			return '·'
		}
		return r
	}, line))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}

// read parses the text; nil when it is not even YAML.
func (s *source) read(file []byte) (root *value) {
	switch {
	case len(file) > maxScenario:
		s.errorf(position{}, "the file has %d bytes: a scenario has at most %d", len(file), maxScenario)
		return nil
	case len(s.lines) > maxLines:
		s.errorf(position{maxLines, 1}, "the file has %d lines: a scenario has at most %d", len(s.lines), maxLines)
		return nil
	case !utf8.Valid(file):
		s.errorf(s.invalid(), "this is not text in UTF-8: save the file as such")
		return nil
	}
	if at := s.nested(); at != (position{}) {
		s.errorf(at, "this is nested too deeply for a scenario: is a bracket not closed?")
		return nil
	}
	defer func() { // a panic of the parser must be no more than an error in the file
		if fault := recover(); fault != nil {
			s.errorf(position{}, "this is no YAML that can be read: %v", fault)
			root = nil
		}
	}()
	parsed, err := parser.ParseBytes(file, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		s.malformed(err)
		return nil
	}
	if len(parsed.Docs) == 0 || parsed.Docs[0].Body == nil {
		return &value{position: position{1, 1}}
	}
	if len(parsed.Docs) > 1 {
		s.errorf(spotOf(parsed.Docs[1].GetToken()), "a second document begins here: a file holds one scenario")
	}
	return s.value(parsed.Docs[0].Body)
}

// nested is where brackets or indentation go deeper than in any scenario. Brackets in texts count,
// too: no text leaves as many unclosed.
func (s *source) nested() position {
	open := 0
	for i, line := range s.lines {
		if indent := len(line) - len(strings.TrimLeft(line, " \t-?")); indent > maxIndent {
			return position{i + 1, indent}
		}
		column := 0
		for _, r := range line {
			column++
			switch r {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			if open > maxNesting {
				return position{i + 1, column}
			}
		}
	}
	return position{}
}

// invalid is where the first byte that is no text stands.
func (s *source) invalid() position {
	for i, line := range s.lines {
		if !utf8.ValidString(line) {
			n := 0
			for _, r := range line {
				if n++; r == utf8.RuneError {
					break
				}
			}
			return position{i + 1, n}
		}
	}
	return position{}
}

func (s *source) malformed(err error) {
	var positioned yaml.Error
	if errors.As(err, &positioned) {
		s.errorf(spotOf(positioned.GetToken()), "this is no YAML: %s", firstLine(positioned.GetMessage()))
		return
	}
	s.errorf(position{}, "this is no YAML: %s", firstLine(err.Error()))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

func spotOf(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{}
	}
	return position{t.Position.Line, t.Position.Column}
}

// value translates a node of the syntax tree.
func (s *source) value(n ast.Node) *value {
	at := spotOf(n.GetToken())
	switch n := n.(type) {
	case *ast.NullNode:
		v := &value{position: at}
		if t := n.GetToken(); t.Type != token.ImplicitNullType { // written out
			v.kind, v.text = scalar, t.Value
		}
		return v
	case *ast.MappingNode:
		return s.mapping(at, n.Values)
	case *ast.MappingValueNode:
		return s.mapping(at, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		v := &value{position: at, kind: list}
		for _, item := range n.Values {
			v.list = append(v.list, s.value(item))
		}
		return v
	case *ast.StringNode:
		return &value{position: at, kind: scalar, text: n.Value}
	case *ast.LiteralNode:
		return &value{position: at, kind: scalar, text: n.Value.Value}
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return &value{position: at, kind: scalar, text: n.GetToken().Value}
	}
	s.errorf(at, "%s: anchors, aliases, tags and merging are not understood here, write it out", n.Type())
	return &value{position: at}
}

func (s *source) mapping(at position, pairs []*ast.MappingValueNode) *value {
	v := &value{position: at, kind: mapping}
	for i, p := range pairs {
		key := s.value(p.Key)
		if i == 0 && key.line > 0 {
			v.position = key.position
		}
		v.pairs = append(v.pairs, pair{key, s.value(p.Value)})
	}
	return v
}
