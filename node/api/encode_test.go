package api

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// What is written by hand is what encoding/json writes, and reads.
func TestAppendJSON(t *testing.T) {
	results := rapid.Make[QueryResult]()
	rapid.Check(t, func(t *rapid.T) {
		q := results.Draw(t, "result")
		if q.Answers == nil {
			q.Answers = []Answer{}
		}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(&q); err != nil {
			t.Fatal(err)
		}
		if have := q.appendJSON(nil); !bytes.Equal(have, want.Bytes()) {
			t.Fatalf("\nhave %s\nwant %s", have, want.Bytes())
		}
	})
}

func TestAppendJSONStrings(t *testing.T) {
	for _, s := range []string{"", "plain", "<&>", "\"\\/", "\x00\x1f\x7f\n\t", "ünïcode \u2028 🐴", "not \xff UTF-8"} {
		info := RecordInfo{Text: &s, Owner: protocol.Owner{1}}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(&info); err != nil {
			t.Fatal(err)
		}
		if have := append(info.appendJSON(nil), '\n'); !bytes.Equal(have, want.Bytes()) {
			t.Errorf("%q:\nhave %s\nwant %s", s, have, want.Bytes())
		}
	}
}
