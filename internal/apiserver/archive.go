package apiserver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/lf-store/lf/node/api"
)

// archivePatience is how long a client may take for the next part of an archive. Its disk may be
// slow, or a person may look at a pager.
const archivePatience = 2 * time.Minute

// addArchive adds all records as a file.
func (h *Handler) addArchive(a api.Archive) {
	if a == nil {
		return
	}
	file := map[string]*huma.MediaType{api.TypeCAR: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
	add(h, huma.Operation{
		Method: "GET", Path: "/v1/export", OperationID: "export", Summary: "All records as a CAR file", Security: []map[string][]string{{securityToken: {rightRead}}},
		Description: "Attached records, parents before children: of each the header as a block of dag-cbor, then its value as a raw one. The roots are the network ID and up to 1,000 tips. The file ends early where the node fails.",
		Responses:   map[string]*huma.Response{"200": {Description: "a CAR file, version 1", Content: file}},
	}, func(context.Context, *nothing) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			out := &archiveWriter{w: w, control: http.NewResponseController(w)}
			if err := a.Export(ctx.Context(), out); err != nil {
				h.endExport(out, r, err)
			}
		}}, nil
	})
	add(h, huma.Operation{
		Method: "POST", Path: "/v1/import", OperationID: "import", Summary: "Take in the records of a CAR file", Security: []map[string][]string{{securityToken: {rightSubmit}}},
		Description: "A file as GET /v1/export makes it, from whomever: each record is checked like one from a peer. It ends at the first record that is wrong (422), and the records before it stay. The same file can be sent again after an interruption.",
		RequestBody: &huma.RequestBody{Required: true, Content: file},
		Responses:   map[string]*huma.Response{"200": {Description: "every record is durable", Content: map[string]*huma.MediaType{api.TypeJSON: {Schema: h.schema(typeOf[api.Imported]())}}}},
	}, func(context.Context, *nothing) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humago.Unwrap(ctx)
			done, err := a.Import(ctx.Context(), &archiveReader{r.Body, http.NewResponseController(w)})
			if err != nil {
				h.fail(w, r, err)
				return
			}
			w.Header().Set("Content-Type", api.TypeJSON)
			_ = marshal(w, done) // the client may have gone
		}}, nil
	})
}

// endExport tells why there is no file, or cuts it off.
func (h *Handler) endExport(out *archiveWriter, r *http.Request, err error) {
	switch {
	case !out.begun:
		h.fail(out.w, r, err)
		return
	case out.err == nil && r.Context().Err() == nil:
		h.log.Error("an export ended early", "error", err)
	}
	panic(http.ErrAbortHandler)
}

// archiveWriter sends an archive, to a client that may be slow.
type archiveWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
	err     error
}

func (a *archiveWriter) Write(p []byte) (int, error) {
	if !a.begun {
		a.begun = true
		a.w.Header().Set("Content-Type", api.TypeCAR)
		a.w.Header().Set("X-Accel-Buffering", "no")
	}
	// a writer without deadlines needs none
	_ = a.control.SetWriteDeadline(time.Now().Add(archivePatience))
	n, err := a.w.Write(p)
	a.err = errors.Join(a.err, err)
	return n, err
}

// archiveReader reads an archive from a client that may be slow.
type archiveReader struct {
	r       io.Reader
	control *http.ResponseController
}

func (a *archiveReader) Read(p []byte) (int, error) {
	deadline := time.Now().Add(archivePatience)
	_ = a.control.SetReadDeadline(deadline)
	// the answer comes after the last read
	_ = a.control.SetWriteDeadline(deadline.Add(archivePatience))
	return a.r.Read(p)
}
