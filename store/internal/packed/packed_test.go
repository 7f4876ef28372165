package packed

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// history is records with their rows, as a database has them.
type history struct {
	records []*protocol.Record
	rows    [][]byte
	words   []Word // by number, from 1
	numbers map[Word]uint64
}

func newHistory() *history {
	return &history{words: make([]Word, 1), numbers: map[Word]uint64{}}
}

// at is what a record may refer to; missing is the error of any look-up that leads to nothing.
type at struct {
	*history
	index int
}

var errMissing = errors.New("no such record")

func (a at) before(back uint64) (int, error) {
	if back == 0 || back > uint64(a.index) {
		return 0, errMissing
	}
	return a.index - int(back), nil
}

func (a at) Link(back uint64) (protocol.ID, uint64, error) {
	i, err := a.before(back)
	if err != nil {
		return protocol.ID{}, 0, err
	}
	return a.records[i].ID(), a.records[i].Timestamp, nil
}

func (a at) Word(number uint64) (Word, error) {
	if number == 0 || number >= uint64(len(a.words)) {
		return Word{}, errMissing
	}
	return a.words[number], nil
}

// number returns the number of a word if there is one and use says so.
func (h *history) number(w Word, use func() bool) uint64 {
	if h.numbers[w] == 0 {
		h.numbers[w] = uint64(len(h.words))
		h.words = append(h.words, w)
		return 0
	}
	if !use() {
		return 0
	}
	return h.numbers[w]
}

// add packs a record that links those with the indices, and refers to words where use says so.
func (h *history) add(r *protocol.Record, links []int, use func() bool) {
	refs := &References{Owner: h.number(Word(r.Owner), use)}
	for _, l := range links {
		refs.Links = append(refs.Links, uint64(len(h.records)-l))
		refs.Newest = max(refs.Newest, h.records[l].Timestamp)
	}
	for i := range r.Selectors {
		refs.Keys = append(refs.Keys, h.number(Word(r.Selectors[i].Key), use))
	}
	h.records, h.rows = append(h.records, r), append(h.rows, Pack(nil, r, refs))
}

func fill(b []byte, seed uint64) {
	for i := range b {
		b[i] = byte(seed*2654435761>>8) ^ byte(i*int(seed|1))
	}
}

// draw makes a record that links earlier ones, of any form that decodes.
func (h *history) draw(t *rapid.T) {
	var links []int
	if len(h.records) > 0 {
		count := rapid.SampledFrom([]int{0, 1, 2, 2, 2, 3, protocol.MaxLinks}).Draw(t, "links")
		links = rapid.SliceOfNDistinct(rapid.IntRange(0, len(h.records)-1), min(count, len(h.records)), min(count, len(h.records)), rapid.ID).Draw(t, "linked")
	}
	header := protocol.Header{Version: protocol.Version, Type: protocol.Type(rapid.Uint64Range(0, 16).Draw(t, "type")),
		Timestamp: rapid.SampledFrom([]uint64{0, 1, 1000, 1_000_001, protocol.MaxTimestamp}).Draw(t, "time")}
	for _, l := range links {
		header.Links = append(header.Links, h.records[l].ID())
		if rapid.IntRange(0, 9).Draw(t, "early") > 0 { // else it may be older than a link
			header.Timestamp = max(header.Timestamp, h.records[l].Timestamp)
		}
	}
	fill(header.Owner[:], rapid.Uint64Range(0, 3).Draw(t, "owner"))
	fill(header.Signature[:], rapid.Uint64().Draw(t, "signature"))
	header.Selectors = make([]protocol.Selector, rapid.SampledFrom([]int{0, 1, 1, 2, protocol.MaxSelectors}).Draw(t, "selectors"))
	for i := range header.Selectors {
		s := &header.Selectors[i]
		fill(s.Key[:], rapid.Uint64Range(0, 20).Draw(t, "key"))
		fill(s.Claim[:], rapid.Uint64().Draw(t, "claim"))
		s.Ordinal = rapid.SampledFrom([]uint64{0, 7, 300, math.MaxInt64, math.MaxUint64}).Draw(t, "ordinal")
	}
	var value []byte
	if rapid.Bool().Draw(t, "valued") {
		value = rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "value")
		header.Value = &protocol.ValueRef{ID: sha256.Sum256(value), Size: uint32(len(value))}
		if rapid.IntRange(0, 9).Draw(t, "pruned") == 0 {
			value = nil
		}
	}
	if rapid.Bool().Draw(t, "worked") {
		header.Work = &protocol.Work{Effort: rapid.Uint32().Draw(t, "effort")}
		fill(header.Work.Solution[:], rapid.Uint64().Draw(t, "solution"))
	}
	r, err := protocol.NewRecord(header, value)
	if err != nil {
		t.Fatal(err)
	}
	h.add(r, links, func() bool { return rapid.IntRange(0, 4).Draw(t, "refer") > 0 })
}

