package protocol_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// allocated returns the bytes that one call of f allocates, after a first one that may build what
// is kept.
func allocated(f func()) uint64 {
	f()
	least := uint64(math.MaxUint64)
	// the codec's pools of buffers may be emptied at any time, under the race detector more often
	for range 8 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// TestBombs opens values that claim or hold far more than is allowed.
func TestBombs(t *testing.T) {
	n := testNetwork(t, nil)
	var mask protocol.Mask
	// A frame that says it has 2^40 bytes in a window of that size, and one that says nothing of
	// its size.
	lies := binary.LittleEndian.AppendUint64([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0}, 1<<40)
	wide := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00}
	for name, body := range map[string][]byte{
		"10 MiB": zstdOf(t, make([]byte, 10<<20)), "10 MiB, size unknown": zstdStream(t, 10<<20), "says 2^40": lies, "wide window": wide,
		"many frames": bytes.Repeat(zstdOf(t, make([]byte, 60<<10)), 1000),
	} {
		sealed := sealFixed(t, n.ID(), mask, protocol.Sealing{}, 1, body)
		bytes := allocated(func() {
			if plain, err := n.Open(mask, protocol.Sealing{}, sealed); err == nil {
				t.Errorf("%s: opened to %d bytes", name, len(plain))
			}
		})
		if limit := uint64(len(sealed) + 8*protocol.MaxPlaintext); bytes > limit {
			t.Errorf("%s: %d bytes allocated, want at most %d", name, bytes, limit)
		}
	}
}

// TestHostileLengths decodes headers and frames that declare more than they hold.
func TestHostileLengths(t *testing.T) {
	n := testNetwork(t, nil)
	key := fixedKey("owner")
	r := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), "x"))
	header, frame := r.HeaderBytes(), r.EncodeFrame()
	for _, size := range []uint64{17, 1 << 16, 1<<32 - 1, 1 << 40, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
		for _, major := range []byte{0x40, 0x80, 0xa0} {
			huge := binary.BigEndian.AppendUint64([]byte{major | 27}, size)
			for at := range header {
				declared := slices.Concat(header[:at], huge, header[at:])
				bytes := allocated(func() { _, _ = protocol.DecodeRecord(declared, nil) })
				if bytes > 8<<10 {
					t.Fatalf("header, %x at %d: %d bytes allocated", huge, at, bytes)
				}
			}
			for _, at := range []int{0, 1, len(header) + 4} {
				declared := slices.Concat(frame[:at], huge, frame[at:])
				bytes := allocated(func() { _, _ = protocol.DecodeFrame(declared) })
				if bytes > 8<<10 {
					t.Fatalf("frame, %x at %d: %d bytes allocated", huge, at, bytes)
				}
			}
		}
	}
}

// TestDecodeAllocations bounds what a record costs the collector: the record, its links, its
// selectors, and a copy of its bytes.
func TestDecodeAllocations(t *testing.T) {
	n, key := testNetwork(t, nil), fixedKey("owner")
	frame := compose(t, n, key, draft(t, n, protocol.OwnerOf(key), "x")).EncodeFrame()
	if count := testing.AllocsPerRun(100, func() { _, _ = protocol.DecodeFrame(frame) }); count > 4 {
		t.Errorf("%v allocations a frame, want at most 4", count)
	}
}

// TestFullestRecord bounds the memory of the largest valid record, and its header.
func TestFullestRecord(t *testing.T) {
	h := protocol.Header{Version: 1, Type: protocol.TypeMax, Timestamp: protocol.MaxTimestamp, Links: fixedLinks(protocol.MaxLinks),
		Value: &protocol.ValueRef{Size: 1<<32 - 1}, Work: &protocol.Work{Effort: 1<<32 - 1}}
	for range protocol.MaxSelectors {
		h.Selectors = append(h.Selectors, protocol.Selector{Ordinal: protocol.MaxOrdinal})
	}
	r := record(t, h)
	if len(r.HeaderBytes()) > protocol.MaxHeader {
		t.Errorf("the fullest header has %d bytes", len(r.HeaderBytes()))
	}
	if bytes := allocated(func() { _, _ = protocol.DecodeRecord(r.HeaderBytes(), nil) }); bytes > 4*protocol.MaxHeader {
		t.Errorf("%d bytes allocated", bytes)
	}
	t.Logf("the fullest header has %d bytes", len(r.HeaderBytes()))
}

// TestSealMemory bounds what the compressor keeps, since every node has one.
func TestSealMemory(t *testing.T) {
	n := testNetwork(t, nil)
	var mask protocol.Mask
	bytes := allocated(func() {
		if _, err := n.Seal(mask, protocol.Sealing{}, make([]byte, protocol.MaxPlaintext)); err != nil {
			t.Fatal(err)
		}
	})
	if bytes > 1<<20 {
		t.Errorf("%d bytes allocated to seal a value", bytes)
	}
}
