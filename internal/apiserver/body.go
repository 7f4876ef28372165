package apiserver

import (
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// Limits of request bodies, in bytes. In JSON a byte of text takes six at worst (\u0001), a byte in
// base64 4/3.
const (
	// maxConnectBody has room for as many addresses as there may be, with long names.
	maxConnectBody = 16 << 10
	maxQueryBody   = 6*(protocol.MaxSelectors*protocol.MaxName+api.MaxMaskingKey) + (api.MaxOwners+api.MaxOracles)*64 +
		api.MaxAuthorities*(api.MaxAuthority*4/3+8) + api.MaxKeySelectors*keyBytes + 16<<10
	// keyBytes is a selector by key: 64 digits, two ordinals of 19 digits, and its members' names.
	keyBytes      = 160
	maxSetBody    = 6*(protocol.MaxPlaintext+2*protocol.MaxSelectors*protocol.MaxName+api.MaxMaskingKey) + 16<<10
	maxRecordBody = protocol.MaxFrame*4/3 + 1<<10
	maxWorkBody   = 1 << 10
	// maxSessionBody has room for a code, however it is escaped.
	maxSessionBody = 1 << 10
	maxPulsesBody  = api.MaxPulses*(protocol.MaxPulse*4/3+8) + 1<<10
)

// Media types that only the server needs.
const (
	typeBytes = "application/octet-stream"
	anyType   = "*/*"
	typeText  = "text/plain; charset=utf-8"
)

func mediaType(contentType string) string {
	if contentType == api.TypeJSON { // most
		return contentType
	}
	if t, _, err := mime.ParseMediaType(contentType); err == nil {
		return t
	}
	return contentType
}

// jsonFormat is what huma reads and writes bodies with.
var jsonFormat = huma.Format{Marshal: marshal, Unmarshal: unmarshal}

// marshal writes JSON. It reports only what is wrong with the value: the client may be gone, which
// is no failure of the node.
func marshal(w io.Writer, v any) error {
	return huma.DefaultJSONFormat.Marshal(willing{w}, v)
}

type willing struct{ io.Writer }

func (w willing) Write(p []byte) (int, error) {
	_, _ = w.Writer.Write(p)
	return len(p), nil
}

// unmarshal reads JSON strictly, unknown members being errors: a misspelled one would change what
// is asked for.
func unmarshal(data []byte, v any) error {
	err := strictjson.Unmarshal(data, v, 0)
	var wrong *strictjson.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, strictjson.ErrCompressed):
		return &compressedError{api.NewError(http.StatusUnsupportedMediaType, "%v; the node takes no compressed bodies", err)}
	case errors.As(err, &wrong) && wrong.Syntax:
		return api.Malformed("%v", err)
	}
	return api.Invalid("%v", err)
}

// compressedError has huma answer with the problem's status, too.
type compressedError struct{ problem *api.Error }

func (e *compressedError) Error() string { return e.problem.Error() }

func (e *compressedError) Unwrap() []error { return []error{e.problem, huma.ErrUnknownContentType} }
