package protocol_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// TestDraftEffort holds that the price of a draft is that of the record made of it, and that one
// that cannot be composed has none.
func TestDraftEffort(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = 4096 })
	key := testKey(t)
	base := draft(t, n, protocol.OwnerOf(key), "")
	other, err := n.DeriveName("other")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := base
		d.Type = rapid.SampledFrom([]protocol.Type{protocol.TypeDatum, protocol.TypeRelease}).Draw(t, "type")
		d.Timestamp += rapid.Uint64Range(0, 1<<40).Draw(t, "later")
		d.Links = fixedLinks(rapid.IntRange(1, protocol.MaxLinks).Draw(t, "links"))
		d.Names = append(d.Names[:1:1], protocol.NamePoint{Name: other, Ordinal: rapid.Uint64().Draw(t, "ordinal")})
		d.Value = nil
		if d.Type == protocol.TypeDatum && rapid.Bool().Draw(t, "has a value") {
			d.Value = noise(rapid.IntRange(0, 4200).Draw(t, "noise"))
			if rapid.Bool().Draw(t, "compresses") {
				clear(d.Value)
			}
		}
		got, failed := n.DraftEffort(d, false)
		r, err := n.Compose(d)
		if (err == nil) != (failed == nil) {
			t.Fatalf("it has the price %d, %v, and composing it ends with %v", got, failed, err)
		}
		if err == nil && got != n.RequiredEffort(r) {
			t.Fatalf("price %d, and its record has %d", got, n.RequiredEffort(r))
		}
	})
}
