package protocol_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

func TestCommentary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) protocol.Word {
			return protocol.Word{Composite: protocol.CompositeID{31: rapid.Byte().Draw(t, "composite")}, Owner: protocol.Owner{rapid.Byte().Draw(t, "owner")},
				Objects: rapid.Bool().Draw(t, "objects")}
		}), 1, 300, func(w protocol.Word) protocol.Word { w.Objects = false; return w }).Draw(t, "words")
		before := slices.Clone(words)
		value, err := protocol.EncodeCommentary(words)
		if err != nil || !slices.Equal(words, before) {
			t.Fatalf("the caller's list was changed, or %v", err)
		}
		parsed, err := protocol.ParseCommentary(value)
		if err != nil || len(parsed) != len(words) {
			t.Fatalf("%d words of %d: %v", len(parsed), len(words), err)
		}
		for _, w := range words {
			if !slices.Contains(parsed, w) {
				t.Fatalf("%+v is lost", w)
			}
		}
		if again, err := protocol.EncodeCommentary(parsed); err != nil || !slices.Equal(again, value) {
			t.Fatalf("encodes to other bytes: %v", err)
		}
		if len(value) <= protocol.MaxValue && len(words) > protocol.MaxWords(uint32(len(value))) || len(words)+1 <= protocol.MaxWords(uint32(len(value))) {
			t.Fatalf("%d words in %d bytes, at most %d", len(words), len(value), protocol.MaxWords(uint32(len(value))))
		}
	})
	w := protocol.Word{Objects: true}
	for name, words := range map[string][]protocol.Word{"none": nil, "the same twice": {w, w}, "objects and does not": {w, {}},
		"too many": make([]protocol.Word, protocol.MaxWords(protocol.MaxValue)+1)} {
		if value, err := protocol.EncodeCommentary(words); err == nil {
			t.Errorf("%s: %x", name, value)
		}
	}
	for limit, want := range map[uint32]int{0: 0, 70: 0, 71: 1, 1024: 14, 1 + 23*70: 23, 1 + 24*70: 23, 2 + 24*70: 24, protocol.MaxValue: 877} {
		if got := protocol.MaxWords(limit); got != want {
			t.Errorf("%d bytes hold %d words, want %d", limit, got, want)
		}
	}
}

// TestWords: what a record says as a commentary.
func TestWords(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	words := []protocol.Word{{Objects: true}}
	value, err := protocol.EncodeCommentary(words)
	if err != nil {
		t.Fatal(err)
	}
	make := func(change func(*protocol.Draft)) *protocol.Record {
		d := draft(t, n, protocol.OwnerOf(key), "")
		d.Type, d.Names, d.Value = protocol.TypeCommentary, nil, value
		change(&d)
		return compose(t, n, key, d)
	}
	said := make(func(*protocol.Draft) {})
	if err := n.Check(said, noWork); err != nil || !slices.Equal(said.Words(), words) {
		t.Errorf("%v, %v", said.Words(), err)
	}
	names := draft(t, n, protocol.OwnerOf(key), "").Names
	for name, r := range map[string]*protocol.Record{
		"with a selector": make(func(d *protocol.Draft) { d.Names = names }),
		"another type":    make(func(d *protocol.Draft) { d.Type = protocol.TypeReserved }),
		"no commentary":   make(func(d *protocol.Draft) { d.Value = value[1:] }),
		"no value":        make(func(d *protocol.Draft) { d.Value = nil }),
		"value not here":  recordOf(t, said.HeaderBytes(), nil),
	} {
		if r.Words() != nil {
			t.Errorf("%s: says %v", name, r.Words())
		}
		if err := n.Check(r, noWork); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
