package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// What is written by hand is what encoding/json writes, and reads.
func TestAppendJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := QueryResult{Answers: drawSome(t, drawAnswer), More: rapid.Bool().Draw(t, "more")}
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

func drawAnswer(t *rapid.T) Answer {
	return Answer{
		Composite: drawHash(t), Ordinals: rapid.SliceOfN(rapid.Uint64(), 0, 3).Draw(t, "ordinals"), Deleted: rapid.Bool().Draw(t, "deleted"),
		Record: drawRecord(t), History: drawSome(t, drawRecord), Others: drawSome(t, drawRecord),
	}
}

func drawRecord(t *rapid.T) RecordInfo {
	return RecordInfo{
		ID: drawHash(t), Type: rapid.String().Draw(t, "type"), Owner: drawHash(t), Timestamp: rapid.Uint64().Draw(t, "timestamp"),
		Links: drawSome(t, func(t *rapid.T) protocol.ID { return drawHash(t) }),
		Selectors: drawSome(t, func(t *rapid.T) SelectorInfo {
			return SelectorInfo{drawHash(t), rapid.Uint64().Draw(t, "ordinal")}
		}),
		Effort: rapid.Uint32().Draw(t, "effort"), Index: rapid.Uint64Max(2).Draw(t, "index"), State: rapid.String().Draw(t, "state"),
		Value: rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "value"), Text: rapid.Ptr(rapid.String(), true).Draw(t, "text"),
		Sealed: rapid.Bool().Draw(t, "sealed"), Frame: rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "frame"),
	}
}

// drawHash makes 32 bytes out of few.
func drawHash(t *rapid.T) [32]byte {
	return sha256.Sum256(rapid.SliceOfN(rapid.Byte(), 2, 2).Draw(t, "hash"))
}

// drawSome draws none, one or two; none is nil or empty.
func drawSome[T any](t *rapid.T, draw func(*rapid.T) T) []T {
	n := rapid.IntRange(-1, 2).Draw(t, "count")
	if n < 0 {
		return nil
	}
	list := make([]T, n)
	for i := range list {
		list[i] = draw(t)
	}
	return list
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
