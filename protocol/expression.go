package protocol

import (
	"errors"
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

// ParseExpression reads NAME (ordinal 0), NAME#ORD, NAME#FROM#TO, NAME#FROM.., NAME#..TO, or NAME#
// (every ordinal). In a name, a hash is written \#, and a backslash \\.
func ParseExpression(s string) (Expression, error) {
	parts, err := splitExpression(s)
	if err != nil {
		return Expression{}, err
	}
	e := Expression{Name: parts[0]}
	if err := CheckName(e.Name); err != nil {
		return e, fmt.Errorf("selector %q: %w", s, err)
	}
	if e.From, e.To, err = parseOrdinals(parts[1:]); err != nil {
		return e, fmt.Errorf("selector %q: %w", s, err)
	}
	return e, nil
}

// parseOrdinals reads what stands after the name, parted at its hashes.
func parseOrdinals(parts []string) (from, to uint64, err error) {
	switch {
	case len(parts) == 0:
		return 0, 0, nil
	case len(parts) > 2:
		return 0, 0, errors.New("want NAME, NAME#ORDINAL, NAME#FROM#TO, NAME#FROM.., NAME#..TO or NAME# (a hash in a name is written \\#)")
	case len(parts) == 2:
		return parseRange(parts[0], parts[1])
	case parts[0] == "":
		return 0, MaxOrdinal, nil
	}
	first, last, dots := strings.Cut(parts[0], "..")
	switch {
	case !dots:
		return parseRange(first, first)
	case first == "" && last == "":
		return 0, 0, errors.New("every ordinal is written NAME#")
	case first != "" && last != "":
		return 0, 0, errors.New("a range with both ends is written NAME#FROM#TO")
	case first == "":
		to, err = parseOrdinal(last)
		return 0, to, err
	}
	from, err = parseOrdinal(first)
	return from, MaxOrdinal, err
}

func parseRange(first, last string) (from, to uint64, err error) {
	if from, err = parseOrdinal(first); err != nil {
		return 0, 0, err
	}
	if to, err = parseOrdinal(last); err != nil {
		return 0, 0, err
	}
	if from > to {
		return 0, 0, errors.New("the range ends before it begins")
	}
	return from, to, nil
}

// String writes the expression so that [ParseExpression] reads it again.
func (e Expression) String() string {
	name := strings.NewReplacer(`\`, `\\`, `#`, `\#`).Replace(e.Name)
	switch {
	case e.From == 0 && e.To == MaxOrdinal:
		return name + "#"
	case e.Point():
		return name + "#" + strconv.FormatUint(e.From, 10)
	case e.To == MaxOrdinal:
		return name + "#" + strconv.FormatUint(e.From, 10) + ".."
	}
	return fmt.Sprintf("%s#%d#%d", name, e.From, e.To)
}

func parseOrdinal(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	switch {
	case s == "":
		return 0, errors.New("an ordinal is missing (NAME#FROM.. is a range without an end)")
	case err != nil:
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
