package api

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/lf-store/lf/protocol"
)

// SelectorRange names a selector and a range of ordinals, both ends included. Exactly one of Name
// and Key is given; the node derives the key of a name. A range of one ordinal is a point, as a
// record has it.
//
// In JSON it is an object, or a string as on the command line: NAME, NAME#ORDINAL, NAME#FROM#TO,
// NAME#FROM.., NAME#..TO, or NAME# for every ordinal.
type SelectorRange struct {
	Name string                `json:"name,omitempty" maxLength:"1024" doc:"this or key: at most 1,024 bytes of UTF-8, which the node derives the key from" example:"horse"`
	Key  *protocol.SelectorKey `json:"key,omitempty" doc:"this or name"`
	From Uint64                `json:"from,omitempty" doc:"least ordinal"`
	To   Uint64                `json:"to,omitempty" doc:"largest ordinal, included; 9223372036854775807 (2^63−1) is the largest there is"`
}

// UnmarshalJSONFrom implements [json.UnmarshalerFrom]: an object, or an expression in a string.
func (s *SelectorRange) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		type plain SelectorRange
		return json.UnmarshalDecode(d, (*plain)(s))
	}
	var text string
	if err := json.UnmarshalDecode(d, &text); err != nil {
		return err
	}
	e, err := protocol.ParseExpression(text)
	if err == nil {
		*s = SelectorRange{Name: e.Name, From: Uint64(e.From), To: Uint64(e.To)}
	}
	return err
}

// Point reports whether the range is one ordinal.
func (s *SelectorRange) Point() bool { return s.From == s.To }

// ParseSelectors reads selector expressions: NAME, NAME#ORDINAL, NAME#FROM#TO, NAME#FROM..,
// NAME#..TO, NAME#.
func ParseSelectors(expressions ...string) ([]SelectorRange, error) {
	ranges := make([]SelectorRange, len(expressions))
	for i, s := range expressions {
		e, err := protocol.ParseExpression(s)
		if err != nil {
			return nil, Invalid("%v", err)
		}
		ranges[i] = SelectorRange{Name: e.Name, From: Uint64(e.From), To: Uint64(e.To)}
	}
	return ranges, nil
}

func (s *SelectorRange) check() error {
	switch {
	case s.Key == nil && s.Name == "":
		return Invalid("a selector without name and key: give one of them")
	case s.Key != nil && s.Name != "":
		return Invalid("a selector with both name and key: give one of them")
	case s.From > protocol.MaxOrdinal || s.To > protocol.MaxOrdinal:
		return Invalid("an ordinal is above 2^63−1")
	case s.From > s.To:
		return Invalid("the ordinals %d to %d: the range ends before it begins", s.From, s.To)
	case s.Key != nil:
		return nil
	}
	if err := protocol.CheckName(s.Name); err != nil {
		return Invalid("%v", err)
	}
	return nil
}

func checkCount(selectors int) error {
	if selectors < 1 || selectors > protocol.MaxSelectors {
		return Invalid("%d selectors, want 1 to %d", selectors, protocol.MaxSelectors)
	}
	return nil
}

// MustSelectors is [ParseSelectors] for expressions that are known to be right. It panics where one
// is not.
func MustSelectors(expressions ...string) []SelectorRange {
	ranges, err := ParseSelectors(expressions...)
	if err != nil {
		panic(err)
	}
	return ranges
}
