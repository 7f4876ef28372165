package apiserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
)

// newConfig is huma's configuration: JSON only, no pages of its own, no links to schemas in the
// answers.
func newConfig(version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "LF",
				Version:     version,
				Description: "A node of LF, a decentralized, replicated key/value store. Over the Unix socket api.sock in the node's home its user may do everything without a token (curl --unix-socket HOME/api.sock http://localhost/v1/status). Over TCP this machine may read, and others with the token. Writing, paying work and administration need the token in the file api.token in the node's home. A private node (lf node --api-private) asks for it for reads, too, and a public one (--api-public) lets everybody read. 429 says that an address has made too many requests without a token. Errors are problem details (RFC 9457).",
				License:     &huma.License{Name: "MPL-2.0", Identifier: "MPL-2.0"},
			},
			Servers: []*huma.Server{{URL: "/", Description: "the node that this document is from"}},
			Components: &huma.Components{
				Schemas: newSchemas(),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					securityToken: {Type: "http", Scheme: "bearer", Description: "the content of the file api.token in the node's home, which allows everything; or a limited token of lf token add, which allows what its roles say: read, submit, work, set; or that of a session of the page, which allows these and session. Not needed over the socket api.sock in the home"},
				},
			},
		},
		Formats:       map[string]huma.Format{api.TypeJSON: jsonFormat, "json": jsonFormat},
		DefaultFormat: api.TypeJSON,
		Transformers:  []huma.Transformer{problems},
	}
}

const securityToken = "token"

// addDocument serves the OpenAPI document, which does not describe itself. It is encoded when it is
// first asked for: that takes as long as the rest of a node's start.
func (h *Handler) addDocument() {
	o := h.api.OpenAPI()
	correct(o.Components.Schemas)
	h.addPage("/openapi.json", "application/openapi+json", func() ([]byte, error) {
		b, err := json.MarshalIndent(o, "", "  ")
		return append(b, '\n'), err
	})
	h.addPage("/openapi.yaml", "application/openapi+yaml", o.YAML)
}

// addPage serves what encode returns. It runs once.
func (h *Handler) addPage(path, contentType string, encode func() ([]byte, error)) {
	body := sync.OnceValue(func() []byte {
		b, err := encode()
		if err != nil {
			panic(fmt.Errorf("OpenAPI document: %w", err)) // it depends on nothing but the program
		}
		return b
	})
	h.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		b := body()
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(b) // who asked may be gone; there is nobody to tell
	})
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func (h *Handler) schema(t reflect.Type) *huma.Schema {
	return h.api.OpenAPI().Components.Schemas.Schema(t, true, "")
}

// binary is content that is not JSON.
func binary() *huma.MediaType {
	return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
}

func plainText() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: "OK",
		Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
}

// outcomes describes what may become of a record.
func (h *Handler) outcomes(statuses ...int) map[string]*huma.Response {
	words := map[int]string{
		http.StatusOK:       "the node had the record",
		http.StatusCreated:  "the record is durable and attached",
		http.StatusAccepted: "the record is durable, and pending or held",
	}
	responses := map[string]*huma.Response{}
	for _, status := range statuses {
		responses[strconv.Itoa(status)] = &huma.Response{
			Description: words[status],
			Content:     map[string]*huma.MediaType{api.TypeJSON: {Schema: h.schema(typeOf[api.Submitted]())}},
		}
	}
	return responses
}

// described describes an answer that is an error.
func (h *Handler) described(doc string) *huma.Response {
	return &huma.Response{
		Description: doc,
		Content:     map[string]*huma.MediaType{api.TypeProblem: {Schema: h.schema(typeOf[api.Error]())}},
	}
}

// requestTypes are refused when they have fields that are not known; answers may grow some.
var requestTypes = []string{"Query", "SelectorObject", "SetRequest", "SubmitRequest", "PrepareRequest", "WorkRequest", "SignedRecord", "SessionRequest", "SessionCode", "TestbedLinks", "BlockedLink", "NewOwnerRequest", "DefaultOwnerRequest"}

// correct corrects what huma takes for granted. Lists are never null here. A client should take an
// answer that has grown a field. A uint32 does not fit the format int32. An answer has large
// integers as strings alone.
func correct(schemas huma.Registry) {
	for name, s := range schemas.Map() {
		request := slices.Contains(requestTypes, name)
		if !request {
			s.AdditionalProperties = nil
		}
		for member, property := range s.Properties {
			property.Nullable = false
			if property.Format == "int32" && property.Minimum != nil {
				property.Format = "int64"
			}
			switch {
			case !request && property.Format == formatUint64, name == "ClaimInfo" && member == "weight":
				*property = *digits(property.Description)
			case !request && property.Items != nil && property.Items.Format == formatUint64:
				property.Items = digits("")
			}
		}
	}
}

