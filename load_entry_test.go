package lf_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lf-store/lf"
)

// FuzzParseEntry holds that what a line says is what a line of the same entry says again, and that
// an error is one line.
func FuzzParseEntry(f *testing.F) {
	for _, seed := range []string{
		`{"selectors":["bad","horse#2"],"value":"x"}`, `{"selectors":["a\\#b#7"],"valueBase64":"/wA="}`, `{"selectors":["a"],"deleted":true}`,
		`{"selectors":["a"],"value":"","deleted":false}`, `{"selectors":["a","a#0"],"value":"x"}`, `{"selectors":[],"value":"x"}`,
		`{"selectors":["a#"],"value":null}`, `{"selectors":["a"],"value":"x","valueBase64":null}`, "\ufeff{}", `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := lf.ParseEntry(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %q", text, err)
			}
			return
		}
		if e.Deleted != (e.Value == nil) || !e.Key.Exact() {
			t.Errorf("%q: %+v", text, e)
		}
		line, err := json.Marshal(map[string]any{"selectors": e.Key.Expressions(), "valueBase64": e.Value})
		if e.Deleted {
			line, err = json.Marshal(map[string]any{"selectors": e.Key.Expressions(), "deleted": true})
		}
		if err != nil {
			t.Fatal(err)
		}
		again, err := lf.ParseEntry(line)
		if err != nil || again.Key.String() != e.Key.String() || !bytes.Equal(again.Value, e.Value) || again.Deleted != e.Deleted {
			t.Errorf("%q: %+v, and as %s %+v, %v", text, e, line, again, err)
		}
	})
}
