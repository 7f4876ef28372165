package apiserver_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/apiserver"
	"github.com/lf-store/lf/protocol"
)

var update = flag.Bool("update", false, "write testdata/openapi.json anew")

func openapi(t *testing.T) []byte {
	t.Helper()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Version: "1.2.3", Archive: &fakeArchive{}, Activities: fakeActivities{}, Keeper: &fakeKeeper{}, Graph: fakeGraph{}})
	return ask(t, h, "GET", "/openapi.json", nil).want(t, http.StatusOK, "application/openapi+json")
}

// The document is a contract with the writers of clients: it changes only when somebody looks at
// the change.
func TestOpenAPIGolden(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "openapi.json")
	have := openapi(t)
	if *update {
		if err := os.WriteFile(golden, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("the OpenAPI document is not testdata/openapi.json: if that is meant, go test ./internal/apiserver -run OpenAPI -update")
	}
}

// What OpenAPI 3.1 asks of a document, as far as ours uses it.
func TestOpenAPIValid(t *testing.T) {
	t.Parallel()
	var doc struct {
		OpenAPI    string
		Info       struct{ Title, Version string }
		Paths      map[string]map[string]operation
		Components struct {
			Schemas         map[string]json.RawMessage
			SecuritySchemes map[string]json.RawMessage
		}
	}
	raw := openapi(t)
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Title == "" || doc.Info.Version != "1.2.3" {
		t.Errorf("head of the document: %s, %+v", doc.OpenAPI, doc.Info)
	}
	for _, ref := range references(t, raw) {
		if _, ok := doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]; !ok {
			t.Errorf("reference %s leads nowhere", ref)
		}
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths {
		for method, op := range item {
			op.check(t, method+" "+path, path)
			if ids[op.OperationID] {
				t.Errorf("operation %s is there twice", op.OperationID)
			}
			ids[op.OperationID] = true
			for _, scheme := range op.Security {
				for name := range scheme {
					if doc.Components.SecuritySchemes[name] == nil {
						t.Errorf("%s %s: no security scheme %s", method, path, name)
					}
				}
			}
		}
	}
}

type operation struct {
	OperationID string
	Summary     string
	Description string
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   json.RawMessage
	}
	Responses map[string]struct {
		Description string
		Content     map[string]json.RawMessage
	}
	Security []map[string][]string
}

func (op operation) check(t *testing.T, name, path string) {
	t.Helper()
	if op.OperationID == "" || op.Summary == "" || op.Description == "" || len(op.Responses) < 2 {
		t.Errorf("%s lacks an ID, a summary, a description or responses: %+v", name, op)
	}
	if len(op.Security) == 0 {
		t.Errorf("%s does not say who may use it", name)
	}
	if _, ok := op.Responses["4XX"]; !ok {
		t.Errorf("%s does not describe refusals", name)
	}
	inPath := 0
	for _, p := range op.Parameters {
		if p.Schema == nil || (p.In != "query" && p.In != "path" && p.In != "header") {
			t.Errorf("%s: parameter %+v", name, p)
		}
		if p.In == "path" {
			inPath++
			if !p.Required || !strings.Contains(path, "{"+p.Name+"}") {
				t.Errorf("%s: path parameter %+v", name, p)
			}
		}
	}
	if inPath != strings.Count(path, "{") {
		t.Errorf("%s: %d parameters in the path", name, inPath)
	}
	for status, r := range op.Responses {
		if r.Description == "" || (len(r.Content) == 0) != (status == "204" || status == "304") {
			t.Errorf("%s: response %s lacks a description or content", name, status)
		}
	}
}

// references returns every $ref in a document.
func references(t *testing.T, raw []byte) (refs []string) {
	t.Helper()
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				refs = append(refs, ref)
			}
			for _, each := range v {
				walk(each)
			}
		case []any:
			for _, each := range v {
				walk(each)
			}
		}
	}
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	walk(doc)
	if len(refs) == 0 {
		t.Fatal("a document without references")
	}
	return refs
}

