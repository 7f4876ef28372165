package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// drawDraft draws a draft of a valid record on a network.
func drawDraft(t *rapid.T, n *protocol.Network, owner protocol.Owner) protocol.Draft {
	types := []protocol.Type{protocol.TypeDatum, protocol.TypeCommentary, protocol.TypeCertificate, protocol.TypeRevocation,
		protocol.TypeRelease, protocol.TypeReserved, protocol.TypeMax}
	d := protocol.Draft{Type: rapid.SampledFrom(types).Draw(t, "type"), Owner: owner,
		Timestamp: rapid.Uint64Range(1, protocol.MaxTimestamp).Draw(t, "timestamp")}
	d.Links = rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) protocol.ID {
		return protocol.ID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "link"))
	}), int(n.Params().MinLinks), protocol.MaxLinks, rapid.ID[protocol.ID]).Draw(t, "links")
	type point struct {
		name    string
		ordinal uint64
	}
	points := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) point {
		return point{rapid.SampledFrom([]string{"bad", "horse", "ℵ", "a#b"}).Draw(t, "name"), rapid.Uint64Range(0, protocol.MaxOrdinal).Draw(t, "ordinal")}
	}), 1, protocol.MaxSelectors, rapid.ID[point]).Draw(t, "selectors")
	for _, p := range points {
		key, err := n.DeriveName(p.name)
		if err != nil {
			t.Fatal(err)
		}
		d.Names = append(d.Names, protocol.NamePoint{Name: key, Ordinal: p.ordinal})
	}
	if d.Type != protocol.TypeRelease && rapid.Bool().Draw(t, "has a value") {
		least := 1
		if d.Type == protocol.TypeDatum { // what is sealed is never empty
			least = 0
		}
		d.Value = rapid.SliceOfN(rapid.Byte(), least, int(n.Params().MaxValue)-protocol.SealOverhead).Draw(t, "value")
	}
	if rapid.Bool().Draw(t, "has a mask") {
		mask := n.DeriveMask("correct horse")
		d.Mask = &mask
	}
	return d
}

func TestComposeCheckOpen(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawDraft(t, n, protocol.OwnerOf(key))
		r, err := n.Compose(d)
		if err != nil {
			t.Fatal(err)
		}
		if r, err = n.Sign(r, key); err != nil {
			t.Fatal(err)
		}
		if err := n.Check(r, noWork); err != nil {
			t.Fatal(err)
		}
		again, err := protocol.DecodeFrame(r.EncodeFrame())
		if err != nil || again.ID() != r.ID() || n.Check(again, noWork) != nil {
			t.Fatalf("after travelling: %v", err)
		}
		if again.Selectors[0].Key != d.Names[0].Name.Selector() || again.Selectors[0].Ordinal != d.Names[0].Ordinal {
			t.Fatal("the first name is not the primary selector")
		}
		checkOpens(t, n, d, again)
	})
}

func checkOpens(t *rapid.T, n *protocol.Network, d protocol.Draft, r *protocol.Record) {
	if d.Value == nil {
		if r.Value != nil || r.Tombstone() != (d.Type == protocol.TypeDatum) {
			t.Fatal("a value where there is none")
		}
		return
	}
	if d.Type != protocol.TypeDatum {
		if !bytes.Equal(r.ValueBytes(), d.Value) {
			t.Fatalf("carries %x, want %x", r.ValueBytes(), d.Value)
		}
		return
	}
	mask := d.Names[0].Name.Mask()
	if d.Mask != nil {
		mask = *d.Mask
	}
	plain, err := n.Open(mask, r.SealingOf(), r.ValueBytes())
	if err != nil || plain == nil || !bytes.Equal(plain, d.Value) {
		t.Fatalf("opened %x, %v, want %x", plain, err, d.Value)
	}
	mask[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	if _, err := n.Open(mask, r.SealingOf(), r.ValueBytes()); err == nil {
		t.Fatal("opened with another mask")
	}
}

// TestComposeSorts holds a record still under permutations of what went into it.
func TestComposeSorts(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	rapid.Check(t, func(t *rapid.T) {
		d := drawDraft(t, n, protocol.OwnerOf(key))
		d.Value = nil
		a, err := n.Compose(d)
		if err != nil {
			t.Fatal(err)
		}
		d.Links = append(rapid.Permutation(d.Links).Draw(t, "links"), d.Links[0])
		d.Names = append(d.Names[:1:1], rapid.Permutation(d.Names[1:]).Draw(t, "names")...)
		before := slices.Clone(d.Names)
		b, err := n.Compose(d)
		if err != nil || a.ID() != b.ID() {
			t.Fatalf("another record: %v", err)
		}
		if !slices.EqualFunc(before, d.Names, func(a, b protocol.NamePoint) bool { return a.Ordinal == b.Ordinal }) {
			t.Fatal("Compose changed the draft")
		}
		if a.CompositeID() != b.CompositeID() {
			t.Fatal("the composite ID depends on the order")
		}
	})
}

func TestExpressionRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := protocol.Expression{Name: rapid.StringN(1, 40, protocol.MaxName).Draw(t, "name")}
		e.From = rapid.Uint64Range(0, protocol.MaxOrdinal).Draw(t, "from")
		e.To = rapid.Uint64Range(e.From, protocol.MaxOrdinal).Draw(t, "to")
		if again, err := protocol.ParseExpression(e.String()); err != nil || again != e {
			t.Fatalf("%+v, %v", again, err)
		}
	})
}