// newSchemas returns a registry that knows the types whose text form stands in the JSON, and that
// errors are ours.
func newSchemas() huma.Registry {
	r := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(typeOf[huma.ErrorModel](), typeOf[api.Error]())
	r.RegisterTypeAlias(typeOf[protocol.ID](), typeOf[textID]())
	r.RegisterTypeAlias(typeOf[protocol.Owner](), typeOf[textOwner]())
	r.RegisterTypeAlias(typeOf[protocol.SelectorKey](), typeOf[textSelectorKey]())
	r.RegisterTypeAlias(typeOf[protocol.CompositeID](), typeOf[textComposite]())
	r.RegisterTypeAlias(typeOf[protocol.Criterion](), typeOf[textCriterion]())
	r.RegisterTypeAlias(typeOf[protocol.Policy](), typeOf[policyList]())
	r.RegisterTypeAlias(typeOf[api.Uint64](), typeOf[textUint64]())
	r.RegisterTypeAlias(typeOf[api.Uint64s](), typeOf[[]textUint64]())
	r.RegisterTypeAlias(typeOf[api.SelectorRange](), typeOf[selector]())
	return r
}

// The types of package protocol, which knows nothing of huma, as the schemas show them.
type (
	textID          string
	textOwner       string
	textSelectorKey string
	textComposite   string
	textCriterion   string
	textPolicy      string
	policyList      []textCriterion
	textUint64      string
)

// Schema implements [huma.SchemaProvider], as for the other types.
func (textID) Schema(huma.Registry) *huma.Schema {
	return text("cid", "a record's CID: version 1, dag-cbor, sha2-256", "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")
}

func (textOwner) Schema(huma.Registry) *huma.Schema {
	return text("peer-id", "an Ed25519 public key as a libp2p peer ID", "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5")
}

func (textSelectorKey) Schema(huma.Registry) *huma.Schema {
	return hex32("a blinded name, in hexadecimal", "8f3bb9e7a4d5c60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f")
}

func (textComposite) Schema(huma.Registry) *huma.Schema {
	return hex32("a composite key's ID, in hexadecimal", "0d9f7a35c2b1e84f66a7d8c9b0e1f2031425364758697a8b9cadbecfd0e1f203")
}

func (textCriterion) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, c := range protocol.Criteria() {
		s.Enum = append(s.Enum, string(c))
	}
	return s
}

func (policyList) Schema(r huma.Registry) *huma.Schema {
	most := len(protocol.Criteria())
	return &huma.Schema{
		Type: huma.TypeArray, MaxItems: &most, Items: r.Schema(typeOf[textCriterion](), true, ""),
		Description: "the criteria by which claims are ranked; the first one that tells two claims apart decides. " + criteriaText(),
	}
}

const formatUint64 = "uint64"

// digits is a large integer in an answer.
func digits(doc string) *huma.Schema {
	s := text(formatUint64, doc, "9007199254740993")
	s.Pattern = "^(0|[1-9][0-9]{0,19})$"
	return s
}

func (textUint64) Schema(huma.Registry) *huma.Schema {
	least, most := 0.0, float64(api.MaxNumber)
	return &huma.Schema{Format: formatUint64, OneOf: []*huma.Schema{
		digits("decimal digits"),
		{Type: huma.TypeInteger, Format: "int64", Minimum: &least, Maximum: &most, Description: "or a number up to 2^53−1"},
	}}
}

type (
	// selector is an [api.SelectorRange] as the schemas show it.
	selector struct{}
	// SelectorObject is its form as an object.
	SelectorObject api.SelectorRange
)

func (selector) Schema(r huma.Registry) *huma.Schema {
	expression := text("", "a selector expression, as on the command line: NAME, NAME#ORDINAL, NAME#FROM#TO, NAME#FROM.., NAME#..TO or NAME# (every ordinal); \\# is a hash in a name", "horse#2")
	return &huma.Schema{OneOf: []*huma.Schema{expression, r.Schema(typeOf[SelectorObject](), true, "")}}
}

// Schema describes a policy in a query string.
func (textPolicy) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Examples: []any{"weight,newest"},
		Description: "the criteria by which claims are ranked, with commas between; absent: the node's. " + criteriaText(),
	}
}

// criteriaText says what each criterion prefers.
func criteriaText() string {
	var list []string
	for _, c := range protocol.Criteria() {
		list = append(list, string(c)+": "+c.Help())
	}
	return strings.Join(list, ". ")
}

func hex32(doc, example string) *huma.Schema {
	s := text("hex", doc+": 64 digits", example)
	s.Pattern = "^[0-9a-fA-F]{64}$"
	return s
}

func text(format, doc, example string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: format, Description: doc, Examples: []any{example}}
}
