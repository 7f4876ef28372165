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

// Reader reads an archive. It checks the hash of each block. [Entry.Decode] checks the shape of a
// header, but neither signatures nor work, nor whether parents came first. A file that was cut off
// lacks some of its roots.
type Reader struct {
	blocks *car.BlockReader
	source *source
	count  int
	roots  map[cid.Cid]bool // those that have not come yet
	ahead  blocks.Block     // read, and not a value of the record before it
	end    error            // of the blocks
}

// Entry is a record as the file has it: its blocks have the hashes they go by.
type Entry struct {
	id            protocol.ID
	before        int // how many records came before
	header, value blocks.Block
	end           error // why no block follows the header
}

// ID is the record's ID.
func (e *Entry) ID() protocol.ID { return e.id }

// Size is how many bytes it has.
func (e *Entry) Size() int {
	size := len(e.header.RawData())
	if e.value != nil {
		size += len(e.value.RawData())
	}
	return size
}

// Decode decodes the record. Its error is a [*FormatError], or that of the reader's source.
func (e *Entry) Decode() (*protocol.Record, error) {
	var value []byte
	if e.value != nil {
		value = e.value.RawData()
	}
	r, err := protocol.DecodeRecord(e.header.RawData(), value)
	switch {
	case err != nil:
	case e.value == nil && r.Value != nil && e.end != nil:
		return nil, e.end
	case e.value == nil && r.Value != nil:
		err = errors.New("its value does not follow it")
	case e.value != nil && (r.Value == nil || !e.value.Cid().Equals(r.Value.ID.CID())):
		err = fmt.Errorf("block %s follows it, not its value", e.value.Cid())
	}
	if err != nil {
		return nil, &FormatError{e.before, fmt.Errorf("record %s: %w", e.id, err)}
	}
	return r, nil
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
// [NewReader]. The entry is the caller's to keep.
func (a *Reader) Next() (*Entry, error) {
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
	e := &Entry{before: a.count, header: header}
	if e.id, err = protocol.IDFromCID(header.Cid()); err != nil {
		return nil, a.fault(fmt.Errorf("block %s is no record's header: %w", header.Cid(), err))
	}
	// Only values are raw blocks, and none stands alone. A fault after this record is told later.
	if next, err := a.block(); err == nil && next.Cid().Prefix().Codec == cid.Raw {
		e.value = next
	} else {
		a.ahead, a.end = next, err
		switch {
		case errors.Is(err, io.EOF):
			e.end = a.fault(fmt.Errorf("record %s: %w", e.id, io.ErrUnexpectedEOF))
		case err != nil:
			e.end = a.fault(err)
		}
	}
	a.count++
	delete(a.roots, header.Cid())
	return e, nil
}

// block returns the next block.
func (a *Reader) block() (blocks.Block, error) {
	if b, err := a.ahead, a.end; b != nil || err != nil {
		a.ahead = nil
		return b, err
	}
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
