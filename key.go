package lf

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// Key is what a value is filed under: one name with an ordinal, or several, which then make a
// composite key. To ask for a range, a name may have a range of ordinals. The order of the names
// does not matter for finding a value. But the first one is what values are sealed with: a reader
// needs it. The zero Key is no key. A Key is immutable.
type Key struct{ selectors []protocol.Expression }

// ParseKey reads a key as the command line does. Each expression is NAME (ordinal 0), NAME#ORD,
// NAME#FROM#TO, or NAME# (every ordinal). In a name, a hash is written \#, and a backslash \\. The
// error is an [*InputError].
func ParseKey(expressions ...string) (Key, error) {
	switch {
	case len(expressions) == 0:
		return Key{}, wrongInput("a key has at least one name")
	case len(expressions) > protocol.MaxSelectors:
		return Key{}, wrongInput("%d names, and a record has at most %d", len(expressions), protocol.MaxSelectors)
	}
	k := Key{make([]protocol.Expression, len(expressions))}
	for i, expression := range expressions {
		e, err := protocol.ParseExpression(expression)
		if err != nil {
			return Key{}, wrongInput("%s", text.Clip(err.Error()))
		}
		k.selectors[i] = e
	}
	return k, nil
}

// ParsePoint reads a key to write under: each name has one ordinal, and none stands twice.
func ParsePoint(expressions ...string) (Key, error) {
	k, err := ParseKey(expressions...)
	if err != nil {
		return k, err
	}
	return k, k.checkPoint()
}

// KeyOf makes a key of selectors, each a name with an ordinal or a range of them. The error is an
// [*InputError].
func KeyOf(selectors ...protocol.Expression) (Key, error) {
	if len(selectors) == 0 || len(selectors) > protocol.MaxSelectors {
		return Key{}, wrongInput("a key has 1 to %d names, not %d", protocol.MaxSelectors, len(selectors))
	}
	for _, e := range selectors {
		if err := protocol.CheckName(e.Name); err != nil {
			return Key{}, wrongInput("selector %s: %v", text.Clip(strconv.Quote(e.Name)), err)
		}
		if e.From > e.To || e.To > protocol.MaxOrdinal {
			return Key{}, wrongInput("selector %s: %d to %d is no range of ordinals", text.Clip(strconv.Quote(e.Name)), e.From, e.To)
		}
	}
	return Key{slices.Clone(selectors)}, nil
}

// MustKey is [ParseKey] for a key in the program's text: it panics where that is none.
func MustKey(expressions ...string) Key {
	k, err := ParseKey(expressions...)
	if err != nil {
		panic(err)
	}
	return k
}

// checkPoint says what is wrong with a key to write under.
func (k Key) checkPoint() error {
	if len(k.selectors) == 0 {
		return wrongInput("a key has at least one name")
	}
	for i, e := range k.selectors {
		switch {
		case !e.Point():
			return wrongInput("selector %s: one ordinal is needed here, not a range", text.Clip(strconv.Quote(e.String())))
		case slices.Contains(k.selectors[:i], e):
			return wrongInput("selector %s is given twice", text.Clip(strconv.Quote(e.String())))
		}
	}
	return nil
}

// Exact reports whether every name has one ordinal, so that there is one answer at most.
func (k Key) Exact() bool {
	return !slices.ContainsFunc(k.selectors, func(e protocol.Expression) bool { return !e.Point() })
}

// Selectors returns the names with their ordinals; the list is the caller's.
func (k Key) Selectors() []protocol.Expression { return slices.Clone(k.selectors) }

// Expressions writes each name so that [ParseKey] reads it again.
func (k Key) Expressions() []string {
	texts := make([]string, len(k.selectors))
	for i, e := range k.selectors {
		texts[i] = e.String()
	}
	return texts
}

// String writes the key as it is given on the command line, without quoting.
func (k Key) String() string { return strings.Join(k.Expressions(), " ") }

// at is the key with these ordinals, one for each name.
func (k Key) at(ordinals []uint64) Key {
	points := make([]protocol.Expression, len(ordinals))
	for i, ordinal := range ordinals {
		points[i] = protocol.Expression{Name: k.selectors[i].Name, From: ordinal, To: ordinal}
	}
	return Key{points}
}

// ordinals are the first ones of each name's range.
func (k Key) ordinals() []uint64 {
	first := make([]uint64, len(k.selectors))
	for i, e := range k.selectors {
		first[i] = e.From
	}
	return first
}
