package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-ipld-prime"
	"github.com/ipld/go-ipld-prime/codec/dagcbor"
	"github.com/ipld/go-ipld-prime/datamodel"
	"github.com/ipld/go-ipld-prime/fluent/qp"
	cidlink "github.com/ipld/go-ipld-prime/linking/cid"
	"github.com/ipld/go-ipld-prime/node/basicnode"

	"github.com/lf-store/lf/protocol"
)

// MaxTips is how many tips stand among the roots.
const MaxTips = 1000

// Writer writes an archive. It keeps nothing of what it wrote: the writers of the CAR libraries
// keep an index of all blocks in memory.
type Writer struct {
	w    io.Writer
	line []byte // reused
}

// NewWriter begins an archive of a network. Of the tips the first [MaxTips] become roots.
func NewWriter(w io.Writer, n *protocol.Network, tips []protocol.ID) (*Writer, error) {
	header, err := encodeHeader(append([]protocol.ID{n.ID()}, tips[:min(len(tips), MaxTips)]...))
	if err != nil {
		return nil, err
	}
	a := &Writer{w: w}
	return a, a.section(header)
}

// encodeHeader encodes the header of a CAR file.
func encodeHeader(roots []protocol.ID) ([]byte, error) {
	header, err := qp.BuildMap(basicnode.Prototype.Map, 2, func(m datamodel.MapAssembler) {
		qp.MapEntry(m, "roots", qp.List(int64(len(roots)), func(l datamodel.ListAssembler) {
			for _, id := range roots {
				qp.ListEntry(l, qp.Link(cidlink.Link{Cid: id.CID()}))
			}
		}))
		qp.MapEntry(m, "version", qp.Int(1))
	})
	if err != nil {
		return nil, fmt.Errorf("build the archive's header: %w", err)
	}
	var b bytes.Buffer
	if err := ipld.EncodeStreaming(&b, header, dagcbor.Encode); err != nil {
		return nil, fmt.Errorf("encode the archive's header: %w", err)
	}
	return b.Bytes(), nil
}

// Write appends a record, whose parents must have been written before. Errors are those of the
// underlying writer; then the archive is cut off.
func (a *Writer) Write(r *protocol.Record) error {
	if err := a.block(r.ID().CID(), r.HeaderBytes()); err != nil {
		return err
	}
	if r.Value == nil {
		return nil
	}
	return a.block(r.Value.ID.CID(), r.ValueBytes())
}

func (a *Writer) block(id cid.Cid, data []byte) error {
	return a.section(id.Bytes(), data)
}

// section writes its parts after the length of all.
func (a *Writer) section(parts ...[]byte) error {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	a.line = binary.AppendUvarint(a.line[:0], uint64(size))
	for _, p := range parts {
		a.line = append(a.line, p...)
	}
	if _, err := a.w.Write(a.line); err != nil {
		return fmt.Errorf("write the archive: %w", err)
	}
	return nil
}
