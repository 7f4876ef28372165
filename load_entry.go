package lf

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/lf-store/lf/internal/strictjson"
)

// Entry is a record to make.
type Entry struct {
	// Line is where it stands in its file, from 1; 0 for none. It is named in errors.
	Line  int
	Key   Key
	Value []byte
	// Deleted asks for a tombstone in place of a value. [Client.Load] leaves it out where the owner
	// has nothing under the key.
	Deleted bool
}

// Entries makes a sequence for [Client.Load] of entries that are at hand.
func Entries(list ...Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// ReadEntries reads records to make, one JSON object a line:
//
//	{"selectors": ["bad", "horse#2"], "value": "He rides across the nation"}
//	{"selectors": ["keys", "alice"], "valueBase64": "mQENBF..."}
//	{"selectors": ["horse"], "deleted": true}
//
// It ends with the first line that is wrong.
func ReadEntries(r io.Reader) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 64<<10), maxLine)
		for n := 1; lines.Scan(); n++ {
			text := bytes.Trim(lines.Bytes(), " \t\r")
			if len(text) == 0 {
				continue
			}
			e, err := ParseEntry(text)
			e.Line = n
			if err != nil {
				err = fmt.Errorf("line %d: %w", n, err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Entry{}, err)
		}
	}
}

// ParseEntry reads one line of those that [ReadEntries] reads.
func ParseEntry(text []byte) (Entry, error) {
	var from entryFields
	if err := strictjson.Unmarshal(text, &from, 0); err != nil {
		return Entry{}, fmt.Errorf("not an object with selectors and value: %w", err)
	}
	return from.entry()
}

// entryFields is an entry in JSON.
type entryFields struct {
	Selectors   []string `json:"selectors"`
	Value       *string  `json:"value"`
	ValueBase64 *[]byte  `json:"valueBase64"`
	Deleted     bool     `json:"deleted"`
}

func (from *entryFields) entry() (e Entry, err error) {
	switch {
	case len(from.Selectors) == 0:
		return e, errors.New("no selectors")
	case from.Deleted && (from.Value != nil || from.ValueBase64 != nil):
		return e, errors.New(`both a value and "deleted": want one of them`)
	case from.Deleted:
		e.Deleted = true
	case (from.Value == nil) == (from.ValueBase64 == nil):
		return e, errors.New(`want either "value" (text) or "valueBase64"`)
	case from.Value != nil:
		e.Value = []byte(*from.Value)
	default:
		e.Value = *from.ValueBase64
	}
	if e.Key, err = ParsePoint(from.Selectors...); err != nil {
		err = errors.New(err.Error()) // the file is wrong, not what the caller gave
	}
	return e, err
}
