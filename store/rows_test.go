package store

import (
	"bytes"
	"errors"
	"regexp"

	"github.com/lf-store/lf/store/internal/blocks"
)

var (
	aboutRows  = regexp.MustCompile(`\b(dag|records)\b`)
	olderFiles = regexp.MustCompile(`PRAGMA user_version = \d\b|PRAGMA user_version = 1[0-6]\b`)
)

// changeRows runs statements on a database. They may name the tables dag and records, with a row
// for each record. Where the statements make it a file of an older schema, these tables stay.
func (c *conn) changeRows(sql string) error {
	t, err := c.tables()
	switch {
	case err != nil:
		return err
	case !t.blocks || !aboutRows.MatchString(sql) && !olderFiles.MatchString(sql):
		return c.script(sql)
	case olderFiles.MatchString(sql):
		return errors.Join(c.unblock(), c.script(sql))
	}
	return c.asRows(func() error { return c.script(sql) })
}

// asRows calls do while the database has a row for each record in place of blocks.
func (c *conn) asRows(do func() error) error {
	if err := c.unblock(); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return c.block()
}

// unblock puts rows in the place of the blocks.
func (c *conn) unblock() error {
	if err := c.writeBlocks(); err != nil {
		return err
	}
	var list []storedNode
	if err := c.eachStored(0, 1<<40, func(idx int64, s stored) error {
		b, err := c.graphBlock(idx)
		if err != nil {
			return err
		}
		n := b.Node(idx)
		list = append(list, storedNode{idx, s, n})
		return nil
	}); err != nil {
		return err
	}
	if err := c.script(`CREATE TABLE dag (idx INTEGER PRIMARY KEY, timestamp INTEGER, node BLOB, seen INTEGER, id BLOB, sum INTEGER);
		CREATE TABLE records (idx INTEGER PRIMARY KEY, header BLOB, value BLOB); DROP TABLE graph_blocks; DROP TABLE record_blocks`); err != nil {
		return err
	}
	for _, r := range list {
		if _, err := c.exec("INSERT INTO dag VALUES (?, ?, ?, ?, ?, ?)", r.idx, r.node.Timestamp, append([]byte{}, r.node.Place...), r.node.Seen, r.node.ID[:], r.node.Sum); err != nil {
			return err
		}
		if _, err := c.exec("INSERT INTO records VALUES (?, ?, ?)", r.idx, append([]byte{}, r.header...), r.value); err != nil {
			return err
		}
		if r.value != nil {
			continue
		}
		if _, err := c.exec("UPDATE records SET value = NULL WHERE idx = ?", r.idx); err != nil {
			return err
		}
	}
	return nil
}

type storedNode struct {
	idx int64
	stored
	node blocks.Node
}

// block puts the rows into blocks again. After a gap another block begins.
func (c *conn) block() error {
	if err := c.script(`CREATE TABLE graph_blocks (first INTEGER PRIMARY KEY, ids BLOB NOT NULL, times BLOB NOT NULL, nodes BLOB NOT NULL) STRICT;
		CREATE TABLE record_blocks (first INTEGER PRIMARY KEY, sizes BLOB NOT NULL, bytes BLOB NOT NULL) STRICT`); err != nil {
		return err
	}
	var g *blocks.Graph
	if err := c.each(func(r *rows) error {
		n := blocks.Node{Timestamp: r.int(1), Place: bytes.Clone(r.blob(2)), Seen: r.int(3), Sum: r.int(5)}
		copy(n.ID[:], r.blob(4))
		if g != nil && g.First+int64(g.Len()) == r.int(0) && g.Append(&n) {
			return c.writeGraphBlock(g)
		}
		g = &blocks.Graph{First: r.int(0)}
		g.Append(&n)
		return c.writeGraphBlock(g)
	}, "SELECT idx, timestamp, node, seen, id, sum FROM dag ORDER BY idx"); err != nil {
		return err
	}
	var b *blocks.Records
	if err := c.each(func(r *rows) error {
		if b != nil && b.First+int64(b.Len()) == r.int(0) && b.Append(r.blob(1), r.blob(2)) {
			return c.writeRecordBlock(b)
		}
		b = &blocks.Records{First: r.int(0)}
		b.Append(r.blob(1), r.blob(2))
		return c.writeRecordBlock(b)
	}, "SELECT idx, header, value FROM records ORDER BY idx"); err != nil {
		return err
	}
	return c.script("DROP TABLE dag; DROP TABLE records")
}
