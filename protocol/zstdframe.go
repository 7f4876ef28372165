package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The bits of a zstd frame's descriptor (RFC 8878, section 3.1.1.1.1).
const (
	zstdSingleSegment = 1 << 5
	zstdReserved      = 1 << 3
	zstdChecksum      = 1 << 2
	zstdDictionary    = 1<<1 | 1<<0
)

var errZstdCut = errors.New("its zstd frame is cut off")

// checkZstdFrame says why data is not exactly one zstd frame as SPEC.md, section 6, allows it.
// Decoders take several frames in a row, skip others, and overlook a few bytes after the last: two
// readers would see two values. What is in the blocks and the checksum are left to the decoder.
func checkZstdFrame(data []byte) error {
	if len(data) < 6 || string(data[:4]) != "\x28\xb5\x2f\xfd" {
		return errors.New("its compressed form is no zstd frame")
	}
	descriptor, rest := data[4], data[5:]
	if descriptor&zstdReserved != 0 {
		return errors.New("its zstd frame has the reserved bit set")
	}
	window, rest, err := readZstdWindow(descriptor, rest)
	if err != nil {
		return err
	}
	if window > MaxPlaintext {
		return fmt.Errorf("its zstd frame has a window of %d bytes, at most %d are allowed", window, MaxPlaintext)
	}
	if rest, err = skipZstdBlocks(rest, window); err != nil {
		return err
	}
	if descriptor&zstdChecksum != 0 {
		if len(rest) < 4 {
			return errZstdCut
		}
		rest = rest[4:]
	}
	if len(rest) > 0 {
		return fmt.Errorf("%d bytes follow its zstd frame", len(rest))
	}
	return nil
}

// readZstdWindow reads what is left of a frame's header and returns the size of its window: of the
// whole content, where that is one segment.
func readZstdWindow(descriptor byte, rest []byte) (window uint64, after []byte, err error) {
	single := descriptor&zstdSingleSegment != 0
	if !single {
		base := uint64(1) << (10 + rest[0]>>3)
		window, rest = base+base/8*uint64(rest[0]&7), rest[1:]
	}
	idSize := []int{0, 1, 2, 4}[descriptor&zstdDictionary]
	sizeSize := []int{0, 2, 4, 8}[descriptor>>6]
	if single && sizeSize == 0 {
		sizeSize = 1
	}
	if len(rest) < idSize+sizeSize {
		return 0, nil, errZstdCut
	}
	if littleEndian(rest[:idSize]) != 0 {
		return 0, nil, errors.New("its zstd frame needs a dictionary")
	}
	if size := littleEndian(rest[idSize : idSize+sizeSize]); single {
		window = size
		if sizeSize == 2 {
			window += 256
		}
	}
	return window, rest[idSize+sizeSize:], nil
}

// skipZstdBlocks returns what follows a frame's blocks.
func skipZstdBlocks(rest []byte, window uint64) ([]byte, error) {
	for last := false; !last; {
		if len(rest) < 3 {
			return nil, errZstdCut
		}
		header := littleEndian(rest[:3])
		last = header&1 != 0
		size, stored := header>>3, header>>3
		switch header >> 1 & 3 {
		case 1: // one byte, repeated
			stored = 1
		case 3:
			return nil, errors.New("its zstd frame has a block of the reserved type")
		}
		switch rest = rest[3:]; {
		case size > window:
			return nil, errors.New("its zstd frame has a block larger than its window")
		case stored > uint64(len(rest)):
			return nil, errZstdCut
		}
		rest = rest[stored:]
	}
	return rest, nil
}

// littleEndian reads a number of up to 8 bytes.
func littleEndian(b []byte) uint64 {
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:])
}
