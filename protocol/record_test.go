package protocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/lf-store/lf/protocol"
)

func TestRecordViews(t *testing.T) {
	t.Parallel()
	n, key := testNetwork(t, nil), testKey(t)
	r := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), "value"))
	pruned := recordOf(t, r.HeaderBytes(), nil)
	if pruned.HasValue() || !r.HasValue() || pruned.ID() != r.ID() || n.Check(pruned, noWork) != nil {
		t.Error("a pruned record is not the same without its value")
	}
	if r.WireSize() != len(r.HeaderBytes())+len(r.ValueBytes()) || !r.Time().Equal(time.UnixMilli(testTime+1)) {
		t.Error("size or time")
	}
	if r.Tombstone() || r.Type.String() != "datum" || protocol.TypeMax.String() != "type-15" {
		t.Error("type")
	}
	if again, err := protocol.IDFromCID(r.ID().CID()); err != nil || again != r.ID() {
		t.Error(err)
	}
	if _, err := protocol.IDFromCID(r.Value.ID.CID()); err == nil {
		t.Error("a value's CID is taken for a record's")
	}
	if protocol.FrameHash(r.EncodeFrame()) == protocol.FrameHash(pruned.EncodeFrame()) {
		t.Error("the message ID leaves the value out")
	}
	if err := n.CheckAuthorship(r); err != nil {
		t.Error(err)
	}
}

// TestIDInCBOR puts identifiers into other messages by the general codec.
func TestIDInCBOR(t *testing.T) {
	t.Parallel()
	type message struct {
		Record protocol.ID
		Value  protocol.ValueID
	}
	m := message{protocol.ID{1}, protocol.ValueID{2}}
	raw, err := cbor.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var again message
	if err := cbor.Unmarshal(raw, &again); err != nil || again != m {
		t.Fatalf("%+v, %v", again, err)
	}
	swapped := struct {
		Record protocol.ValueID
		Value  protocol.ID
	}{}
	if err := cbor.Unmarshal(raw, &swapped); err == nil {
		t.Error("a value's CID is taken for a record's")
	}
}

// TestBadTexts reads what is no text form.
func TestBadTexts(t *testing.T) {
	t.Parallel()
	id, value := protocol.ID{}.String(), protocol.ValueID{}.String()
	for _, s := range []string{"", "x", id[:len(id)-1], id + "a", value, strings.Repeat("b", 100_000), "12D3KooW"} {
		if _, err := protocol.ParseID(s); err == nil {
			t.Errorf("%.20q is read as a record's CID", s)
		}
		if _, err := protocol.ParseOwner(s); err == nil {
			t.Errorf("%.20q is read as an owner", s)
		}
		if err := new(protocol.SelectorKey).UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%.20q is read as a selector key", s)
		}
		if err := new(protocol.ValueID).UnmarshalText([]byte(s)); (err == nil) != (s == value) {
			t.Errorf("%.20q is read as a value's CID: %v", s, err)
		}
	}
	if err := new(protocol.SelectorKey).UnmarshalText([]byte(strings.Repeat("g", 64))); err == nil {
		t.Error("g is read as a digit")
	}
}

// TestBadKeys reads what is no secret key.
func TestBadKeys(t *testing.T) {
	t.Parallel()
	good, err := protocol.MarshalKeyPEM(fixedKey("pem"))
	if err != nil {
		t.Fatal(err)
	}
	const elliptic = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
`
	for name, text := range map[string]string{
		"nothing": "", "two": string(good) + string(good), "another label": strings.ReplaceAll(string(good), "PRIVATE", "PUBLIC"),
		"not DER": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "another kind": elliptic,
	} {
		if _, err := protocol.ParseKeyPEM([]byte(text)); err == nil {
			t.Errorf("%s: read as a key", name)
		}
	}
	if _, err := protocol.MarshalKeyPEM(nil); err == nil {
		t.Error("no key was written")
	}
}
