// Package strictjson is the one reader of JSON in LF. Two programs that read the same text must
// read the same value, so it refuses what readers of JSON disagree about:
//
//   - a member that an object has twice,
//   - a member whose name is written in another case than the one that is meant,
//   - half of a surrogate pair and other text that is not UTF-8, which many readers replace
//     silently,
//   - bytes after the value, line breaks within base64, and numbers that do not fit.
//
// One byte order mark at the beginning is skipped, as editors on Windows write it. Errors name the
// member, what is wanted there, and where it stands, in the words of who wrote the text.
package strictjson

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Flags change what [Unmarshal] refuses.
type Flags int

const (
	// IgnoreUnknown ignores members that v has no field for: the text may come from a newer
	// program.
	IgnoreUnknown Flags = 1 << iota
	// RefuseOtherCase refuses members that differ from a known one, or from another member of their
	// object, in the case of letters only. It matters where unknown members are ignored. Without
	// IgnoreUnknown they are refused anyway.
	RefuseOtherCase
)

// byteOrderMark is U+FEFF in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// Unmarshal reads one JSON value into what v points to. What it returns is an [*Error].
func Unmarshal(data []byte, v any, flags Flags) error {
	text := bytes.TrimPrefix(data, byteOrderMark)
	skipped := int64(len(data) - len(text))
	if err := foreign(text); err != nil {
		return err
	}
	err := decode(bytes.NewBuffer(text), v, flags)
	if flags&IgnoreUnknown == 0 && errors.Is(err, json.ErrUnknownName) || err == nil && flags&RefuseOtherCase != 0 {
		if misspelled := checkCase(text, v); misspelled != nil {
			err = misspelled
		}
	}
	if err == nil {
		return nil
	}
	e := explain(err, text)
	e.Offset += skipped
	return e
}

// Read is [Unmarshal] for a stream, to its end. An error of the stream itself is returned as it is.
func Read(r io.Reader, v any, flags Flags) error {
	watched := &watchedReader{Reader: r}
	err := decode(watched, v, flags)
	switch {
	case err == nil:
		return nil
	case watched.err != nil:
		return watched.err
	}
	return explain(err, nil)
}

// watchedReader remembers why its stream broke off.
type watchedReader struct {
	io.Reader
	err error
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// decode reads one value and the end after it.
func decode(r io.Reader, v any, flags Flags) error {
	err := json.UnmarshalRead(r, v, json.RejectUnknownMembers(flags&IgnoreUnknown == 0))
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && strings.HasSuffix(syntax.Err.Error(), afterValue) {
		return &Error{Reason: "it goes on after the JSON value: more than one value, or bytes that do not belong", Offset: syntax.ByteOffset, Syntax: true}
	}
	return err
}

// afterValue ends what the library says of bytes after the value; it has no error of its own for
// them.
const afterValue = "after top-level value"

// ErrCompressed is beneath the error about a text that is compressed.
var ErrCompressed = errors.New("compressed")

// foreign says what a text is that is no JSON in UTF-8, where its first bytes tell; nil where they
// do not.
func foreign(text []byte) *Error {
	for _, f := range []struct {
		magic, what string
		cause       error
	}{
		{"\x1f\x8b", "it is compressed (gzip): unpack it first", ErrCompressed},
		{"\x28\xb5\x2f\xfd", "it is compressed (zstd): unpack it first", ErrCompressed},
		{"\xff\xfe", "it is in UTF-16: want UTF-8", nil},
		{"\xfe\xff", "it is in UTF-16: want UTF-8", nil},
	} {
		if bytes.HasPrefix(text, []byte(f.magic)) {
			return &Error{Reason: f.what, Syntax: true, cause: f.cause}
		}
	}
	return nil
}
