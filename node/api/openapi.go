package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/protocol"
)

// document is the OpenAPI document, encoded once.
type document struct{ json, yaml []byte }

// newDocument describes the routes. Huma makes the schemas out of the Go types and their tags; the requests themselves
// do not pass through huma, whose reflection costs more than the query it would stand in front of (see the benchmark).
// Tests hold document and handler together.
func newDocument(routes []route, version string) document {
	d := describer{schemas: newSchemas()}
	o := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title:       "LF",
			Version:     version,
			Description: "A node of LF, a decentralized, replicated key/value store. This machine may read; whatever writes, spends work or administers needs the token in the file api.token in the node's home. Errors are problem details (RFC 9457).",
			License:     &huma.License{Name: "MPL-2.0", Identifier: "MPL-2.0"},
		},
		Servers: []*huma.Server{{URL: "/", Description: "the node that this document is from"}},
		Components: &huma.Components{
			Schemas: d.schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				securityToken: {Type: "http", Scheme: "bearer", Description: "the content of the file api.token in the node's home"},
			},
		},
	}
	for _, rt := range routes {
		o.AddOperation(d.operation(rt))
	}
	d.finish()
	return encodeDocument(o)
}

const securityToken = "token"

func encodeDocument(o *huma.OpenAPI) document {
	j, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		panic(fmt.Errorf("OpenAPI document: %w", err)) // it depends on nothing but the program
	}
	y, err := o.YAML()
	if err != nil {
		panic(fmt.Errorf("OpenAPI document: %w", err))
	}
	return document{append(j, '\n'), y}
}

// documentRoutes serve the document; it does not describe itself.
func (h *Handler) documentRoutes() []route {
	page := func(contentType string, body []byte) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", contentType)
			return writeBody(w, http.StatusOK, body)
		}
	}
	return []route{
		{method: "GET", path: "/openapi.json", access: anybody, serve: page("application/openapi+json", h.document.json)},
		{method: "GET", path: "/openapi.yaml", access: anybody, serve: page("application/openapi+yaml", h.document.yaml)},
	}
}

// describer turns routes into operations.
type describer struct{ schemas huma.Registry }

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func (d describer) schema(t reflect.Type) *huma.Schema { return d.schemas.Schema(t, true, t.Name()) }

func (d describer) operation(rt route) *huma.Operation {
	op := &huma.Operation{
		Method: rt.method, Path: rt.path, OperationID: rt.id, Summary: rt.summary, Description: rt.text,
		Responses: d.responses(rt),
	}
	switch rt.access {
	case holders:
		op.Security = []map[string][]string{{securityToken: {}}}
	case readers: // on loopback without, elsewhere with the token
		op.Security = []map[string][]string{{}, {securityToken: {}}}
	}
	for _, p := range rt.params {
		op.Parameters = append(op.Parameters, d.parameter(p))
	}
	if rt.in != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Content: d.content(rt.in, rt.inBytes)}
	}
	return op
}

func (d describer) parameter(p param) *huma.Param {
	s := d.schema(p.like)
	if p.example != "" {
		s.Examples = []any{p.example}
	}
	out := &huma.Param{Name: p.name, In: p.in, Description: p.doc, Required: p.in == "path" || p.name == "k", Schema: s}
	if p.list {
		explode := true
		out.Schema, out.Explode = &huma.Schema{Type: huma.TypeArray, Items: s}, &explode
	}
	return out
}

func (d describer) content(t reflect.Type, asBytes []string) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{typeJSON: {Schema: d.schema(t)}}
	for _, media := range asBytes {
		content[media] = &huma.MediaType{} // bytes have no schema in OpenAPI 3.1
	}
	return content
}

func (d describer) responses(rt route) map[string]*huma.Response {
	statuses := rt.statuses
	if len(statuses) == 0 {
		statuses = []int{http.StatusOK}
	}
	responses := map[string]*huma.Response{"default": {
		Description: "an error",
		Content:     map[string]*huma.MediaType{typeProblem: {Schema: d.schema(typeOf[Error]())}},
	}}
	for _, status := range statuses {
		r := &huma.Response{Description: outcome(status)}
		if rt.plain {
			r.Content = map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}
		} else {
			r.Content = d.content(rt.out, rt.outBytes)
		}
		responses[strconv.Itoa(status)] = r
	}
	return responses
}

// outcome words a status of success.
func outcome(status int) string {
	switch status {
	case http.StatusCreated:
		return "the record is durable and attached"
	case http.StatusAccepted:
		return "the record is durable, and pending or held"
	}
	return "done"
}

// requestTypes are refused when they have fields that are not known; answers may grow some.
var requestTypes = []string{"Query", "SelectorRange", "SetRequest", "SubmitRequest"}

// finish corrects what huma takes for granted: lists are never null here, a client should take an answer that has grown
// a field, and a uint32 does not fit the format int32.
func (d describer) finish() {
	for name, s := range d.schemas.Map() {
		if !slices.Contains(requestTypes, name) {
			s.AdditionalProperties = nil
		}
		for _, property := range s.Properties {
			property.Nullable = false
			if property.Format == "int32" && property.Minimum != nil {
				property.Format = "int64"
			}
		}
	}
}

// newSchemas returns a registry that knows the types whose text form stands in the JSON.
func newSchemas() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(typeOf[protocol.ID](), typeOf[textID]())
	r.RegisterTypeAlias(typeOf[protocol.Owner](), typeOf[textOwner]())
	r.RegisterTypeAlias(typeOf[protocol.SelectorKey](), typeOf[textSelectorKey]())
	r.RegisterTypeAlias(typeOf[protocol.CompositeID](), typeOf[textComposite]())
	return r
}

// The types of package protocol, which knows nothing of huma, as the schemas show them.
type (
	textID          struct{}
	textOwner       struct{}
	textSelectorKey struct{}
	textComposite   struct{}
)

func (textID) Schema(huma.Registry) *huma.Schema {
	return text("cid", "a record's CID: version 1, dag-cbor, sha2-256", "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")
}

func (textOwner) Schema(huma.Registry) *huma.Schema {
	return text("peer-id", "an Ed25519 public key as a libp2p peer ID", "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5")
}

func (textSelectorKey) Schema(huma.Registry) *huma.Schema {
	s := text("hex", "a blinded name, in hexadecimal", "8f3bb9e7a4d5c60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f")
	s.Pattern = hex32
	return s
}

func (textComposite) Schema(huma.Registry) *huma.Schema {
	s := text("hex", "a composite key's ID, in hexadecimal", "0d9f7a35c2b1e84f66a7d8c9b0e1f2031425364758697a8b9cadbecfd0e1f203")
	s.Pattern = hex32
	return s
}

const hex32 = "^[0-9a-fA-F]{64}$"

func text(format, doc, example string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: format, Description: doc, Examples: []any{example}}
}
