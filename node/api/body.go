package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/lf-store/lf/protocol"
)

// Limits of request bodies, in bytes. In JSON a byte of text takes six at worst (\u0001), a byte in base64 4/3.
const (
	maxQueryBody  = 6*(protocol.MaxSelectors*protocol.MaxName+MaxMaskingKey) + MaxOwners*64 + 16<<10
	maxSetBody    = 6*(protocol.MaxPlaintext+2*protocol.MaxSelectors*protocol.MaxName+MaxMaskingKey) + 16<<10
	maxRecordBody = protocol.MaxFrame*4/3 + 1<<10
)

const (
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
	typeCBOR    = "application/cbor"
	typeBytes   = "application/octet-stream"
	typeHeader  = "application/vnd.ipld.dag-cbor"
)

// buffers are reused between requests; those that grew large are left to the garbage collector.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const maxPooledBuffer = 64 << 10

func freeBuffer(b *bytes.Buffer) {
	if b.Cap() <= maxPooledBuffer {
		b.Reset()
		buffers.Put(b)
	}
}

// readBody reads a body of at most limit bytes. The size that the client declares decides nothing.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, into *bytes.Buffer) error {
	if _, err := into.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return Malformed("the body ends early: %v", err)
	}
	return nil
}

// readJSON reads a JSON body strictly: one value, of known fields, in UTF-8 (which the decoder would mend silently,
// and so change a name).
func readJSON(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	if t := mediaType(r); t != typeJSON {
		return wrongType(t, typeJSON)
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer freeBuffer(buf)
	if err := readBody(w, r, limit, buf); err != nil {
		return err
	}
	if !utf8.Valid(buf.Bytes()) {
		return Malformed("the body is not valid UTF-8")
	}
	return decodeJSON(buf, v)
}

func decodeJSON(buf *bytes.Buffer, v any) error {
	d := json.NewDecoder(buf)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return jsonError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Malformed("the body goes on after the JSON value")
	}
	return nil
}

// jsonError words a decoder's error for who wrote the JSON, who does not know the Go types.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return Malformed("the body is empty, want JSON")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Malformed("the JSON ends early")
	case errors.As(err, &syntax):
		return Malformed("not JSON: %v at byte %d", syntax, syntax.Offset)
	case errors.As(err, &wrong) && wrong.Field != "":
		return Invalid("field %q: %s is not what is wanted there (%s)", wrong.Field, wrong.Value, wrong.Type)
	case errors.As(err, &wrong):
		return Invalid("%s is not what is wanted here, a JSON object", wrong.Value)
	}
	return Invalid("%s", strings.TrimPrefix(err.Error(), "json: "))
}

func mediaType(r *http.Request) string {
	header := r.Header.Get("Content-Type")
	if header == typeJSON || header == typeCBOR {
		return header
	}
	t, _, err := mime.ParseMediaType(header)
	if err != nil {
		return header
	}
	return t
}

func wrongType(have string, want ...string) error {
	return newError(http.StatusUnsupportedMediaType, "the content type is %q, want %s", have, strings.Join(want, " or "))
}

// Headers that every answer has. Answers hold decrypted values, so nobody keeps them.
var (
	headerJSON    = []string{typeJSON}
	headerProblem = []string{typeProblem}
	headerNoStore = []string{"no-store"}
	headerNoSniff = []string{"nosniff"}
)

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	return writeJSONAs(w, headerJSON, status, v)
}

func writeJSONAs(w http.ResponseWriter, contentType []string, status int, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer freeBuffer(buf)
	if err := encodeJSON(buf, v); err != nil {
		return err
	}
	w.Header()["Content-Type"] = contentType
	return writeBody(w, status, buf.Bytes())
}

func encodeJSON(buf *bytes.Buffer, v any) error {
	if fast, ok := v.(interface{ appendJSON([]byte) []byte }); ok {
		_, err := buf.Write(fast.appendJSON(buf.AvailableBuffer()))
		return err
	}
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