func drawHistory(t *rapid.T) *history {
	h := newHistory()
	for range rapid.IntRange(1, 24).Draw(t, "records") {
		h.draw(t)
	}
	return h
}

// unpack returns the record in a row, whichever form that has.
func (h *history) unpack(index int) (*protocol.Record, error) {
	row, value := h.rows[index], h.records[index].ValueBytes()
	if !IsPacked(row) {
		return protocol.DecodeRecord(row, value)
	}
	return Unpack(row, value, at{h, index})
}

// TestEveryRecordComesBack packs records of any form: each comes back, byte for byte.
func TestEveryRecordComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		for i, want := range h.records {
			r, err := h.unpack(i)
			if err != nil || r.ID() != want.ID() || !bytes.Equal(r.EncodeFrame(), want.EncodeFrame()) {
				t.Fatalf("record %d: %v", i, err)
			}
			if numbers, ok := Row(h.rows[i]).Numbers(want); ok != IsPacked(h.rows[i]) || ok && len(numbers) != 1+len(want.Selectors) {
				t.Fatalf("record %d: numbers %v, %v", i, numbers, ok)
			}
			if plain := want.HasValue(); IsPacked(h.rows[i]) && (!plain || len(h.rows[i]) >= len(want.HeaderBytes())) {
				t.Fatalf("a row of %d bytes for a header of %d", len(h.rows[i]), len(want.HeaderBytes()))
			}
		}
	})
}

// TestDamageIsSeen changes bytes in a row, in its value, or in what it refers to. The record does
// not come back, or is the same: never another one under its ID.
func TestDamageIsSeen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := drawHistory(t)
		i := rapid.IntRange(0, len(h.records)-1).Draw(t, "index")
		want := h.records[i]
		row, value := bytes.Clone(h.rows[i]), bytes.Clone(want.ValueBytes())
		hurt := row
		if len(value) > 0 && rapid.Bool().Draw(t, "hurt the value") {
			hurt = value
		}
		for range rapid.IntRange(1, 3).Draw(t, "bytes") {
			hurt[rapid.IntRange(0, len(hurt)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		var r *protocol.Record
		var err error
		if IsPacked(row) {
			r, err = Unpack(row, value, at{h, i})
		} else if r, err = protocol.DecodeRecord(row, value); err == nil {
			err = r.CheckCarried()
		}
		if err == nil && r.ID() == want.ID() && !bytes.Equal(r.EncodeFrame(), want.EncodeFrame()) {
			t.Fatal("another record under the same ID")
		}
		if err != nil && !IsDamage(err) && !errors.Is(err, errMissing) {
			t.Fatal(err)
		}
	})
}

// TestEveryByte turns every bit of one row over: each is seen.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	h := typical(t, 3)
	last := len(h.rows) - 1
	other, err := protocol.NewRecord(h.records[last-1].Header, h.records[last-1].ValueBytes())
	if _, ok := Row(h.rows[last]).Numbers(other); ok || err != nil {
		t.Error("a row is taken for another record's:", err)
	}
	for i := range 8 * len(h.rows[last]) {
		row := bytes.Clone(h.rows[last])
		row[i/8] ^= 1 << (i % 8)
		if r, err := Unpack(row, h.records[last].ValueBytes(), at{h, last}); err == nil && r.ID() == h.records[last].ID() {
			t.Errorf("byte %d, bit %d makes no difference", i/8, i%8)
		}
	}
	for n := range h.rows[last] {
		if _, err := Unpack(h.rows[last][:n], h.records[last].ValueBytes(), at{h, last}); err == nil {
			t.Errorf("%d bytes pass for a row", n)
		}
	}
}

