package protocol_test

import (
	"testing"

	"github.com/lf-store/lf/protocol"
)

// textVectors are the text forms.
type textVectors struct {
	Digest      hexBytes           `json:"digest"`
	RecordCID   protocol.ID        `json:"recordCID"`
	ValueCID    protocol.ValueID   `json:"valueCID"`
	Owner       protocol.Owner     `json:"owner"`
	Composites  []compositeVector  `json:"composites"`
	Expressions []expressionVector `json:"expressions"`
}

type compositeVector struct {
	Selectors []vectorPoint        `json:"selectors"`
	ID        protocol.CompositeID `json:"id"`
}

// expressionVector is a selector as people write it. Name is null where it is refused.
type expressionVector struct {
	Text string  `json:"text"`
	Name *string `json:"name"`
	From uint64  `json:"from,string"`
	To   uint64  `json:"to,string"`
}

func TestVectorsText(t *testing.T) {
	t.Parallel()
	digest := [32]byte(fixedKey("text").Seed())
	made := textVectors{Digest: digest[:], RecordCID: digest, ValueCID: digest, Owner: digest}
	a, b := protocol.SelectorKey(fixedKey("a").Seed()), protocol.SelectorKey(fixedKey("b").Seed())
	for _, points := range [][]vectorPoint{{}, {{a, 0}}, {{a, 2}, {b, 1}}, {{b, 1}, {a, 2}}, {{a, 1}, {a, 1 << 62}}} {
		pairs := []protocol.SelectorPoint{}
		for _, p := range points {
			pairs = append(pairs, protocol.SelectorPoint(p))
		}
		made.Composites = append(made.Composites, compositeVector{points, protocol.CompositeOf(pairs)})
	}
	name := func(s string) *string { return &s }
	made.Expressions = []expressionVector{
		{`horse`, name("horse"), 0, 0},
		{`horse#2`, name("horse"), 2, 2},
		{`horse#2#10`, name("horse"), 2, 10},
		{`horse#`, name("horse"), 0, protocol.MaxOrdinal},
		{`horse#2..`, name("horse"), 2, protocol.MaxOrdinal},
		{`horse#0..`, name("horse"), 0, protocol.MaxOrdinal},
		{`horse#9223372036854775807..`, name("horse"), protocol.MaxOrdinal, protocol.MaxOrdinal},
		{`horse#..10`, name("horse"), 0, 10},
		{`horse#..0`, name("horse"), 0, 0},
		{`horse..`, name("horse.."), 0, 0},
		{`a..b#3`, name("a..b"), 3, 3},
		{`horse#9223372036854775807`, name("horse"), protocol.MaxOrdinal, protocol.MaxOrdinal},
		{`a\#b\\c#1`, name(`a#b\c`), 1, 1},
		{` `, name(" "), 0, 0},
		{`horse#007`, name("horse"), 7, 7},
		{``, nil, 0, 0}, {`#`, nil, 0, 0}, {`#1`, nil, 0, 0}, {`horse##`, nil, 0, 0}, {`horse#1#`, nil, 0, 0}, {`horse##1`, nil, 0, 0},
		{`horse#1#2#3`, nil, 0, 0}, {`horse#2#1`, nil, 0, 0}, {`horse#-1`, nil, 0, 0}, {`horse#+1`, nil, 0, 0}, {`horse#1_0`, nil, 0, 0},
		{`horse#0x1`, nil, 0, 0}, {`horse#9223372036854775808`, nil, 0, 0}, {`horse# 1`, nil, 0, 0}, {`horse\`, nil, 0, 0}, {`hor\se`, nil, 0, 0},
		{`horse#..`, nil, 0, 0}, {`horse#1..2`, nil, 0, 0}, {`horse#1.`, nil, 0, 0}, {`horse#1...`, nil, 0, 0}, {`horse#...1`, nil, 0, 0}, {`horse#1..#`, nil, 0, 0},
		{`horse#1..#2`, nil, 0, 0}, {`horse#1#2..`, nil, 0, 0}, {`horse#..1#2`, nil, 0, 0}, {`horse#1 ..`, nil, 0, 0}, {`horse#-1..`, nil, 0, 0}, {`horse#9223372036854775808..`, nil, 0, 0},
	}
	current(t, "text.json", made)
	for _, v := range made.Expressions {
		e, err := protocol.ParseExpression(v.Text)
		switch {
		case v.Name == nil && err == nil:
			t.Errorf("%q: read as %+v", v.Text, e)
		case v.Name != nil && (err != nil || e != protocol.Expression{Name: *v.Name, From: v.From, To: v.To}):
			t.Errorf("%q: read as %+v, %v", v.Text, e, err)
		}
	}
}
