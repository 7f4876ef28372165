package protocol_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// TestMadeByThreeHands composes, signs and pays for a record in three places, and holds that the
// result is what one place makes.
func TestMadeByThreeHands(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	composed, err := n.Compose(draft(t, n, protocol.OwnerOf(key), "value"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := n.WithSignature(composed, ed25519.Sign(key, n.SignedMessage(composed)))
	if err != nil {
		t.Fatal(err)
	}
	alone, err := n.Sign(composed, key)
	if err != nil || alone.ID() != signed.ID() {
		t.Errorf("signed elsewhere it is another record: %v", err)
	}
	if err := n.CheckUnpaid(signed); err != nil {
		t.Error(err)
	}
	worked, ok := n.WorkedIn(n.Challenge(signed))
	if !ok || worked != signed.Worked() || string(n.WorkChallenge(worked)) != string(n.Challenge(signed)) {
		t.Error("the hash in the challenge is not what is worked for")
	}
	other := testNetwork(t, nil)
	if _, ok := other.WorkedIn(n.Challenge(signed)); ok {
		t.Error("another network's challenge passes")
	}
	if _, ok := n.WorkedIn(make([]byte, 31)); ok {
		t.Error("31 bytes pass")
	}
}

// TestWithSignatureRefuses tries signatures that are not the owner's of this record.
func TestWithSignatureRefuses(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	composed, err := n.Compose(draft(t, n, protocol.OwnerOf(key), "value"))
	if err != nil {
		t.Fatal(err)
	}
	for name, signature := range map[string][]byte{
		"none":               nil,
		"too short":          make([]byte, 63),
		"zeros":              make([]byte, 64),
		"by another key":     ed25519.Sign(fixedKey("another"), n.SignedMessage(composed)),
		"of another network": ed25519.Sign(key, testNetwork(t, nil).SignedMessage(composed)),
		"of the header":      ed25519.Sign(key, composed.HeaderBytes()),
	} {
		var invalid *protocol.InvalidError
		if _, err := n.WithSignature(composed, signature); !errors.As(err, &invalid) || invalid.Rule != protocol.RuleSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCheckUnpaidAgrees holds that it refuses what Check refuses, work aside.
func TestCheckUnpaidAgrees(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	composed, err := n.Compose(draft(t, n, protocol.OwnerOf(key), "value"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := n.Sign(composed, key)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*protocol.Header){
		"nothing":      func(*protocol.Header) {},
		"no links":     func(h *protocol.Header) { h.Links = nil },
		"timestamp":    func(h *protocol.Header) { h.Timestamp++ },
		"no selectors": func(h *protocol.Header) { h.Selectors = nil },
		"the type":     func(h *protocol.Header) { h.Type = protocol.TypeRelease },
		"the ordinal":  func(h *protocol.Header) { h.Selectors[0].Ordinal++ },
		"the value":    func(h *protocol.Header) { h.Value = nil },
		"the owner":    func(h *protocol.Header) { h.Owner[3]++ },
		"genesis":      func(h *protocol.Header) { h.Type = protocol.TypeGenesis },
	} {
		h := signed.Header
		h.Selectors = append([]protocol.Selector{}, h.Selectors...)
		if h.Value != nil {
			value := *h.Value
			h.Value = &value
		}
		change(&h)
		value := signed.ValueBytes()
		if h.Value == nil {
			value = nil
		}
		r, err := protocol.NewRecord(h, value)
		if err != nil {
			t.Fatal(err)
		}
		paid := r.Header
		paid.Work = &protocol.Work{Effort: max(1, n.RequiredEffort(r))}
		whole, err := protocol.NewRecord(paid, value)
		if err != nil {
			t.Fatal(err)
		}
		got, want := n.CheckUnpaid(r), n.Check(whole, func([]byte, protocol.Work) error { return nil })
		if (got == nil) != (want == nil) || (got == nil) != (name == "nothing") {
			t.Errorf("%s: %v, with work %v", name, got, want)
		}
	}
}

// TestCheckComposed holds that a record passes for its own draft, and for no other.
func TestCheckComposed(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	asked := draft(t, n, protocol.OwnerOf(key), "value")
	r, err := n.Compose(asked)
	if err != nil {
		t.Fatal(err)
	}
	any := asked
	any.Timestamp, any.Links = 0, nil
	for _, d := range []protocol.Draft{asked, any} {
		if err := n.CheckComposed(r, d); err != nil {
			t.Error(err)
		}
	}
	for name, c := range map[string]struct {
		change func(*protocol.Draft)
		says   string
	}{
		"another type":      {func(d *protocol.Draft) { d.Type = protocol.TypeRelease }, "is a datum"},
		"another owner":     {func(d *protocol.Draft) { d.Owner[0]++ }, "of owner"},
		"another time":      {func(d *protocol.Draft) { d.Timestamp++ }, "timestamp"},
		"other links":       {func(d *protocol.Draft) { d.Links = fixedLinks(2) }, "links"},
		"another name":      {func(d *protocol.Draft) { d.Names = names(t, n, "another") }, "selector 1"},
		"another ordinal":   {func(d *protocol.Draft) { d.Names[0].Ordinal++ }, "selector 1"},
		"one more selector": {func(d *protocol.Draft) { d.Names = append(d.Names, names(t, n, "more")...) }, "selectors"},
		"no selector":       {func(d *protocol.Draft) { d.Names = nil }, "selectors"},
		"another value":     {func(d *protocol.Draft) { d.Value = []byte("velue") }, "another value"},
		"no value":          {func(d *protocol.Draft) { d.Value = nil }, "has a value"},
		"another mask": {func(d *protocol.Draft) {
			m := n.DeriveMask("secret")
			d.Mask = &m
		}, "not sealed"},
	} {
		d := asked
		d.Names = append([]protocol.NamePoint{}, asked.Names...)
		c.change(&d)
		if err := n.CheckComposed(r, d); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	h := r.Header
	h.Selectors = append([]protocol.Selector{}, h.Selectors...)
	h.Selectors[0].Claim[5]++
	forged, err := protocol.NewRecord(h, r.ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.CheckComposed(forged, asked); err == nil {
		t.Error("a false claim passes")
	}
	if cut, err := protocol.NewRecord(r.Header, nil); err != nil || n.CheckComposed(cut, asked) == nil {
		t.Errorf("a record without its value passes: %v", err)
	}
}

// TestComposedForItsDraftOnly holds for any two drafts that what is made for one passes for the
// other only if they ask for the same.
func TestComposedForItsDraftOnly(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(what string) (d protocol.Draft, text string) {
			d = draft(t, n, protocol.OwnerOf(key), rapid.StringN(0, 3, -1).Draw(rt, what))
			d.Names[0].Ordinal = rapid.Uint64Range(0, 1).Draw(rt, what+" ordinal")
			if rapid.Bool().Draw(rt, what+" deleted") {
				d.Value = nil
			}
			return d, string(d.Value)
		}
		a, textA := draw("a")
		b, textB := draw("b")
		r, err := n.Compose(a)
		if err != nil {
			rt.Fatal(err)
		}
		same := textA == textB && (a.Value == nil) == (b.Value == nil) && a.Names[0].Ordinal == b.Names[0].Ordinal
		b.Timestamp, b.Links = 0, nil
		if err := n.CheckComposed(r, b); (err == nil) != same {
			rt.Fatalf("same: %v, error: %v", same, err)
		}
	})
}

// TestMaxEffort holds that no record costs more, and that a network without work asks for none.
func TestMaxEffort(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = 16 })
	d := draft(t, n, protocol.OwnerOf(testKey(t)), "value")
	d.Value = noise(4096 - protocol.SealOverhead)
	r, err := n.Compose(d)
	if err != nil {
		t.Fatal(err)
	}
	if most := n.MaxEffort(); most <= n.RequiredEffort(r) {
		t.Errorf("%d, and a record costs %d", most, n.RequiredEffort(r))
	}
	free := testNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = 0 })
	if free.MaxEffort() != 0 {
		t.Error("a network without work asks for some")
	}
}

func names(t *testing.T, n *protocol.Network, name string) []protocol.NamePoint {
	t.Helper()
	key, err := n.DeriveName(name)
	if err != nil {
		t.Fatal(err)
	}
	return []protocol.NamePoint{{Name: key}}
}