func TestRequiredEffort(t *testing.T) {
	t.Parallel()
	key := testKey(t)
	rapid.Check(t, func(t *rapid.T) {
		p := protocol.DefaultParams()
		p.Name, p.WorkPerKiB = "x", rapid.Uint32Range(0, 1<<24).Draw(t, "work per KiB")
		n, err := protocol.NewNetwork(p, 1, fixedStream("effort"))
		if err != nil {
			t.Fatal(err)
		}
		h := protocol.Header{Version: 1, Owner: protocol.OwnerOf(key), Timestamp: 1, Links: fixedLinks(rapid.IntRange(0, 16).Draw(t, "links")),
			Value: &protocol.ValueRef{Size: rapid.Uint32().Draw(t, "size")}}
		small, large := record(t, h), record(t, larger(t, h))
		if n.RequiredEffort(small) > n.RequiredEffort(large) {
			t.Fatal("more costs less")
		}
		// The specification's formula, in numbers without an end. 69 bytes are signature and work
		// of an unpaid record.
		size := int64(len(small.HeaderBytes())-67) + int64(h.Value.Size) + 128
		want := new(big.Int).Mul(big.NewInt(size), big.NewInt(int64(p.WorkPerKiB)))
		want.Div(want.Add(want, big.NewInt(1023)), big.NewInt(1024))
		if limit := big.NewInt(math.MaxUint32); want.Cmp(limit) > 0 {
			want = limit
		}
		if got := n.RequiredEffort(small); uint64(got) != want.Uint64() {
			t.Fatalf("%d, want %d", got, want)
		}
	})
}

func record(t rapid.TB, h protocol.Header) *protocol.Record {
	r, err := protocol.NewRecord(h, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func larger(t *rapid.T, h protocol.Header) protocol.Header {
	v := *h.Value
	v.Size += rapid.Uint32Range(0, math.MaxUint32-v.Size).Draw(t, "more")
	h.Value = &v
	h.Selectors = make([]protocol.Selector, rapid.IntRange(0, protocol.MaxSelectors).Draw(t, "more selectors"))
	return h
}

func TestHoldUntil(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, nil)
	drift := n.Params().ClockDrift
	rapid.Check(t, func(t *rapid.T) {
		h := &protocol.Header{Timestamp: rapid.Uint64Range(1, protocol.MaxTimestamp).Draw(t, "timestamp")}
		now := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(h.Timestamp-min(h.Timestamp, 3*protocol.MaxHold), h.Timestamp+10)).Draw(t, "now")
		until, err := n.HoldUntil(h, now)
		ahead := new(big.Int).Sub(new(big.Int).SetUint64(h.Timestamp), new(big.Int).SetUint64(now))
		switch {
		case ahead.Cmp(new(big.Int).SetUint64(drift)) <= 0:
			if until != 0 || err != nil {
				t.Fatalf("its time has come: %d, %v", until, err)
			}
		case ahead.Cmp(new(big.Int).SetUint64(drift+protocol.MaxHold)) > 0:
			if err == nil {
				t.Fatal("held beyond the limit")
			}
		default:
			if again, _ := n.HoldUntil(h, until); until <= now || again != 0 {
				t.Fatalf("held until %d, and then until %d", until, again)
			}
			if again, _ := n.HoldUntil(h, until-1); again == 0 {
				t.Fatal("held longer than needed")
			}
		}
		if errors := protocol.CheckLinked(h, now); (errors == nil) != (h.Timestamp >= now) {
			t.Fatal(errors)
		}
	})
}

// TestTextForms reads back what the types write as text.
func TestTextForms(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "bytes"))
		same(t, protocol.ID(raw), new(protocol.ID))
		same(t, protocol.ValueID(raw), new(protocol.ValueID))
		same(t, protocol.Owner(raw), new(protocol.Owner))
		same(t, protocol.SelectorKey(raw), new(protocol.SelectorKey))
		same(t, protocol.CompositeID(raw), new(protocol.CompositeID))
		if id, err := protocol.ParseID(protocol.ID(raw).CID().String()); err != nil || id != raw {
			t.Fatalf("%s, %v", id, err)
		}
		key := ed25519.NewKeyFromSeed(raw[:])
		text, err := protocol.MarshalKeyPEM(key)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := protocol.ParseKeyPEM(text); err != nil || !again.Equal(key) {
			t.Fatal("the key changed", err)
		}
	})
}

func same[V interface {
	comparable
	MarshalText() ([]byte, error)
}, P interface {
	*V
	UnmarshalText([]byte) error
}](t *rapid.T, v V, again P) {
	text, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.UnmarshalText(text); err != nil || *again != v {
		t.Fatalf("%v, %v, want %v", *again, err, v)
	}
}
