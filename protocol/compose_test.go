package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestComposeRefuses composes drafts that could never become valid records.
func TestComposeRefuses(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	for name, c := range map[string]struct {
		change func(*protocol.Draft)
		want   string
	}{
		"the same selector twice": {func(d *protocol.Draft) { d.Names = append(d.Names, d.Names[0]) }, "twice"},
		"the same twice after the primary": {func(d *protocol.Draft) {
			other := protocol.NamePoint{Name: d.Names[0].Name, Ordinal: 9}
			d.Names = append(d.Names, other, other)
		}, "twice"},
		"too many selectors": {func(d *protocol.Draft) {
			for i := range uint64(protocol.MaxSelectors) {
				d.Names = append(d.Names, protocol.NamePoint{Name: d.Names[0].Name, Ordinal: 100 + i})
			}
		}, "16 selectors, at most 15"},
		"too many links":          {func(d *protocol.Draft) { d.Links = fixedLinks(17) }, "17 links, at most 16"},
		"value above the limit":   {func(d *protocol.Draft) { d.Value = noise(4097 - protocol.SealOverhead) }, "too large"},
		"value above every limit": {func(d *protocol.Draft) { d.Value = noise(protocol.MaxPlaintext + 1) }, "at most 65536"},
		"nothing to seal with":    {func(d *protocol.Draft) { d.Names = nil }, "needs a mask"},
		"commentary above the limit": {func(d *protocol.Draft) {
			d.Type, d.Value = protocol.TypeCommentary, noise(4097)
		}, "too large"},
	} {
		d := draft(t, n, protocol.OwnerOf(key), "value")
		c.change(&d)
		if _, err := n.Compose(d); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// noise does not compress.
func noise(size int) []byte {
	var out []byte
	for i := byte(0); len(out) < size; i++ {
		out = append(out, fixedKey(string(i)).Seed()...)
	}
	return out[:size]
}

// TestCertificateValue composes a value that only a certificate may have.
func TestCertificateValue(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	d := draft(t, n, protocol.OwnerOf(key), "")
	d.Type, d.Value = protocol.TypeCertificate, bytes.Repeat(noise(8<<10), 1)
	if err := n.Check(compose(t, n, key, d), noWork); err != nil {
		t.Error(err)
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	r := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), "value"))
	for name, other := range map[string]ed25519.PrivateKey{"none": nil, "short": key[:31], "another": testKey(t)} {
		if _, err := n.Sign(r, other); err == nil {
			t.Errorf("signed with %s key", name)
		}
	}
}

// TestPay pays what the network asks for, more when asked to, and nothing where nothing is asked
// for.
func TestPay(t *testing.T) {
	t.Parallel()
	key := testKey(t)
	for _, c := range []struct {
		perKiB, minimum uint32
		paid            bool
	}{{0, 0, false}, {0, 5, true}, {1024, 0, true}, {1024, 1 << 20, true}} {
		n := testNetwork(t, func(p *protocol.Params) { p.WorkPerKiB = c.perKiB })
		r := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), "value"))
		want := max(c.minimum, n.RequiredEffort(r))
		solve := func(challenge []byte, effort uint32) (protocol.Work, error) {
			if effort != want || !bytes.Equal(challenge, n.Challenge(r)) {
				t.Errorf("asked for effort %d, want %d", effort, want)
			}
			return protocol.Work{Effort: effort}, nil
		}
		verified := false
		verify := func(challenge []byte, w protocol.Work) error {
			verified = bytes.Equal(challenge, n.Challenge(r)) && w.Effort == want
			return nil
		}
		paid, err := n.Pay(r, c.minimum, solve)
		if err != nil || paid.SignedHash() != r.SignedHash() || paid.Effort() != want {
			t.Fatal(err)
		}
		if err := n.Check(paid, verify); err != nil || verified != c.paid {
			t.Errorf("%+v: %v, verified: %v", c, err, verified)
		}
		// Signed again, it is another record and has to be paid for again.
		if again, err := n.Sign(paid, key); err != nil || again.Work != nil {
			t.Errorf("%+v, %v", again, err)
		}
	}
	n := testNetwork(t, nil)
	r := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), "value"))
	stopped := errors.New("stopped")
	if _, err := n.Pay(r, 1, func([]byte, uint32) (protocol.Work, error) { return protocol.Work{}, stopped }); !errors.Is(err, stopped) {
		t.Error(err)
	}
}

// TestImmutable: nothing that is given in or out of a record shares memory with it, where that is
// promised.
func TestImmutable(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	d := draft(t, n, protocol.OwnerOf(key), "value")
	r := compose(t, n, key, d)
	frame := r.EncodeFrame()
	clear(d.Links)
	again, err := protocol.DecodeFrame(frame)
	if err != nil {
		t.Fatal(err)
	}
	clear(frame)
	if again.ID() != r.ID() || n.Check(again, noWork) != nil || n.Check(r, noWork) != nil {
		t.Error("a record changed")
	}
	// Appending to what the accessors return must not write into the record.
	_ = append(again.HeaderBytes(), 0xff)
	_ = append(again.ValueBytes(), 0xff)
	if n.Check(again, noWork) != nil || !bytes.Equal(again.EncodeFrame(), r.EncodeFrame()) {
		t.Error("a record changed by appending")
	}
}
