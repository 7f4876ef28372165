package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/protocol"
)

// Limits of request bodies, in bytes. In JSON a byte of text takes six at worst (\u0001), a byte in base64 4/3.
const (
	maxQueryBody = 6*(protocol.MaxSelectors*protocol.MaxName+MaxMaskingKey) + (MaxOwners+MaxOracles)*64 +
		MaxAuthorities*(MaxAuthority*4/3+8) + 16<<10
	maxSetBody    = 6*(protocol.MaxPlaintext+2*protocol.MaxSelectors*protocol.MaxName+MaxMaskingKey) + 16<<10
	maxRecordBody = protocol.MaxFrame*4/3 + 1<<10
)

const (
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
	typeCBOR    = "application/cbor"
	typeBytes   = "application/octet-stream"
	typeHeader  = "application/vnd.ipld.dag-cbor"
	typeText    = "text/plain; charset=utf-8"
)

func mediaType(contentType string) string {
	if t, _, err := mime.ParseMediaType(contentType); err == nil {
		return t
	}
	return contentType
}

// jsonFormat is what huma reads and writes bodies with.
var jsonFormat = huma.Format{Marshal: marshal, Unmarshal: unmarshal}

// marshal writes JSON. It reports only what is wrong with the value: who asked may be gone, which is no failure of the
// node's.
func marshal(w io.Writer, v any) error {
	return huma.DefaultJSONFormat.Marshal(willing{w}, v)
}

type willing struct{ io.Writer }

func (w willing) Write(p []byte) (int, error) {
	_, _ = w.Writer.Write(p)
	return len(p), nil
}

// unmarshal reads JSON strictly: one value, of known fields, in UTF-8 (which the decoder would mend silently, and so
// change a name).
func unmarshal(data []byte, v any) error {
	if !utf8.Valid(data) {
		return Malformed("not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return jsonError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Malformed("it goes on after the JSON value")
	}
	return nil
}

// jsonError words a decoder's error for who wrote the JSON, who does not know the Go types.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return Malformed("empty, want JSON")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Malformed("the JSON ends early")
	case errors.As(err, &syntax):
		return Malformed("not JSON: %v at byte %d", syntax, syntax.Offset)
	case errors.As(err, &wrong):
		return Invalid("field %q: %s is not what is wanted there (%s)", wrong.Field, wrong.Value, wrong.Type)
	}
	return Invalid("%s", strings.TrimPrefix(err.Error(), "json: "))
}
