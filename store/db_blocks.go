package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/blocks"
	"github.com/lf-store/lf/store/internal/packed"
)

// The attached records are in blocks (package blocks). One table has what tells them apart and
// their places in the graph, the other one headers and values. Until schema 17 each had a row in
// the tables dag and records. While a database is brought up to date some of them are still there.

// recordTables says where a connection finds attached records.
type recordTables struct {
	rows, blocks bool
	// graph and records are blocks that the transaction read lately, the last one first.
	graph [2]*blocks.Graph
	// window are parts of such blocks.
	window  [2]*blocks.Graph
	records *blocks.Records
	// open is what the writer appends to; nil: not known.
	open *openBlocks
}

// openBlocks are the last blocks. Fresh says that the database does not have them as they are.
type openBlocks struct {
	graph                    *blocks.Graph
	records                  *blocks.Records
	freshGraph, freshRecords bool
}

// tables tells where the records are.
func (c *conn) tables() (*recordTables, error) {
	if c.recordTables != nil {
		return c.recordTables, nil
	}
	t := new(recordTables)
	err := c.each(func(r *rows) error {
		t.rows = t.rows || r.text(0) == "dag"
		t.blocks = t.blocks || r.text(0) == "graph_blocks"
		return nil
	}, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('dag', 'graph_blocks')")
	if err == nil {
		c.recordTables = t
	}
	return t, err
}

// forgetBlocks forgets the blocks that were read: those of an earlier transaction, or before a
// change. Written back, such a block would undo what was appended since.
func (c *conn) forgetBlocks() {
	if t := c.recordTables; t != nil {
		t.graph, t.window, t.records = [2]*blocks.Graph{}, [2]*blocks.Graph{}, nil
	}
}

// graphBlock returns the block of the graph that a record is in, nil where there is none.
func (c *conn) graphBlock(idx int64) (*blocks.Graph, error) {
	t, err := c.tables()
	if err != nil || !t.blocks {
		return nil, err
	}
	if t.open != nil && t.open.graph.Has(idx) {
		return t.open.graph, nil
	}
	for i, b := range t.graph {
		if b != nil && b.Has(idx) {
			t.graph[0], t.graph[i] = b, t.graph[0]
			return b, nil
		}
	}
	b, err := c.readGraphBlock(idx)
	if err != nil || b == nil || !b.Has(idx) {
		return nil, err
	}
	t.graph[1], t.graph[0] = t.graph[0], b
	return b, nil
}

// readGraphBlock reads the block that a record is in if it is in any.
func (c *conn) readGraphBlock(idx int64) (b *blocks.Graph, err error) {
	_, err = c.one(func(r *rows) { b = &blocks.Graph{First: r.int(0), IDs: r.blob(1), Times: r.blob(2), Nodes: r.blob(3)} },
		"SELECT first, ids, times, nodes FROM graph_blocks WHERE first <= ? ORDER BY first DESC LIMIT 1", idx)
	return b, err
}

// identities is graphBlock for who asks for IDs and times alone. It reads those of the record and
// of some before it, which it most likely links.
func (c *conn) identities(idx int64) (*blocks.Graph, error) {
	t, err := c.tables()
	if err != nil || !t.blocks {
		return nil, err
	}
	if t.open != nil && t.open.graph.Has(idx) {
		return t.open.graph, nil
	}
	for _, b := range [...]*blocks.Graph{t.graph[0], t.graph[1], t.window[0], t.window[1]} {
		if b != nil && b.Has(idx) {
			return b, nil
		}
	}
	var b *blocks.Graph
	read := func(r *rows) {
		b = &blocks.Graph{First: r.int(0), From: int(r.int(1)), IDs: r.blob(2), Times: r.blob(3)}
	}
	if _, err := c.one(read, windowOfGraph, idx); err != nil || b == nil || !b.Has(idx) {
		return nil, err
	}
	t.window[1], t.window[0] = t.window[0], b
	return b, nil
}

var windowOfGraph = fmt.Sprintf(`SELECT first, max(?1 - first - %[1]d, 0), substr(ids, max(?1 - first - %[1]d, 0) * %[2]d + 1, min(?1 - first, %[1]d) * %[2]d + %[2]d), times
	FROM graph_blocks WHERE first <= ?1 ORDER BY first DESC LIMIT 1`, windowSize, blocks.IdentitySize)

// windowSize is how many records before one are read with it.
const windowSize = 16

// recordBlock returns the block of the header and the value of a record. Where the disk damaged it
// the record may be missing there; nil: there is none.
func (c *conn) recordBlock(idx int64) (*blocks.Records, error) {
	t, err := c.tables()
	if err != nil || !t.blocks {
		return nil, err
	}
	if t.open != nil && t.open.records.Has(idx) {
		return t.open.records, nil
	}
	if b := t.records; b != nil && b.Has(idx) {
		return b, nil
	}
	b, err := c.readRecordBlock(idx)
	if err == nil && b != nil && b.Has(idx) {
		t.records = b
	}
	return b, err
}

// readRecordBlock reads the block that a record is in if it is in any.
func (c *conn) readRecordBlock(idx int64) (b *blocks.Records, err error) {
	_, err = c.one(func(r *rows) { b = &blocks.Records{First: r.int(0), Sizes: r.blob(1), Bytes: r.blob(2)} },
		"SELECT first, sizes, bytes FROM record_blocks WHERE first <= ? ORDER BY first DESC LIMIT 1", idx)
	return b, err
}

// lastInGraph returns the index of the last record in the graph.
func (c *conn) lastInGraph() (int64, error) {
	t, err := c.tables()
	if err != nil {
		return 0, err
	}
	if t.rows {
		if n, err := c.number("SELECT max(idx) FROM dag"); n > 0 || err != nil || !t.blocks {
			return n, err
		}
	}
	if t.open != nil {
		return t.open.graph.First + int64(t.open.graph.Len()) - 1, nil
	}
	b, err := c.lastGraphBlock()
	if b == nil || err != nil {
		return 0, err
	}
	return b.First + int64(b.Len()) - 1, nil
}

func (c *conn) lastGraphBlock() (*blocks.Graph, error) {
	return c.readGraphBlock(math.MaxInt64)
}

// eachInGraph calls do with each record after an index and up to another, and the block that it is
// in.
func (c *conn) eachInGraph(after, upTo int64, do func(idx int64, b *blocks.Graph) error) error {
	for idx := after + 1; idx <= upTo; {
		b, err := c.graphBlock(idx)
		if err != nil {
			return err
		}
		if b == nil { // the end, or a block that is lost
			if idx, err = c.number("SELECT first FROM graph_blocks WHERE first > ? ORDER BY first LIMIT 1", idx); idx == 0 || err != nil {
				return err
			}
			continue
		}
		for ; idx <= upTo && b.Has(idx); idx++ {
			if err := do(idx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// storedIn returns what is stored of a record that is in a block of the graph. Where its header is
// lost that is empty.
func (c *conn) storedIn(b *blocks.Graph, idx int64) (s stored, err error) {
	id, _ := b.ID(idx)
	s.id = id[:]
	r, err := c.recordBlock(idx)
	if err == nil && r != nil && r.Has(idx) {
		header, value := r.Row(idx)
		s.value = bytes.Clone(value) // a record keeps its value, and is kept longer than its block
		if s.header = header; !packed.IsPacked(header) {
			s.header = bytes.Clone(header)
		}
	}
	return s, err
}

// eachStored calls do with what is stored of each record after an index and up to another.
func (c *conn) eachStored(after, upTo int64, do func(idx int64, s stored) error) error {
	return c.eachInGraph(after, upTo, func(idx int64, b *blocks.Graph) error {
		s, err := c.storedIn(b, idx)
		if err == nil {
			err = do(idx, s)
		}
		return err
	})
}

// timestampOf returns the timestamp of a record as the graph has it, 0 where there is none.
func (c *conn) timestampOf(idx int64) (timestamp int64, err error) {
	b, err := c.identities(idx)
	if b != nil {
		timestamp, _ = b.TimesOf(idx)
		return timestamp, nil
	}
	if err == nil && c.recordTables.rows {
		timestamp, err = c.number("SELECT timestamp FROM dag WHERE idx = ?", idx)
	}
	return timestamp, err
}

// seenOf returns when a record was seen first, 0 where there is none.
func (c *conn) seenOf(idx int64) (seen int64, err error) {
	b, err := c.identities(idx)
	if b != nil {
		_, seen = b.TimesOf(idx)
		return seen, nil
	}
	if err == nil && c.recordTables.rows {
		seen, err = c.number("SELECT seen FROM dag WHERE idx = ?", idx)
	}
	return seen, err
}

// nodeAt returns a record's place in the graph as it is stored.
func (c *conn) nodeAt(idx int64) (node []byte, found bool, err error) {
	b, err := c.graphBlock(idx)
	if b != nil {
		return b.Place(idx), true, nil
	}
	if err == nil && c.recordTables.rows {
		found, err = c.one(func(r *rows) { node = bytes.Clone(r.blob(0)) }, "SELECT node FROM dag WHERE idx = ?", idx)
	}
	return node, found, err
}

// openBlocks returns the blocks to append to. The next record is the one of an index.
func (c *conn) openBlocks(next int64) (*openBlocks, error) {
	t, err := c.tables()
	if err != nil {
		return nil, err
	}
	if t.open == nil {
		o := &openBlocks{}
		if o.graph, err = c.lastGraphBlock(); err != nil {
			return nil, err
		}
		if o.records, err = c.readRecordBlock(math.MaxInt64); err != nil {
			return nil, err
		}
		// What the disk damaged is not gone on with.
		if o.graph == nil || o.graph.First+int64(o.graph.Len()) != next {
			o.graph = &blocks.Graph{First: next}
		}
		if o.records == nil || o.records.First+int64(o.records.Len()) != next {
			o.records = &blocks.Records{First: next}
		}
		t.open = o
		c.forgetBlocks() // they may be these as they were
	}
	return t.open, nil
}

// appendRecord adds the next attached record.
func (c *conn) appendRecord(idx int64, header, value []byte, n *blocks.Node) error {
	o, err := c.openBlocks(idx)
	if err != nil {
		return err
	}
	if !o.graph.Append(n) {
		if err := c.writeGraphBlock(o.graph); err != nil {
			return err
		}
		o.graph = &blocks.Graph{First: idx}
		o.graph.Append(n)
	}
	if !o.records.Append(header, value) {
		if err := c.writeRecordBlock(o.records); err != nil {
			return err
		}
		o.records = &blocks.Records{First: idx}
		o.records.Append(header, value)
	}
	o.freshGraph, o.freshRecords = true, true
	return nil
}

// column is a column that is not null. One whose bytes were all lost is empty.
func column(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (c *conn) writeGraphBlock(b *blocks.Graph) error {
	_, err := c.exec("REPLACE INTO graph_blocks VALUES (?, ?, ?, ?)", b.First, column(b.IDs), column(b.Times), column(b.Nodes))
	return err
}

func (c *conn) writeRecordBlock(b *blocks.Records) error {
	_, err := c.exec("REPLACE INTO record_blocks VALUES (?, ?, ?)", b.First, column(b.Sizes), column(b.Bytes))
	return err
}

// writeBlocks writes what the database lacks of the last blocks.
func (c *conn) writeBlocks() (err error) {
	if c.recordTables == nil || c.recordTables.open == nil {
		return nil
	}
	o := c.recordTables.open
	if o.freshGraph {
		err = c.writeGraphBlock(o.graph)
	}
	if o.freshRecords && err == nil {
		err = c.writeRecordBlock(o.records)
	}
	if err == nil {
		o.freshGraph, o.freshRecords = false, false
	}
	return err
}

// setNode changes what the graph has of a record, if it has it.
func (c *conn) setNode(idx int64, change func(n *blocks.Node)) error {
	c.forgetBlocks()
	b, err := c.graphBlock(idx)
	if err != nil || b == nil {
		return err
	}
	n := b.Node(idx)
	change(&n)
	made := b.Set(idx, &n)
	c.forgetBlocks()
	if o := c.recordTables.open; o != nil && o.graph == b {
		o.graph = made
	}
	return c.writeGraphBlock(made)
}

// setIdentity writes what the graph has of a record to tell it from others.
func (c *conn) setIdentity(idx int64, id protocol.ID, timestamp int64) error {
	return c.setNode(idx, func(n *blocks.Node) { n.ID, n.Timestamp, n.Sum = id, timestamp, checksum(idx, id, timestamp) })
}

// setPlace writes a record's place in the graph.
func (c *conn) setPlace(idx int64, place []byte) error {
	t, err := c.tables()
	if err == nil && t.rows {
		_, err = c.exec("UPDATE dag SET node = ? WHERE idx = ?", place, idx)
	}
	return errors.Join(err, c.setNode(idx, func(n *blocks.Node) { n.Place = place }))
}

// setRecord puts another header and value in the place of a record's.
func (c *conn) setRecord(idx int64, header, value []byte) error {
	c.forgetBlocks()
	b, err := c.recordBlock(idx)
	if err != nil {
		return err
	}
	if b == nil {
		b = &blocks.Records{First: idx}
	}
	made := b.Set(idx, header, value)
	c.forgetBlocks()
	if o := c.recordTables.open; o != nil && o.records.First == made.First {
		o.records = made
	}
	return c.writeRecordBlock(made)
}

// eachPlace calls do with the place in the graph of each record after an index and up to another.
func (c *conn) eachPlace(after, upTo int64, do func(idx int64, place []byte) error) error {
	t, err := c.tables()
	if err != nil {
		return err
	}
	idx := after
	if t.blocks {
		if err := c.eachInGraph(after, upTo, func(at int64, b *blocks.Graph) error {
			idx = at
			return do(at, b.Place(at))
		}); err != nil {
			return err
		}
	}
	if !t.rows {
		return nil
	}
	return c.each(func(r *rows) error {
		idx++
		return do(idx, r.blob(0))
	}, "SELECT node FROM dag WHERE idx > ? AND idx <= ? ORDER BY idx", idx, upTo)
}

// eachID calls do with the ID of each record from an index up to another, both included.
func (c *conn) eachID(first, last int64, do func(idx int64, id []byte) error) error {
	t, err := c.tables()
	if err != nil {
		return err
	}
	if t.blocks {
		if err := c.eachInGraph(first-1, last, func(idx int64, b *blocks.Graph) error {
			id, _ := b.ID(idx)
			return do(idx, id[:])
		}); err != nil {
			return err
		}
	}
	if !t.rows {
		return nil
	}
	return c.each(func(r *rows) error { return do(r.int(0), r.blob(1)) }, "SELECT idx, id FROM dag WHERE idx BETWEEN ? AND ? ORDER BY idx", first, last)
}
