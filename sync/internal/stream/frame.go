package stream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/sync/internal/penalty"
)

// lengthSize is the size of the length before a frame.
const lengthSize = 4

// MaxFrameItem is the size of the buffer from which ReadFrame reads: a byte of its caller's, a
// length, and the largest frame.
const MaxFrameItem = 1 + lengthSize + protocol.MaxFrame

// ReadFrame reads a frame with its length before it. It decodes it in the reader's own buffer,
// which holds the largest. So nothing is allocated by the announced length, and nothing is copied
// but what the record keeps. What protocol.IsUnknownVersion tells of the error is no violation.
func ReadFrame(in *bufio.Reader) (*protocol.Record, error) {
	head, err := in.Peek(lengthSize)
	if err != nil {
		return nil, cut(err)
	}
	length := binary.BigEndian.Uint32(head)
	if length == 0 || length > protocol.MaxFrame {
		return nil, penalty.Violates("a frame of %d bytes, want 1 to %d", length, protocol.MaxFrame)
	}
	_, _ = in.Discard(lengthSize) // it is there
	frame, err := in.Peek(int(length))
	if err != nil {
		return nil, cut(err)
	}
	defer in.Discard(int(length)) //nolint:errcheck // it is there
	r, err := protocol.DecodeFrame(frame)
	switch {
	case protocol.IsUnknownVersion(err):
		return nil, err
	case err != nil:
		return nil, penalty.Violates("%v", err)
	}
	return r, nil
}

// cut says that a stream broke off inside an item.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read a record: %w", err)
}