// Every operation of the document is served, and those only that are meant to be.
func TestOpenAPIOperations(t *testing.T) {
	t.Parallel()
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal(openapi(t), &doc); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"DELETE /v1/jobs/{job}", "DELETE /v1/kv/{key}", "DELETE /v1/oracles/{oracle}", "DELETE /v1/peers/{peer}", "DELETE /v1/sessions/{id}", "GET /livez", "GET /metrics", "GET /readyz", "GET /v1/activity", "GET /v1/doctor", "GET /v1/export", "GET /v1/jobs/{job}", "GET /v1/kv", "GET /v1/kv/{key}", "GET /v1/links", "GET /v1/live", "GET /v1/network", "GET /v1/owners", "GET /v1/owners/{owner}", "GET /v1/peers", "GET /v1/records", "GET /v1/records/{cid}",
		"GET /v1/records/{cid}/around", "GET /v1/seeds", "GET /v1/session", "GET /v1/sessions", "GET /v1/status", "GET /v1/watch", "POST /v1/import", "POST /v1/owners", "POST /v1/peers", "POST /v1/prepare", "POST /v1/pulses", "POST /v1/query", "POST /v1/records", "POST /v1/session", "POST /v1/sessions", "POST /v1/set", "POST /v1/synced", "POST /v1/watch", "POST /v1/work", "PUT /v1/default-owner", "PUT /v1/kv/{key}", "PUT /v1/oracles/{oracle}",
	}
	var have []string
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Archive: &fakeArchive{}, Activities: fakeActivities{}, Keeper: &fakeKeeper{}, Graph: fakeGraph{}})
	h.EndStreams() // so that every answer ends
	for path, item := range doc.Paths {
		for method := range item {
			method = strings.ToUpper(method)
			have = append(have, method+" "+path)
			got := ask(t, h, method, strings.NewReplacer("{cid}", "x", "{owner}", "x", "{peer}", "x", "{key}", "x", "{job}", "x", "{id}", "x").Replace(path), nil)
			missing := got.Code == 404 && !strings.Contains(path, "{peer}") && !strings.Contains(path, "{key}") && !strings.Contains(path, "{job}") && !strings.Contains(path, "{id}") && path != "/v1/session"
			if missing || got.Code == 405 {
				t.Errorf("%s %s is in the document and not served: %d", method, path, got.Code)
			}
		}
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("operations:\nhave %q\nwant %q", have, want)
	}
}

func TestOpenAPIYAML(t *testing.T) {
	t.Parallel()
	h := apiserver.NewHandler(newFake(t), apiserver.HandlerOptions{Version: "1.2.3"})
	body := ask(t, h, "GET", "/openapi.yaml", nil).want(t, http.StatusOK, "application/openapi+yaml")
	if !bytes.Contains(body, []byte("\npaths:\n")) || !bytes.Contains(body, []byte("/v1/query:")) {
		t.Errorf("not the document in YAML: %.200s", body)
	}
}

// The examples are what their formats promise.
func TestOpenAPIExamples(t *testing.T) {
	t.Parallel()
	parse := map[string]func(string) error{
		"cid":     func(s string) error { _, err := protocol.ParseID(s); return err },
		"peer-id": func(s string) error { _, err := protocol.ParseOwner(s); return err },
		"hex":     func(s string) error { return new(protocol.SelectorKey).UnmarshalText([]byte(s)) },
	}
	seen := map[string]int{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			format, _ := v["format"].(string)
			if examples, ok := v["examples"].([]any); ok && parse[format] != nil {
				seen[format]++
				if err := parse[format](examples[0].(string)); err != nil {
					t.Errorf("format %s: %v", format, err)
				}
			}
			for _, each := range v {
				walk(each)
			}
		case []any:
			for _, each := range v {
				walk(each)
			}
		}
	}
	var doc any
	if err := json.Unmarshal(openapi(t), &doc); err != nil {
		t.Fatal(err)
	}
	walk(doc)
	if len(seen) != len(parse) {
		t.Errorf("formats with examples: %v", seen)
	}
}
