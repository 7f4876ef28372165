package protocol_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// reaches restates the words of SPEC.md, section 15, 7. The revocation "does not reach r if it
// gives a date, r's timestamp is before that date, and r is in its past or it is not the issuer's
// own".
func reaches(v protocol.Revocation, timestamp uint64, inPast bool) bool {
	givesDate, before, issuersOwn := v.Since != 0, timestamp < v.Since, v.Own
	return !(givesDate && before && (inPast || !issuersOwn))
}

func drawRevocation(t *rapid.T, name string) protocol.Revocation {
	return protocol.Revocation{Since: rapid.Uint64Range(0, 4).Draw(t, name+" since"), Own: rapid.Bool().Draw(t, name+" own")}
}

// TestReaches: the one place of the rule says what SPEC.md says, and asks for the past only where
// that matters.
func TestReaches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v, timestamp, inPast := drawRevocation(t, "v"), rapid.Uint64Range(1, 5).Draw(t, "timestamp"), rapid.Bool().Draw(t, "in its past")
		asked := false
		have := v.Reaches(timestamp, func() bool { asked = true; return inPast })
		if have != reaches(v, timestamp, inPast) {
			t.Fatalf("%+v reaches %d: %v", v, timestamp, have)
		}
		if asked && reaches(v, timestamp, true) == reaches(v, timestamp, false) {
			t.Fatalf("%+v asks for the past of a record of %d", v, timestamp)
		}
		if v.ReachesAll() != (v.Since == 0) {
			t.Fatalf("%+v reaches all: %v", v, v.ReachesAll())
		}
	})
}

// TestCovers: of two revocations in a line the older one may make the younger one superfluous. The
// records of past are in the pasts of both, of the second alone, or of none.
func TestCovers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		older, younger := drawRevocation(t, "older"), drawRevocation(t, "younger")
		superfluous := true
		for timestamp := range uint64(6) {
			for _, pasts := range [][2]bool{{true, true}, {false, true}, {false, false}} {
				superfluous = superfluous && (reaches(older, timestamp, pasts[0]) || !reaches(younger, timestamp, pasts[1]))
			}
		}
		if older.Covers(younger) && !superfluous {
			t.Fatalf("%+v is said to cover %+v", older, younger)
		}
	})
}

// TestListSigner has a list count by each of the three ways that SPEC.md, section 7.4, names, and
// by no other. Among several entries for one certificate one without a date decides, or else the
// earliest.
func TestListSigner(t *testing.T) {
	t.Parallel()
	root, authority := testSigner(t, "Root")
	other, otherAuthority := testSigner(t, "Other")
	stranger := protocol.OwnerOf(testKey(t))
	rootKey, otherKey := protocol.Owner(authority.Key()), protocol.Owner(otherAuthority.Key())
	list := func(s *protocol.Signer) *protocol.RevocationList {
		value, err := s.Revoke([]protocol.Revoked{{Serial: "\x01", Since: testTime + 9000}, {Serial: "\x02"}, {Serial: "\x01", Since: testTime + 5000},
			{Serial: "\x02", Since: testTime}, {Serial: "\x03", Since: testTime}}, day(3))
		if err != nil {
			t.Fatal(err)
		}
		l, err := protocol.ParseRevocations(value)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := list(root)
	for _, c := range []struct {
		what   string
		owner  protocol.Owner
		among  []*protocol.Authority
		key    protocol.Owner
		counts bool
	}{
		{"the owner signed it", rootKey, nil, rootKey, true},
		{"an authority signed it", stranger, []*protocol.Authority{otherAuthority, authority}, rootKey, true},
		{"an authority of another name", stranger, []*protocol.Authority{otherAuthority}, protocol.Owner{}, false},
		{"no key that is known", otherKey, nil, protocol.Owner{}, false},
	} {
		if key, counts := l.Signer(c.owner, c.among); key != c.key || counts != c.counts {
			t.Errorf("%s: %s, %v", c.what, key, counts)
		}
	}
	if key, counts := list(other).Signer(stranger, []*protocol.Authority{authority}); counts {
		t.Errorf("a list of another authority counts by %s", key)
	}
	want := []protocol.Revoked{{Serial: "\x01", Since: testTime + 5000}, {Serial: "\x02"}, {Serial: "\x03", Since: testTime}}
	if have := l.Effective(); !slices.Equal(have, want) {
		t.Errorf("%+v, want %+v", have, want)
	}
}
