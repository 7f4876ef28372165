package lf

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/lf-store/lf/internal/strictjson"
)

// A bulk file may also be one JSON document: what lf get --json writes, or the list of answers in
// it. Each answer is a record to make, as if it were a line.

// answersMember is the list of answers in a document. Members beside it are no records.
const answersMember = "answers"

// documentAnswer has what must be known of an answer in a document. Its other members, such as
// owner and time, are those of the record that answered: the new record gets its own.
type documentAnswer struct {
	entryFields
	Further int  `json:"further"`
	Sealed  bool `json:"sealed"`
	Damaged bool `json:"damaged"`
}

// parseAnswer reads an answer. It reports whether there is anything to set: there is not in a
// deleted one.
func parseAnswer(number int, text []byte) (e Entry, sets bool, err error) {
	var from documentAnswer
	if err := strictjson.Unmarshal(text, &from, strictjson.IgnoreUnknown|strictjson.RefuseOtherCase); err != nil {
		return e, false, fmt.Errorf("not an answer with selectors and value: %w", err)
	}
	switch {
	case from.Damaged:
		return e, false, errors.New("its value is damaged, and so not in the file")
	case from.Sealed:
		return e, false, errors.New("its value is sealed, and so not in the file: get it with its name or masking key")
	case from.Further > 0:
		return e, false, errors.New("it has further names, which are not in the file: get it by all of its names")
	case from.Deleted:
		return e, false, nil
	}
	e, err = from.entry()
	e.Line = number
	return e, err == nil, err
}

// isDocument reports whether a text is one JSON document, and no lines. A list is, and an object
// that begins with a member which a document has and a line has not.
func isDocument(r io.Reader) bool {
	kind, member := strictjson.Begin(r)
	return kind == '[' || kind == '{' && slices.Contains([]string{answersMember, "more", "damaged"}, member)
}
