package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Error says what is wrong with a JSON text.
type Error struct {
	// Reason says what is wrong, and what is wanted instead.
	Reason string
	// Path names the member at fault, as in selectors[0].name; "" is the whole text.
	Path string
	// Offset is the byte, counted from 0, at or after which the fault is. Line is its line, counted
	// from 1, or 0 where the text has only one.
	Offset int64
	Line   int
	// Syntax is set where the text is not JSON, or is read differently by different programs. It is
	// not set where it is JSON, and not what is wanted.
	Syntax bool

	cause error
}

// Error is one line: the member, the reason, and where.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		fmt.Fprintf(&b, "member %q: ", e.Path)
	}
	b.WriteString(e.Reason)
	switch {
	case e.Line > 0:
		fmt.Fprintf(&b, " (line %d)", e.Line)
	case e.Offset > 0:
		fmt.Fprintf(&b, " (at byte %d)", e.Offset+1)
	}
	return b.String()
}

// Unwrap returns what was wrong in the words of the decoder, or of the member's own reader.
func (e *Error) Unwrap() error { return e.cause }

// explain words an error of the decoder. text is what was read, nil where it is gone.
func explain(err error, text []byte) *Error {
	var ours *Error
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case errors.As(err, &ours):
	case errors.As(err, &syntax):
		ours = &Error{Reason: syntaxReason(syntax, text), Offset: syntax.ByteOffset, Syntax: true, cause: syntax.Err}
		if errors.Is(err, jsontext.ErrDuplicateName) {
			ours.Path = path(syntax.JSONPointer)
		}
	case errors.As(err, &meaning):
		ours = &Error{Reason: meaningReason(meaning), Path: path(meaning.JSONPointer), Offset: meaning.ByteOffset, cause: meaning.Err}
	default:
		ours = &Error{Reason: syntaxReason(&jsontext.SyntacticError{Err: err}, text), Syntax: true, cause: err}
	}
	if before := text[:min(max(ours.Offset, 0), int64(len(text)))]; bytes.ContainsRune(bytes.TrimSpace(text), '\n') {
		ours.Line = 1 + bytes.Count(before, []byte("\n"))
	}
	return ours
}

func syntaxReason(e *jsontext.SyntacticError, text []byte) string {
	rest := text[min(max(e.ByteOffset, 0), int64(len(text))):]
	switch {
	case errors.Is(e.Err, jsontext.ErrDuplicateName):
		return "it is there twice"
	case errors.Is(e.Err, io.ErrUnexpectedEOF) && len(bytes.TrimSpace(text)) == 0 && e.ByteOffset <= int64(len(text)):
		return "empty, want JSON"
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return "the JSON ends early"
	case isSurrogate(rest):
		return fmt.Sprintf("half of a surrogate pair (%s), which is no character", rest[:6])
	case e.Err.Error() == "invalid UTF-8":
		return "not valid UTF-8"
	}
	return "not JSON: " + e.Err.Error()
}

// isSurrogate reports whether a text begins with the escape of a surrogate: \ud800 to \udfff.
func isSurrogate(text []byte) bool {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return false
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return err == nil && unit >= 0xd800 && unit < 0xe000
}

// meaningReason words what is wrong with a value, without the types of the program.
func meaningReason(e *json.SemanticError) string {
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return "not known here"
	case e.GoType == nil:
		return fmt.Sprint(e.Err)
	case e.Err != nil && readsItself(e.GoType):
		return e.Err.Error()
	case e.JSONKind == '0' && isWhole(e.GoType):
		return fmt.Sprintf("%s is not %s, in digits", e.JSONValue, wanted(e.GoType))
	case e.JSONKind == '"' && isBytes(e.GoType):
		return "not base64 (with padding, and without line breaks)"
	case e.Err != nil && (e.JSONKind == '"' || e.JSONKind == 0):
		return e.Err.Error() // of a text's own reader
	}
	return fmt.Sprintf("it is %s, want %s", kindText(e.JSONKind), wanted(e.GoType))
}

// wanted says what a member of this type is in JSON.
func wanted(t reflect.Type) string {
	t = pointedTo(t)
	switch {
	case isTextual(t):
		return "a text"
	case isBytes(t):
		return "a text in base64"
	}
	switch t.Kind() {
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-t.Bits()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("a whole number from %d to %d", int64(math.MinInt64)>>(64-t.Bits()), int64(math.MaxInt64)>>(64-t.Bits()))
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list in brackets"
	case reflect.Struct, reflect.Map:
		return "an object in braces"
	default:
		return "another value"
	}
}

// readsItself reports whether a type reads its JSON, so that its error says what is wanted.
func readsItself(t reflect.Type) bool {
	return reflect.PointerTo(pointedTo(t)).Implements(reflect.TypeFor[json.Unmarshaler]())
}

func isWhole(t reflect.Type) bool {
	k := pointedTo(t).Kind()
	return k >= reflect.Int && k <= reflect.Uint64
}

func pointedTo(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func isBytes(t reflect.Type) bool {
	t = pointedTo(t)
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8 && !isTextual(t)
}

// kindText names a JSON value by its first byte.
func kindText(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "true or false"
	case '"':
		return "a text"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	default:
		return "another value"
	}
}

// path writes a JSON pointer as people do: selectors[0].name.
func path(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 32); err == nil {
			b.WriteString("[" + token + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	return b.String()
}
