package lf

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/api/apitest"
	"github.com/lf-store/lf/protocol"
)

// signed makes records on a network without work.
func signed(t *testing.T, count int) (*protocol.Network, []*protocol.Record) {
	t.Helper()
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB = "checked", 0
	p.NameHardening = protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	name, err := n.DeriveName("horse")
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	links := []protocol.ID{}
	for _, g := range n.Genesis() {
		links = append(links, g.ID())
	}
	records := make([]*protocol.Record, count)
	for i := range records {
		records[i], err = n.Compose(protocol.Draft{
			Owner: protocol.OwnerOf(key), Timestamp: uint64(time.Now().UnixMilli()), Links: links[len(links)-1:],
			Names: []protocol.NamePoint{{Name: name, Ordinal: uint64(i)}}, Value: []byte("x"),
		})
		if err == nil {
			records[i], err = n.Sign(records[i], key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return n, records
}

// TestCheckedOnce changes any bit of a record that was checked: it is another one, and is refused.
// The same bytes are the record that was checked.
func TestCheckedOnce(t *testing.T) {
	t.Parallel()
	n, records := signed(t, 1)
	frame := records[0].EncodeFrame()
	c := newCheckedRecords(n)
	first, err := c.read(frame)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.read(bytes.Clone(frame)); err != nil || again != first {
		t.Errorf("checked once more: %v", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		forged := bytes.Clone(frame)
		forged[rapid.IntRange(0, len(frame)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for range 2 { // a refusal is not remembered as anything else
			if _, err := c.read(forged); err == nil {
				t.Error("taken for the record that was checked")
			}
		}
	})
}

// TestCheckedAhead checks answers in batches. A forged record among them spoils no other, and is
// not taken for checked.
func TestCheckedAhead(t *testing.T) {
	t.Parallel()
	n, records := signed(t, checkedAtOnce+3)
	result := &api.QueryResult{}
	for i, r := range records {
		if i == 1 {
			h := r.Header
			h.Signature[3] ^= 1
			forged, err := protocol.NewRecord(h, r.ValueBytes())
			if err != nil {
				t.Fatal(err)
			}
			r = forged
		}
		result.Answers = append(result.Answers, api.Answer{Version: api.Version{Frame: r.EncodeFrame()}})
	}
	result.Answers[2].Frame = result.Answers[2].Frame[:20]
	result.Answers[0].Others = []api.Version{{Frame: result.Answers[1].Frame}, {}}
	c := newCheckedRecords(n)
	c.checkAhead(result)
	for i, a := range result.Answers {
		if known := c.known.Contains(protocol.FrameHash(a.Frame)); known != (i != 1 && i != 2) {
			t.Errorf("record %d: known %t", i, known)
		}
		if _, err := c.read(a.Frame); (err == nil) != (i != 1 && i != 2) {
			t.Errorf("record %d: %v", i, err)
		}
	}
	if c.known.Len() > maxChecked {
		t.Errorf("%d records are remembered", c.known.Len())
	}
}

// TestOwnRecordIsChecked reads what the same client has written: the record is the one that it
// signed.
func TestOwnRecordIsChecked(t *testing.T) {
	t.Parallel()
	f, err := apitest.NewFake()
	if err != nil {
		t.Fatal(err)
	}
	file, err := f.Network(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, err := file.Network()
	if err != nil {
		t.Fatal(err)
	}
	db, err := New(f, n)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var signed *protocol.Record
	if _, err := db.Set(t.Context(), MustKey("horse"), []byte("x"), AsKey(key), OnWritten(func(r *protocol.Record, _ *Written) { signed = r })); err != nil {
		t.Fatal(err)
	}
	if a, err := db.Get(t.Context(), MustKey("horse")); err != nil || a.Header() != signed {
		t.Errorf("%+v, %v", a, err)
	}
}
