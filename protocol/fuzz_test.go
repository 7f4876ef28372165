package protocol_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/lf-store/lf/protocol"
)

// What decodes foreign bytes is fuzzed, with the vectors as seeds.

func addFrames(f *testing.F, add func(frame []byte)) {
	f.Helper()
	for _, v := range readVectors[[]acceptVector](f, "accept.json") {
		add(v.Frame)
	}
	for _, v := range readVectors[[]rejectVector](f, "reject.json") {
		if len(v.Frame) < 8<<10 {
			add(v.Frame)
		}
	}
}

// FuzzDecodeRecord: what decodes encodes to the same bytes, a general codec reads it alike, and what a general codec
// reads and would write in the same way decodes.
func FuzzDecodeRecord(f *testing.F) {
	addFrames(f, func(frame []byte) {
		var parts [][]byte
		if cbor.Unmarshal(frame, &parts) == nil && len(parts) == 2 {
			f.Add(parts[0], parts[1])
		}
	})
	n := testNetwork(f, nil)
	f.Fuzz(func(t *testing.T, header, value []byte) {
		r, err := protocol.DecodeRecord(header, value)
		g, general := decodeGeneral(header)
		if err != nil {
			var invalid *protocol.InvalidError
			if r != nil || !errors.As(err, &invalid) {
				t.Fatalf("%+v, %v", r, err)
			}
			if general && invalid.Rule == protocol.RuleEncoding {
				t.Fatalf("a general codec reads %+v: %v", g, err)
			}
			return
		}
		if !general {
			t.Fatal("a general codec does not read it")
		}
		g.compare(t, r)
		again, err := protocol.NewRecord(r.Header, value)
		if err != nil || again.ID() != r.ID() || !bytes.Equal(again.HeaderBytes(), header) {
			t.Fatalf("encodes to other bytes: %x, %v", again.HeaderBytes(), err)
		}
		if n.Check(r, noWork) == nil && !n.IsGenesis(r.ID()) {
			t.Fatal("a valid record of a network that was made just now")
		}
		r.CompositeID()
		n.Challenge(r)
	})
}

// FuzzDecodeFrame: what decodes encodes to the same bytes.
func FuzzDecodeFrame(f *testing.F) {
	addFrames(f, func(frame []byte) { f.Add(frame) })
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		r, err := protocol.DecodeFrame(frame)
		if err != nil {
			if ruleOf(err) == "" {
				t.Fatal(err)
			}
			return
		}
		clear(frame) // nothing of it is kept
		if !bytes.Equal(r.EncodeFrame(), before) {
			t.Fatalf("encodes to %x", r.EncodeFrame())
		}
	})
}

// FuzzParseNetworkFile: what opens can be written and opened again, and is the same network.
func FuzzParseNetworkFile(f *testing.F) {
	for _, v := range readVectors[[]fileVector](f, "networkfiles.json") {
		f.Add([]byte(v.Text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, file, err := protocol.ParseNetworkFile(data)
		if err != nil {
			return
		}
		if p := n.Params(); p.Check() != nil || len(n.Genesis()) != int(p.MinLinks) {
			t.Fatalf("%+v", p)
		}
		written := n.File(file.Seeds)
		if again, err := written.Network(); err != nil || again.ID() != file.ID {
			t.Fatal(err)
		}
	})
}

// FuzzParseExpression: what is read is written so that it is read again.
func FuzzParseExpression(f *testing.F) {
	for _, v := range readVectors[textVectors](f, "text.json").Expressions {
		f.Add(v.Text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := protocol.ParseExpression(s)
		if err != nil {
			return
		}
		if again, err := protocol.ParseExpression(e.String()); err != nil || again != e {
			t.Fatalf("%+v written as %q, read as %+v, %v", e, e.String(), again, err)
		}
		if protocol.CheckName(e.Name) != nil || e.From > e.To || e.To > protocol.MaxOrdinal {
			t.Fatalf("%+v", e)
		}
	})
}

// FuzzParseKeyPEM: what is read is written and read again.
func FuzzParseKeyPEM(f *testing.F) {
	text, err := protocol.MarshalKeyPEM(fixedKey("pem"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("MC4"), []byte("MC5"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := protocol.ParseKeyPEM(text)
		if err != nil {
			return
		}
		written, err := protocol.MarshalKeyPEM(key)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := protocol.ParseKeyPEM(written); err != nil || !again.Equal(key) {
			t.Fatal("another key", err)
		}
	})
}

// FuzzParseText: the text forms of identifiers that are read are written and read again.
func FuzzParseText(f *testing.F) {
	v := readVectors[textVectors](f, "text.json")
	for _, s := range []string{v.RecordCID.String(), v.ValueCID.String(), v.Owner.String(), v.Composites[0].ID.String(), "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := protocol.ParseID(s); err == nil {
			if again, err := protocol.ParseID(id.String()); err != nil || again != id {
				t.Fatal(again, err)
			}
		}
		if o, err := protocol.ParseOwner(s); err == nil && o.String() != s {
			t.Fatalf("%q is read as %s", s, o)
		}
		var value protocol.ValueID
		if value.UnmarshalText([]byte(s)) == nil {
			if again := new(protocol.ValueID); again.UnmarshalText([]byte(value.String())) != nil || *again != value {
				t.Fatal(again)
			}
		}
		var key protocol.SelectorKey
		if err := key.UnmarshalText([]byte(s)); (err == nil) != (new(protocol.CompositeID).UnmarshalText([]byte(s)) == nil) {
			t.Fatal(err)
		}
	})
}

// FuzzOpen: whatever was sealed, by whoever knows the mask, opens to at most the limit or not at all.
func FuzzOpen(f *testing.F) {
	networks := fixedNetworks(f)
	for _, v := range readVectors[[]sealingVector](f, "sealing.json") {
		if len(v.Sealed) < 8<<10 {
			f.Add(byte(1), []byte(v.Sealed))
		}
	}
	f.Add(byte(0), []byte("plain"))
	f.Add(byte(1), zstdOf(f, []byte("plain")))
	f.Add(byte(1), zstdStream(f, 1<<20))
	n, mask, s := networks["free"], protocol.Mask{}, protocol.Sealing{}
	f.Fuzz(func(t *testing.T, form byte, body []byte) {
		if _, err := n.Open(mask, s, body); err == nil {
			t.Fatal("opened what nobody sealed")
		}
		plain, err := n.Open(mask, s, sealFixed(t, n.ID(), mask, s, form, body))
		if (err == nil) != (plain != nil) || len(plain) > protocol.MaxPlaintext {
			t.Fatalf("%d bytes, %v", len(plain), err)
		}
		if form == 0 && !bytes.Equal(plain, body) && len(body) > 0 {
			t.Fatal("opened to something else")
		}
	})
}
