package archive

import (
	"errors"
	"fmt"
	"io"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car/v2"

	"github.com/lf-store/lf/protocol"
)

const (
	// maxHeader has room for MaxTips CIDs of at most 41 bytes.
	maxHeader = 64 << 10
	// maxSection has room for a block and the CID before it.
	maxSection = max(protocol.MaxHeader, protocol.MaxValue) + 64
)

// ErrOtherNetwork says that an archive is of another network.
var ErrOtherNetwork = errors.New("the archive is of another network")

// FormatError says that a file is no archive of records, or is damaged.
type FormatError struct {
	Record int // how many records came before
	Err    error
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("not an archive of records, or damaged, after %d records: %v", e.Record, e.Err)
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// Reader reads an archive. It checks the hash of each block and the shape of each header, but
// neither signatures nor work, nor whether parents came first. A file that was cut off lacks some
// of its roots.
type Reader struct {
	blocks *car.BlockReader
	source *source
	count  int
	roots  map[cid.Cid]bool // those that have not come yet
}

// source remembers why reading failed: the CAR library hides that.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// NewReader reads the beginning of an archive. Its error wraps [ErrOtherNetwork], is a
// [*FormatError], or is that of r.
func NewReader(r io.Reader, n *protocol.Network) (*Reader, error) {
	a := &Reader{source: &source{r: r}}
	b, err := car.NewBlockReader(a.source, car.MaxAllowedHeaderSize(maxHeader), car.MaxAllowedSectionSize(maxSection))
	if err != nil {
		return nil, a.fault(err)
	}
	if b.Version != 1 {
		return nil, a.fault(fmt.Errorf("it has version %d of CAR, the one that is known here is 1", b.Version))
	}
	if len(b.Roots) == 0 || !b.Roots[0].Equals(n.ID().CID()) {
		return nil, fmt.Errorf("%w: its first root is not %s", ErrOtherNetwork, n.ID())
	}
	a.blocks, a.roots = b, make(map[cid.Cid]bool, len(b.Roots))
	for _, c := range b.Roots {
		a.roots[c] = true
	}
	return a, nil
}

// Next returns the next record, and io.EOF after the last one. Other errors are as those of
// [NewReader]. The record is the caller's to keep.
func (a *Reader) Next() (*protocol.Record, error) {
	header, err := a.block()
	if errors.Is(err, io.EOF) {
		for missing := range a.roots {
			return nil, a.fault(fmt.Errorf("it ends early, and lacks its root %s", missing))
		}
		return nil, io.EOF
	}
	if err != nil {
		return nil, a.fault(err)
	}
	id, err := protocol.IDFromCID(header.Cid())
	if err != nil {
		return nil, a.fault(fmt.Errorf("block %s is no record's header: %w", header.Cid(), err))
	}
	r, err := protocol.DecodeRecord(header.RawData(), nil)
	if err != nil {
		return nil, a.fault(fmt.Errorf("record %s: %w", id, err))
	}
	if r.Value != nil {
		if r, err = a.withValue(r); err != nil {
			return nil, a.fault(fmt.Errorf("record %s: %w", id, err))
		}
	}
	a.count++
	delete(a.roots, header.Cid())
	return r, nil
}

// withValue reads the value of a record.
func (a *Reader) withValue(r *protocol.Record) (*protocol.Record, error) {
	value, err := a.block()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if !value.Cid().Equals(r.Value.ID.CID()) {
		return nil, fmt.Errorf("block %s follows it, not its value", value.Cid())
	}
	return protocol.DecodeRecord(r.HeaderBytes(), value.RawData())
}

func (a *Reader) block() (blocks.Block, error) {
	b, err := a.blocks.Next()
	if err != nil {
		return nil, err
	}
	if p := b.Cid().Prefix(); p.Version != 1 || p.MhLength != len(protocol.ID{}) {
		return nil, fmt.Errorf("block %s is none of a record", b.Cid())
	}
	return b, nil
}

// fault is what is wrong with the archive, or why it could not be read.
func (a *Reader) fault(err error) error {
	if a.source.err != nil {
		return fmt.Errorf("read the archive: %w", a.source.err)
	}
	return &FormatError{a.count, err}
}