// typical is a history of records as most are: two links, one selector, a value of 61 bytes.
func typical(t testing.TB, count int) *history {
	t.Helper()
	h := newHistory()
	for i := range count {
		header := protocol.Header{Version: protocol.Version, Timestamp: 1_800_000_000_000 + uint64(i)*1000, Selectors: make([]protocol.Selector, 1)}
		value := make([]byte, 61)
		fill(value, uint64(i))
		header.Value = &protocol.ValueRef{ID: sha256.Sum256(value), Size: uint32(len(value))}
		fill(header.Owner[:], uint64(i%2))
		fill(header.Selectors[0].Key[:], uint64(10+i%2))
		header.Selectors[0].Ordinal = uint64(i / 2)
		fill(header.Signature[:], uint64(i))
		var links []int
		for l := max(0, i-2); l < i; l++ {
			links = append(links, l)
		}
		slices.SortFunc(links, func(a, b int) int { return h.records[a].ID().Compare(h.records[b].ID()) })
		for _, l := range links {
			header.Links = append(header.Links, h.records[l].ID())
		}
		r, err := protocol.NewRecord(header, value)
		if err != nil {
			t.Fatal(err)
		}
		h.add(r, links, func() bool { return true })
	}
	return h
}

// TestTypicalRow bounds what a typical row has beyond claim and signature.
func TestTypicalRow(t *testing.T) {
	t.Parallel()
	h := typical(t, 10)
	if size := len(h.rows[9]); size > 2*64+12 {
		t.Errorf("a typical row has %d bytes, its header %d", size, len(h.records[9].HeaderBytes()))
	}
	if _, err := WrittenOut(h.rows[9], 0); !IsDamage(err) {
		t.Error("an owner is written out again:", err)
	}
	if key, err := WrittenOut(h.rows[0], 1); err != nil || key != Word(h.records[0].Selectors[0].Key) {
		t.Error(key, err)
	}
	if owner, err := WrittenOut(h.records[9].HeaderBytes(), 0); err != nil || owner != Word(h.records[9].Owner) {
		t.Error(owner, err)
	}
}

// FuzzUnpack: whatever a row says, it is unpacked or refused. What is unpacked is packed again to a
// row of the same record.
func FuzzUnpack(f *testing.F) {
	h := typical(f, 6)
	for i, row := range h.rows {
		f.Add(row, h.records[i].ValueBytes())
	}
	f.Fuzz(func(t *testing.T, row, value []byte) {
		if !IsPacked(row) {
			return
		}
		if len(value) == 0 {
			value = nil
		}
		look := at{h, len(h.rows)}
		for i := range protocol.MaxSelectors + 2 {
			_, _ = WrittenOut(row, i)
		}
		r, err := Unpack(row, value, look)
		if err != nil {
			if !IsDamage(err) && !errors.Is(err, errMissing) {
				t.Fatal(err)
			}
			return
		}
		p, err := Row(row).parse()
		if err != nil {
			t.Fatal(err)
		}
		refs := &References{Links: p.links, Owner: p.owner, Keys: p.keys}
		for _, back := range p.links {
			_, timestamp, err := look.Link(back)
			if err != nil {
				t.Fatal(err)
			}
			refs.Newest = max(refs.Newest, timestamp)
		}
		packed := Pack(nil, r, refs)
		if !IsPacked(packed) {
			return // its time is beyond 2^64
		}
		if again, err := Unpack(packed, value, look); err != nil || again.ID() != r.ID() || len(packed) > len(row) {
			t.Fatalf("packed again to %d bytes, of %d: %v", len(packed), len(row), err)
		}
	})
}

// TestHugeNumbers: no number in a row makes Unpack allocate by it.
func TestHugeNumbers(t *testing.T) {
	t.Parallel()
	h := typical(t, 3)
	row := h.rows[2]
	huge := binary.AppendUvarint(nil, math.MaxUint64)
	for i := range row {
		bad := slices.Concat(row[:i], huge, row[i:])
		if r, err := Unpack(bad, h.records[2].ValueBytes(), at{h, 2}); err == nil && r.ID() == h.records[2].ID() {
			t.Error(i)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	h := typical(b, 100)
	b.ReportAllocs()
	refs, buffer := &References{Links: []uint64{1, 2}, Newest: h.records[98].Timestamp, Owner: 1, Keys: []uint64{2}}, []byte(nil)
	for b.Loop() {
		buffer = Pack(buffer[:0], h.records[99], refs)
	}
	b.ReportMetric(float64(len(buffer)), "bytes")
}

func BenchmarkUnpack(b *testing.B) {
	h := typical(b, 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.unpack(99); err != nil {
			b.Fatal(err)
		}
	}
}
