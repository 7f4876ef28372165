package protocol

import (
	"fmt"
	"strconv"
	"strings"
)

// maxExpression bounds an expression: every byte of the longest name escaped, and two ordinals.
const maxExpression = 2*MaxName + 64

// Expression is a selector as people write it: a name and the ordinals asked for, both ends
// included.
type Expression struct {
	Name     string
	From, To uint64
}

// Point reports whether the expression asks for one ordinal.
func (e Expression) Point() bool { return e.From == e.To }

// ParseExpression reads NAME (ordinal 0), NAME#ORD, NAME#FROM#TO, or NAME# (every ordinal). In a
// name, a hash is written \#, and a backslash \\.
func ParseExpression(s string) (Expression, error) {
	parts, err := splitExpression(s)
	if err != nil {
		return Expression{}, err
	}
	e := Expression{Name: parts[0]}
	if err := CheckName(e.Name); err != nil {
		return e, fmt.Errorf("selector %q: %w", s, err)
	}
	switch {
	case len(parts) == 1:
		return e, nil
	case len(parts) == 2 && parts[1] == "":
		e.To = MaxOrdinal
		return e, nil
	case len(parts) > 3:
		return e, fmt.Errorf("selector %q: want NAME, NAME#ORDINAL, NAME#FROM#TO or NAME# (a hash in a name is written \\#)", s)
	}
	if e.From, err = parseOrdinal(parts[1]); err != nil {
		return e, fmt.Errorf("selector %q: %w", s, err)
	}
	if e.To, err = parseOrdinal(parts[len(parts)-1]); err != nil {
		return e, fmt.Errorf("selector %q: %w", s, err)
	}
	if e.From > e.To {
		return e, fmt.Errorf("selector %q: the range ends before it begins", s)
	}
	return e, nil
}

// String writes the expression so that [ParseExpression] reads it again.
func (e Expression) String() string {
	name := strings.NewReplacer(`\`, `\\`, `#`, `\#`).Replace(e.Name)
	switch {
	case e.From == 0 && e.To == MaxOrdinal:
		return name + "#"
	case e.Point():
		return name + "#" + strconv.FormatUint(e.From, 10)
	}
	return fmt.Sprintf("%s#%d#%d", name, e.From, e.To)
}

func parseOrdinal(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not an ordinal (0 to 2^63−1)", s)
	}
	return n, nil
}

// splitExpression splits at unescaped hashes and removes the escapes.
func splitExpression(s string) ([]string, error) {
	if len(s) > maxExpression {
		return nil, fmt.Errorf("a selector has %d bytes, and a name at most %d", len(s), MaxName)
	}
	var parts []string
	var part []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '#':
			parts, part = append(parts, string(part)), nil
			continue
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '#' || s[i+1] == '\\'):
			i++
		case s[i] == '\\':
			return nil, fmt.Errorf("selector %q: a backslash stands before # or another backslash only", s)
		}
		part = append(part, s[i])
	}
	return append(parts, string(part)), nil
}
