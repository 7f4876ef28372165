package api

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/lf-store/lf/protocol"
)

// Answers to queries are written by hand, because encoding/json takes longer to write one than the store takes to find
// it. What is written is the same, byte for byte; a test holds the two together.

// appendJSON writes the result and the line end that encoding/json's Encoder writes.
func (q *QueryResult) appendJSON(b []byte) []byte {
	b = append(b, `{"answers":[`...)
	for i := range q.Answers {
		b = q.Answers[i].appendJSON(comma(b, i))
	}
	b = append(b, ']')
	if q.More {
		b = append(b, `,"more":true`...)
	}
	return append(b, '}', '\n')
}

func (a *Answer) appendJSON(b []byte) []byte {
	b = appendHex(append(b, `{"composite":`...), a.Composite[:])
	b = append(b, `,"ordinals":`...)
	if a.Ordinals == nil {
		b = append(b, `null`...)
	} else {
		b = append(b, '[')
		for i, o := range a.Ordinals {
			b = strconv.AppendUint(comma(b, i), o, 10)
		}
		b = append(b, ']')
	}
	if a.Deleted {
		b = append(b, `,"deleted":true`...)
	}
	b = a.Record.appendJSON(append(b, `,"record":`...))
	b = appendRecords(b, `,"history":[`, a.History)
	b = appendRecords(b, `,"others":[`, a.Others)
	return append(b, '}')
}

func appendRecords(b []byte, head string, records []RecordInfo) []byte {
	if len(records) == 0 {
		return b
	}
	b = append(b, head...)
	for i := range records {
		b = records[i].appendJSON(comma(b, i))
	}
	return append(b, ']')
}

func (r *RecordInfo) appendJSON(b []byte) []byte {
	b = appendID(append(b, `{"id":`...), r.ID)
	b = appendString(append(b, `,"type":`...), r.Type)
	b = append(append(append(b, `,"owner":"`...), r.Owner.String()...), '"')
	b = strconv.AppendUint(append(b, `,"timestamp":`...), r.Timestamp, 10)
	if len(r.Links) > 0 {
		b = append(b, `,"links":[`...)
		for i, id := range r.Links {
			b = appendID(comma(b, i), id)
		}
		b = append(b, ']')
	}
	if len(r.Selectors) > 0 {
		b = append(b, `,"selectors":[`...)
		for i := range r.Selectors {
			s := &r.Selectors[i]
			b = appendHex(append(comma(b, i), `{"key":`...), s.Key[:])
			b = strconv.AppendUint(append(b, `,"ordinal":`...), s.Ordinal, 10)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	b = strconv.AppendUint(append(b, `,"effort":`...), uint64(r.Effort), 10)
	if r.Index != 0 {
		b = strconv.AppendUint(append(b, `,"index":`...), r.Index, 10)
	}
	b = appendString(append(b, `,"state":`...), r.State)
	return append(r.appendValue(b), '}')
}

func (r *RecordInfo) appendValue(b []byte) []byte {
	b = appendBytes(b, `,"value":"`, r.Value)
	if r.Text != nil {
		b = appendString(append(b, `,"text":`...), *r.Text)
	}
	if r.Sealed {
		b = append(b, `,"sealed":true`...)
	}
	return appendBytes(b, `,"frame":"`, r.Frame)
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func appendID(b []byte, id protocol.ID) []byte {
	b, _ = id.AppendText(append(b, '"')) // never fails
	return append(b, '"')
}

func appendHex(b, data []byte) []byte {
	return append(hex.AppendEncode(append(b, '"'), data), '"')
}

func appendBytes(b []byte, head string, data []byte) []byte {
	if len(data) == 0 {
		return b
	}
	return append(base64.StdEncoding.AppendEncode(append(b, head...), data), '"')
}

// appendString leaves what is not plain ASCII to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, slowString(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func slowString(s string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
