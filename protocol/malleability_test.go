package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// TestEveryBit turns every bit of valid records over, in header, value and frame: none of them
// stays valid.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	networks := vectorNetworks(t)
	for _, v := range readVectors[[]acceptVector](t, "accept.json") {
		switch v.Name {
		case "closed: certificate", "closed: revocation by an intermediate", "datum", "datum, composite key of two", "tombstone", "work of the required effort", "genesis record 1":
			t.Run(v.Name, func(t *testing.T) { turnEveryBit(t, networks[v.Network], v.Frame) })
		}
	}
}

func turnEveryBit(t *testing.T, n *protocol.Network, frame []byte) {
	original, err := protocol.DecodeFrame(frame)
	if err != nil {
		t.Fatal(err)
	}
	unknown := 0
	for i := range 8 * len(frame) {
		changed := bytes.Clone(frame)
		changed[i/8] ^= 1 << (i % 8)
		r, err := check(n, changed)
		switch {
		case err == nil:
			t.Errorf("byte %d, bit %d: still valid: %+v", i/8, i%8, r)
		case protocol.IsUnknownVersion(err):
			unknown++
		case ruleOf(err) == "":
			t.Errorf("byte %d, bit %d: %v", i/8, i%8, err)
		}
	}
	if unknown > 5 { // five bits make another small version out of a 1
		t.Errorf("%d changes are taken for another version", unknown)
	}
	for i := range 8 * len(original.ValueBytes()) {
		changed := bytes.Clone(original.ValueBytes())
		changed[i/8] ^= 1 << (i % 8)
		r, err := protocol.DecodeRecord(original.HeaderBytes(), changed)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Check(r, verifyWork); ruleOf(err) != protocol.RuleValue {
			t.Errorf("value, byte %d, bit %d: %v", i/8, i%8, err)
		}
		if err := r.CheckCarried(); ruleOf(err) != protocol.RuleValue {
			t.Errorf("value, byte %d, bit %d: %v", i/8, i%8, err)
		}
		if err := n.CheckAuthorship(r); ruleOf(err) != protocol.RuleValue {
			t.Errorf("value, byte %d, bit %d: %v", i/8, i%8, err)
		}
	}
}

// TestEveryBitOfCertificates turns every bit of chains and lists over. None of them stays good, so
// nobody can make a second form of what an authority signed.
func TestEveryBitOfCertificates(t *testing.T) {
	t.Parallel()
	middle := rootCA.ca(middleCA, 3, -1).der()
	among := []*protocol.Authority{mustAuthority(t, rootCA.authority())}
	every := func(name string, value []byte, good func(value []byte) bool) {
		if !good(value) {
			t.Fatalf("%s: not good as it is", name)
		}
		for i := range 8 * len(value) {
			changed := bytes.Clone(value)
			changed[i/8] ^= 1 << (i % 8)
			if good(changed) {
				t.Errorf("%s: byte %d, bit %d: still good", name, i/8, i%8)
			}
		}
		for i := range value {
			if good(value[:i]) {
				t.Errorf("%s: %d bytes: good", name, i)
			}
		}
	}
	chain := func(value []byte) bool {
		c, err := protocol.ParseChain(value)
		return err == nil && c.Authority(among) != nil
	}
	list := func(value []byte) bool {
		l, err := protocol.ParseRevocations(value)
		return err == nil && l.CertifiedBy(among)
	}
	every("owner", rootCA.owner("owner", 2).der(), chain)
	owner := middleCA.owner("owner", 2).der()
	every("owner and intermediate", append(owner, middle...), func(value []byte) bool {
		// cut there, it is the chain of another authority
		return chain(value) && len(value) > len(owner)
	})
	every("list", rootCA.revoke(derEntry(2), dated(3, testTime)).der(), list)
	every("list and intermediate", append(middleCA.revoke(derEntry(2)).der(), middle...), list)
}

// TestEveryPrefix cuts valid frames short and lengthens them.
func TestEveryPrefix(t *testing.T) {
	t.Parallel()
	v := readVectors[[]acceptVector](t, "accept.json")[0]
	n := vectorNetworks(t)[v.Network]
	for i := range v.Frame {
		if _, err := check(n, v.Frame[:i]); err == nil {
			t.Errorf("%d bytes: valid", i)
		}
	}
	for b := range 256 {
		if _, err := check(n, append(bytes.Clone(v.Frame), byte(b))); err == nil {
			t.Errorf("with %02x after it: valid", b)
		}
	}
}

// TestTwins makes two paid records of one signed statement: two IDs, one signed hash.
func TestTwins(t *testing.T) {
	t.Parallel()
	var twins []*protocol.Record
	for _, v := range readVectors[[]acceptVector](t, "accept.json") {
		if v.Name == "work of the required effort" || v.Name == "a twin: the same signed body, paid again" {
			r, err := protocol.DecodeFrame(v.Frame)
			if err != nil {
				t.Fatal(err)
			}
			twins = append(twins, r)
		}
	}
	if twins[0].ID() == twins[1].ID() || twins[0].SignedHash() != twins[1].SignedHash() {
		t.Error("not twins")
	}
	// Work comes last: put under another signature it is worth nothing.
	n := vectorNetworks(t)["paid"]
	h := twins[0].Header
	h.Signature = [64]byte(ed25519.Sign(fixedKey("another owner"), []byte("x")))
	moved, err := protocol.NewRecord(h, twins[0].ValueBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Check(moved, verifyWork); ruleOf(err) != protocol.RuleWork {
		t.Error(err)
	}
}
