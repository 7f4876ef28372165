package protocol_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/lf-store/lf/protocol"
)

// zstdBlock is one block of a zstd frame: kind 0 raw, 1 a byte repeated, 2 compressed, 3 reserved.
type zstdBlock struct {
	kind, size int
	stored     []byte
}

// zstdFrame writes a frame bit by bit: the descriptor, what follows it in the header, and blocks,
// the last one marked.
func zstdFrame(descriptor byte, header []byte, blocks ...zstdBlock) []byte {
	out := append([]byte{0x28, 0xb5, 0x2f, 0xfd, descriptor}, header...)
	for i, b := range blocks {
		h := uint32(b.size<<3 | b.kind<<1)
		if i == len(blocks)-1 {
			h |= 1
		}
		out = append(out, byte(h), byte(h>>8), byte(h>>16))
		out = append(out, b.stored...)
	}
	return out
}

func rawBlock(text []byte) zstdBlock        { return zstdBlock{0, len(text), text} }
func repeatedBlock(b byte, n int) zstdBlock { return zstdBlock{1, n, []byte{b}} }
func skippableZstd(kind byte, n uint32) []byte {
	return append(binary.LittleEndian.AppendUint32([]byte{0x50 | kind, 0x2a, 0x4d, 0x18}, n), make([]byte, n)...)
}

// addZstdFrames adds bodies of form 1, and what they open to, nil where they must not.
func addZstdFrames(t testing.TB, add func(name string, body, plain []byte)) {
	t.Helper()
	text := []byte("Bad Horse")
	// A single segment (0x20) whose size is in one byte, and a window of 64 KiB (0x30) with no
	// size.
	one, windowed := zstdFrame(0x20, []byte{9}, rawBlock(text)), zstdFrame(0, []byte{0x30}, rawBlock(text))
	add("one raw block", one, text)
	add("a window of 64 KiB", windowed, text)
	add("a window of 72 KiB", zstdFrame(0, []byte{0x31}, rawBlock(text)), nil)
	add("a window of 2 TiB", zstdFrame(0, []byte{0xf8}, rawBlock(text)), nil)
	add("the empty value", zstdFrame(0x20, []byte{0}, rawBlock(nil)), []byte{})
	add("three blocks", zstdFrame(0, []byte{0}, rawBlock(text), rawBlock(nil), repeatedBlock('!', 3)), []byte("Bad Horse!!!"))
	add("65536 bytes repeated", zstdFrame(0, []byte{0x30}, repeatedBlock('x', 1<<16)), bytes.Repeat([]byte("x"), 1<<16))
	add("65537 bytes in two blocks", zstdFrame(0, []byte{0x30}, repeatedBlock('x', 1<<16), rawBlock([]byte("x"))), nil)
	add("a block larger than the window", zstdFrame(0, []byte{0}, repeatedBlock('x', 1025)), nil)
	add("a block of the reserved type", zstdFrame(0x20, []byte{9}, zstdBlock{3, 9, text}), nil)
	add("no last block", append(zstdFrame(0, []byte{0})[:6], zstdFrame(0, nil, rawBlock(text), rawBlock(nil))[5:17]...), nil)

	add("two frames", slices.Concat(one, one), nil)
	add("two frames, the second empty", slices.Concat(one, zstdFrame(0x20, []byte{0}, rawBlock(nil))), nil)
	add("a skippable frame before", slices.Concat(skippableZstd(0, 4), one), nil)
	add("a skippable frame after", slices.Concat(one, skippableZstd(15, 0)), nil)
	add("a skippable frame alone", skippableZstd(7, 4), nil)
	add("a byte after it", append(bytes.Clone(one), 0), nil)
	add("three bytes after it", append(bytes.Clone(one), one[:3]...), nil)
	add("another magic number", append([]byte{0x27}, one[1:]...), nil)

	add("a size that is too small", zstdFrame(0x20, []byte{8}, rawBlock(text)), nil)
	add("a size that is too large", zstdFrame(0x20, []byte{10}, rawBlock(text)), nil)
	add("a size of 2^63", zstdFrame(0xe0, binary.LittleEndian.AppendUint64(nil, 1<<63), rawBlock(text)), nil)
	add("a size in two bytes", zstdFrame(0x60, []byte{44, 0}, repeatedBlock('x', 300)), bytes.Repeat([]byte("x"), 300))
	add("a size in eight bytes", zstdFrame(0xe0, binary.LittleEndian.AppendUint64(nil, 9), rawBlock(text)), text)
	add("dictionary 1", zstdFrame(0x21, []byte{1, 9}, rawBlock(text)), nil)
	add("dictionary 2^24, in four bytes", zstdFrame(0x23, []byte{0, 0, 0, 1, 9}, rawBlock(text)), nil)
	add("dictionary 0, which is none", zstdFrame(0x21, []byte{0, 9}, rawBlock(text)), text)
	add("the reserved bit", zstdFrame(0x28, []byte{9}, rawBlock(text)), nil)
	add("the unused bit", zstdFrame(0x30, []byte{9}, rawBlock(text)), text)

	summed := zstdOf(t, text, zstd.WithEncoderCRC(true))
	wrong := bytes.Clone(summed)
	wrong[len(wrong)-1] ^= 1
	add("a wrong checksum", wrong, nil)
	add("a checksum cut off", summed[:len(summed)-1], nil)
	add("a byte after the checksum", append(bytes.Clone(summed), 0), nil)
}

// TestOneZstdFrame opens what any encoder makes of a value, and nothing with something before or
// after it.
func TestOneZstdFrame(t *testing.T) {
	t.Parallel()
	n := testNetwork(t, nil)
	open := func(body []byte) ([]byte, error) {
		return n.Open(protocol.Mask{}, protocol.Sealing{}, sealFixed(t, n.ID(), protocol.Mask{}, protocol.Sealing{}, 1, body))
	}
	rapid.Check(t, func(r *rapid.T) {
		plain := []byte(rapid.StringN(0, 400, 2000).Draw(r, "plain"))
		level := rapid.SampledFrom([]zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBestCompression}).Draw(r, "level")
		frame := zstdOf(t, plain, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(rapid.Bool().Draw(r, "checksum")),
			zstd.WithSingleSegment(rapid.Bool().Draw(r, "single")), zstd.WithWindowSize(protocol.MaxPlaintext), zstd.WithZeroFrames(true))
		if got, err := open(frame); err != nil || !bytes.Equal(got, plain) {
			r.Fatalf("%x: %q, %v", frame, got, err)
		}
		more := rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(r, "more")
		for _, body := range [][]byte{slices.Concat(frame, frame), slices.Concat(frame, more), slices.Concat(more, frame),
			slices.Concat(skippableZstd(3, 2), frame), slices.Concat(frame, skippableZstd(3, 2)), frame[:len(frame)-1]} {
			if got, err := open(body); !errors.Is(err, protocol.ErrUnreadable) {
				r.Fatalf("%x: %q, %v", body, got, err)
			}
		}
	})
}
