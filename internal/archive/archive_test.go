package archive

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ipld/go-car/v2"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// network makes a network without work, and a key.
func network(t rapid.TB) (*protocol.Network, ed25519.PrivateKey) {
	p := protocol.DefaultParams()
	p.Name, p.WorkPerKiB, p.NameHardening = "test", 0, protocol.Hardening{MemoryKiB: 8, Passes: 1}
	n, err := protocol.NewNetwork(p, uint64(time.Now().UnixMilli()), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return n, key
}

// record makes a record of a type with a value.
func record(t rapid.TB, n *protocol.Network, key ed25519.PrivateKey, value []byte, links ...*protocol.Record) *protocol.Record {
	d := protocol.Draft{Type: protocol.TypeDatum, Owner: protocol.OwnerOf(key), Timestamp: uint64(time.Now().UnixMilli()), Value: value, Mask: new(protocol.Mask)}
	for _, l := range links {
		d.Links = append(d.Links, l.ID())
	}
	r, err := n.Compose(d)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = n.Sign(r, key); err != nil {
		t.Fatal(err)
	}
	return r
}

// written writes an archive of a network's genesis and more records, whose last one is a tip.
func written(t rapid.TB, n *protocol.Network, records ...*protocol.Record) []byte {
	var tips []protocol.ID
	if len(records) > 0 {
		tips = append(tips, records[len(records)-1].ID())
	}
	var file bytes.Buffer
	w, err := NewWriter(&file, n, tips)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(n.Genesis(), records...) {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

// read reads all records of an archive.
func read(n *protocol.Network, from io.Reader) (records []*protocol.Record, err error) {
	a, err := NewReader(from, n)
	if err != nil {
		return nil, err
	}
	for {
		e, err := a.Next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		r, err := e.Decode()
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
}

// TestRoundTrip holds that what is written is read, and that the CAR library reads the same blocks.
// A file that ends anywhere before its end is told from a whole one.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, key := network(t)
		var records []*protocol.Record
		for _, size := range rapid.SliceOfN(rapid.IntRange(0, 4000), 1, 8).Draw(t, "sizes") {
			value := make([]byte, size)
			_, _ = rand.Read(value)
			records = append(records, record(t, n, key, value, append(n.Genesis(), records...)[len(records):]...))
		}
		file := written(t, n, records...)
		got, err := read(n, iotest.HalfReader(bytes.NewReader(file)))
		want := append(n.Genesis(), records...)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d of %d records, %v", len(got), len(want), err)
		}
		for i := range want {
			if !bytes.Equal(got[i].EncodeFrame(), want[i].EncodeFrame()) {
				t.Errorf("record %d differs", i)
			}
		}
		checkBlocks(t, file, want)
		cut := rapid.IntRange(0, len(file)-1).Draw(t, "cut")
		var format *FormatError
		if got, err := read(n, bytes.NewReader(file[:cut])); !errors.As(err, &format) || format.Record != len(got) {
			t.Errorf("cut at %d of %d: %d records, %v", cut, len(file), len(got), err)
		}
	})
}

// checkBlocks compares a file with what the CAR library reads there.
func checkBlocks(t *rapid.T, file []byte, records []*protocol.Record) {
	b, err := car.NewBlockReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Roots) != 2 || b.Version != 1 {
		t.Fatalf("version %d, roots %v", b.Version, b.Roots)
	}
	for _, r := range records {
		header, err := b.Next()
		if err != nil || header.Cid() != r.ID().CID() {
			t.Fatalf("block of %s: %v", r.ID(), err)
		}
		if r.Value == nil {
			continue
		}
		if value, err := b.Next(); err != nil || value.Cid() != r.Value.ID.CID() {
			t.Fatalf("value of %s: %v", r.ID(), err)
		}
	}
	if _, err := b.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("more blocks: %v", err)
	}
}

// TestFaults holds that each fault of a file is told, and which record it is at.
func TestFaults(t *testing.T) {
	n, key := network(t)
	r := record(t, n, key, []byte("value"), n.Genesis()...)
	file := written(t, n, r)
	other, _ := network(t)
	if _, err := read(other, bytes.NewReader(file)); !errors.Is(err, ErrOtherNetwork) {
		t.Errorf("another network: %v", err)
	}
	broken := errors.New("broken")
	if _, err := read(n, io.MultiReader(bytes.NewReader(file[:len(file)-1]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a broken disk: %v", err)
	}
	flipped := bytes.Clone(file)
	flipped[len(file)-1] ^= 1
	header, err := encodeHeader([]protocol.ID{n.ID()})
	if err != nil {
		t.Fatal(err)
	}
	var withoutValue bytes.Buffer
	w := &Writer{w: &withoutValue}
	for _, err := range []error{w.section(header), w.block(r.ID().CID(), r.HeaderBytes()), w.block(r.ID().CID(), r.HeaderBytes())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		file   []byte
		before int
	}{
		"nothing":           {nil, 0},
		"no CAR":            {[]byte("{}\n"), 0},
		"a flipped bit":     {flipped, len(n.Genesis())},
		"no value":          {withoutValue.Bytes(), 0},
		"more after it":     {append(bytes.Clone(file), 1, 2, 3), len(n.Genesis()) + 1},
		"a huge section":    {append(bytes.Clone(file), 0xff, 0xff, 0xff, 0xff, 0x7f), len(n.Genesis()) + 1},
		"a huge header":     {[]byte{0xff, 0xff, 0xff, 0xff, 0x7f}, 0},
		"the version of v2": {[]byte("\x0a\xa1gversion\x02"), 0},
	} {
		var format *FormatError
		if _, err := read(n, bytes.NewReader(c.file)); !errors.As(err, &format) || format.Record != c.before {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzReader holds that no file makes the reader panic, and that what it reads has the hash it
// goes by.
func FuzzReader(f *testing.F) {
	n, key := network(f)
	f.Add(written(f, n, record(f, n, key, []byte("value"), n.Genesis()...)))
	f.Add([]byte("\x0a\xa1gversion\x02"))
	f.Fuzz(func(t *testing.T, file []byte) {
		records, _ := read(n, bytes.NewReader(file))
		for _, r := range records {
			if err := r.CheckCarried(); err != nil {
				t.Error(err)
			}
		}
	})
}
