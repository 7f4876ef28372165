package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"pgregory.net/rapid"
)

// The schemas are made from the types, the checks are written by hand: this holds them together. A request that the
// schema refuses is refused (there are rules that a schema cannot say, so not the other way round).
func TestSchemasAndChecksAgree(t *testing.T) {
	for _, sample := range []struct {
		in     any
		check  func(body []byte) error
		bodies *rapid.Generator[any]
		good   string
	}{
		{Query{}, decodeAndCheck[*Query], anyQuery(), `{"selectors":[{"name":"n","to":5}],"owners":[],"limit":1000}`},
		{SetRequest{}, decodeAndCheck[*SetRequest], anySet(), `{"selectors":["b#1"],"type":"set","value":"eA=="}`},
	} {
		t.Run(reflect.TypeOf(sample.in).Name(), func(t *testing.T) {
			registry := newSchemas()
			schema := registry.Schema(reflect.TypeOf(sample.in), false, "")
			if bySchema, byCheck := validate(registry, schema, []byte(sample.good)), sample.check([]byte(sample.good)); byCheck != nil || len(bySchema) > 0 {
				t.Fatalf("%s: %v, %v", sample.good, bySchema, byCheck)
			}
			rapid.Check(t, func(t *rapid.T) {
				body, err := json.Marshal(sample.bodies.Draw(t, "body"))
				if err != nil {
					t.Fatal(err)
				}
				bySchema := validate(registry, schema, body)
				byCheck := sample.check(body)
				if len(bySchema) > 0 && byCheck == nil {
					t.Fatalf("%s is taken, and the schema says %v", body, bySchema)
				}
			})
		})
	}
}

func validate(r huma.Registry, s *huma.Schema, body []byte) []error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return []error{err}
	}
	var result huma.ValidateResult
	huma.Validate(r, s, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, v, &result)
	return result.Errors
}

// decodeAndCheck is what the handler does with a body before the service sees it.
func decodeAndCheck[P interface {
	*Query | *SetRequest
	Check() error
}](body []byte) error {
	v := reflect.New(reflect.TypeFor[P]().Elem()).Interface().(P)
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", typeJSON)
	if err := readJSON(httptest.NewRecorder(), r, maxSetBody, v); err != nil {
		return err
	}
	return v.Check()
}

func anyQuery() *rapid.Generator[any] {
	selector := fields(map[string]*rapid.Generator[any]{
		"name": oneOf("n", "", strings.Repeat("n", 1024), strings.Repeat("n", 1025), 1),
		"key":  oneOf(strings.Repeat("0a", 32), "0a", strings.Repeat("xy", 32)),
		"from": oneOf(0, 1, -1, 1.5, "1"),
		"to":   oneOf(5, -1, 1e30),
		"size": oneOf(1),
	}, "size", "key")
	return fields(map[string]*rapid.Generator[any]{
		"selectors":  list(selector, 16),
		"open":       oneOf(true, false, "true"),
		"owners":     list(oneOf("12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"), 66),
		"since":      oneOf(0, 1, -1),
		"limit":      oneOf(0, 1000, 1001, -1),
		"decrypt":    oneOf(true, false),
		"maskingKey": oneOf("m", strings.Repeat("m", 1025)),
		"policy":     oneOf("x"),
	}, "policy", "owners", "limit", "maskingKey")
}

func anySet() *rapid.Generator[any] {
	return fields(map[string]*rapid.Generator[any]{
		"selectors":  list(oneOf("a", "b#1", "c#2", "d#", ""), 16),
		"text":       oneOf("x", "", 1),
		"value":      oneOf("eA==", "*"), // huma takes "" for no base64; it is the empty value's
		"type":       oneOf("set", "delete", "release", "upsert"),
		"owner":      oneOf("me", 1),
		"maskingKey": oneOf("m", strings.Repeat("m", 1025)),
		"time":       oneOf(1),
	}, "time", "maskingKey", "owner")
}

func oneOf(values ...any) *rapid.Generator[any] {
	// The first is drawn as often as the rest together, so that whole requests come out right now and then.
	return rapid.Custom(func(t *rapid.T) any {
		if rapid.Bool().Draw(t, "first") {
			return values[0]
		}
		return rapid.SampledFrom(values).Draw(t, "value")
	})
}

func list(of *rapid.Generator[any], longest int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		n := rapid.SampledFrom([]int{1, 1, 1, 2, 0, longest}).Draw(t, "length")
		return rapid.SliceOfN(of, n, n).Draw(t, "list")
	})
}

// fields makes an object of some of the fields; the rare ones are seldom there.
func fields(all map[string]*rapid.Generator[any], rare ...string) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		object := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(all)) { // in one order, so that rapid can repeat it
			odds := 2
			if slices.Contains(rare, name) {
				odds = 12
			}
			if rapid.IntRange(1, odds).Draw(t, "has "+name) == 1 {
				object[name] = all[name].Draw(t, name)
			}
		}
		return object
	})
}

func TestErrorIs(t *testing.T) {
	err := error(NotFound("no record %d", 7))
	if !errors.Is(err, &Error{Status: http.StatusNotFound}) || errors.Is(err, &Error{Status: http.StatusConflict}) || err.Error() != "no record 7" {
		t.Errorf("%v", err)
	}
	var status huma.StatusError
	if !errors.As(err, &status) || status.GetStatus() != http.StatusNotFound {
		t.Errorf("not a status error of huma: %v", err)
	}
}
