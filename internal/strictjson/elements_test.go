package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lf-store/lf/internal/strictjson"
)

func elementsOf(r io.Reader) (list []string, err error) {
	err = strictjson.Elements(r, "list", func(text []byte) error {
		list = append(list, string(text))
		return nil
	})
	return list, err
}

func TestElements(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`[1, {"a":[2]}, "x"]`:                     {"1", `{"a":[2]}`, `"x"`},
		`{"list":[1],"more":{"list":[2]}}`:        {"1"},
		"\ufeff {\"before\":[3],\n\"list\":[]}\n": nil,
		"[]": nil,
	} {
		if got, err := elementsOf(iotest.OneByteReader(strings.NewReader(text))); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "empty", "7": "want a list", `{}`: `no list "list"`, `{"list":7}`: `member "list": want a list`, `[1`: "ends early",
		`[1]]`: "goes on", `{"list":[],"list":[]}`: "twice", `[1,]`: "not JSON", `{"list":[1]} {}`: "goes on",
	} {
		_, err := elementsOf(strings.NewReader(text))
		var wrong *strictjson.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	stop := errors.New("stop")
	if err := strictjson.Elements(strings.NewReader("[1,2]"), "", func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	if _, err := elementsOf(io.MultiReader(strings.NewReader("[1,"), iotest.ErrReader(stop))); !errors.Is(err, stop) {
		t.Errorf("a stream that breaks off: %v", err)
	}
}

func TestBegin(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[{"a":1}]`: "[", ` {"a" : 1}`: "{a", "\ufeff{\"\\u0061\":1}": "{a", `{}`: "{", `{"a`: "{", `{1:2}`: "{", `"x"`: `"`, "": "\x00", "x": "\x00",
	} {
		kind, member := strictjson.Begin(strings.NewReader(text))
		if got := string(kind) + member; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// FuzzElements holds the stream's elements to those that the whole text has.
func FuzzElements(f *testing.F) {
	for _, seed := range []string{`[1,"x",{"a":[]}]`, `{"list":[1,2],"more":true}`, "\ufeff[]", `[1]x`, `{"list":[{"a":1,"a":2}]}`, `[1`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := elementsOf(bytes.NewReader(text))
		if err != nil {
			return
		}
		var want []json.RawMessage
		var object map[string]json.RawMessage
		rest := bytes.TrimPrefix(text, []byte("\ufeff"))
		if json.Unmarshal(rest, &want) != nil {
			if err := json.Unmarshal(rest, &object); err != nil {
				t.Fatalf("%q is read, %v", text, err)
			}
			if err := json.Unmarshal(object["list"], &want); err != nil {
				t.Fatalf("%q is read, %v", text, err)
			}
		}
		if !slices.EqualFunc(got, want, func(s string, raw json.RawMessage) bool { return s == string(raw) }) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	})
}
