package strictjson

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Elements calls do with each element of a list. The JSON text is the list, or an object that has
// it as the member of this name; other members are skipped. do must keep nothing of its text, which
// is for [Unmarshal]. The text is read as a stream, to its end. An error of do, and of the stream
// itself, is returned as it is; any other is an [*Error].
func Elements(r io.Reader, member string, do func(text []byte) error) error {
	watched := &watchedReader{Reader: r}
	e := elements{Decoder: jsontext.NewDecoder(skipMark(watched)), do: do}
	err := e.text(member)
	switch {
	case watched.err != nil:
		return watched.err
	case e.failed != nil:
		return e.failed
	case errors.Is(err, io.EOF):
		return explain(&jsontext.SyntacticError{Err: io.ErrUnexpectedEOF}, nil)
	case err != nil:
		return explain(err, nil)
	}
	return nil
}

// Begin tells what a JSON text is by its first byte: '[' for a list, '{' for an object. Of an
// object it returns the name of the first member, too. It reads more than that, and judges nothing.
func Begin(r io.Reader) (kind byte, member string) {
	d := jsontext.NewDecoder(skipMark(r))
	kind = byte(d.PeekKind())
	if kind != '{' {
		return kind, ""
	}
	if _, err := d.ReadToken(); err != nil || d.PeekKind() != '"' {
		return kind, ""
	}
	name, err := d.ReadToken()
	if err != nil {
		return kind, ""
	}
	return kind, name.String()
}

// skipMark skips a byte order mark at the beginning.
func skipMark(r io.Reader) io.Reader {
	in := bufio.NewReader(r)
	if begin, err := in.Peek(len(byteOrderMark)); err == nil && bytes.Equal(begin, byteOrderMark) {
		_, _ = in.Discard(len(byteOrderMark)) // they are in its buffer
	}
	return in
}

// elements reads a list as a stream.
type elements struct {
	*jsontext.Decoder
	do     func(text []byte) error
	failed error // of do
}

func (e *elements) text(member string) error {
	var err error
	switch e.PeekKind() {
	case '[':
		err = e.list()
	case '{':
		err = e.object(member)
	default:
		if _, err := e.ReadValue(); err != nil {
			return err
		}
		return &Error{Reason: fmt.Sprintf("want a list, or an object with the list %q", member)}
	}
	if err != nil {
		return err
	}
	end := e.InputOffset()
	if _, err := e.ReadToken(); !errors.Is(err, io.EOF) {
		return &Error{Reason: "it goes on after the JSON value", Offset: end, Syntax: true}
	}
	return nil
}

func (e *elements) object(member string) error {
	if _, err := e.ReadToken(); err != nil {
		return err
	}
	found := false
	for e.PeekKind() != '}' {
		name, err := e.ReadToken()
		if err != nil {
			return err
		}
		if name.String() != member {
			err = e.SkipValue()
		} else if found = true; e.PeekKind() == '[' {
			err = e.list()
		} else if _, err = e.ReadValue(); err == nil {
			err = &Error{Reason: "want a list", Path: member, Offset: e.InputOffset()}
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return &Error{Reason: fmt.Sprintf("no list %q", member)}
	}
	_, err := e.ReadToken()
	return err
}

func (e *elements) list() error {
	if _, err := e.ReadToken(); err != nil {
		return err
	}
	for e.PeekKind() != ']' {
		text, err := e.ReadValue()
		if err != nil {
			return err
		}
		if e.failed = e.do(text); e.failed != nil {
			return e.failed
		}
	}
	_, err := e.ReadToken()
	return err
}
