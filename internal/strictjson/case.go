package strictjson

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// checkCase finds a member whose name differs only in case from one that is known in its place, or
// from another one of its object. One program would take both for the same, the next would not. The
// text is known to be JSON.
func checkCase(text []byte, v any) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	return caseChecker{d}.value(reflect.TypeOf(v))
}

type caseChecker struct{ *jsontext.Decoder }

// value checks the next value; t is the type that it is for, nil where it is for none.
func (c caseChecker) value(t reflect.Type) error {
	t = inside(t)
	switch c.PeekKind() {
	case '{':
		return c.object(t)
	case '[':
		if t != nil && t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			t = nil
		}
		return c.list(t)
	}
	return c.SkipValue()
}

func (c caseChecker) list(t reflect.Type) error {
	if _, err := c.ReadToken(); err != nil {
		return err
	}
	for c.PeekKind() != ']' {
		element := t
		if t != nil {
			element = t.Elem()
		}
		if err := c.value(element); err != nil {
			return err
		}
	}
	_, err := c.ReadToken()
	return err
}

func (c caseChecker) object(t reflect.Type) error {
	if _, err := c.ReadToken(); err != nil {
		return err
	}
	known, seen := members(t), map[string]string{}
	var misspelled error // unless the right spelling comes, too
	for c.PeekKind() != '}' {
		token, err := c.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		folded := fold(name)
		field, isKnown := known[folded]
		switch other, twice := seen[folded]; {
		case twice:
			twin := c.errorAt(name, fmt.Sprintf("it is there twice, as %q too", other))
			twin.Syntax = true // programs differ in which of the two they take
			return twin
		case isKnown && field.name != name && misspelled == nil:
			misspelled = c.errorAt(name, fmt.Sprintf("the case of letters matters: want %q", field.name))
		}
		seen[folded] = name
		if err := c.value(field.t); err != nil {
			return err
		}
	}
	if _, err := c.ReadToken(); err != nil {
		return err
	}
	return misspelled
}

// errorAt is about the member whose name was read last.
func (c caseChecker) errorAt(name, reason string) *Error {
	return &Error{Reason: reason, Path: path(c.StackPointer()), Offset: c.InputOffset() - int64(len(name)) - 2}
}

// fold makes names equal that differ in the case of their letters only, the Kelvin sign and the
// long s included.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// member is a field of a struct, or what all values of a map are.
type member struct {
	name string
	t    reflect.Type
}

// members lists the names that an object for this type may have, folded; none where the type is
// open.
func members(t reflect.Type) map[string]member {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	known := map[string]member{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() || f.Anonymous && name == "":
			continue
		case name == "":
			name = f.Name
		}
		known[fold(name)] = member{name, f.Type}
	}
	return known
}

// inside returns the type that a value is read into, without pointers; nil where that reads its
// JSON itself or takes any.
func inside(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() == reflect.Interface || isTextual(t) {
		return nil
	}
	return t
}

// isTextual reports whether values of the type are read from a text.
func isTextual(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
