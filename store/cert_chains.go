package store

import (
	"bytes"
	"crypto/sha256"
	"database/sql/driver"
	"math"

	"github.com/lf-store/lf/protocol"
)

// This bounds the cost of certificates. A record carries one chain, which is parsed, and its
// signatures verified, once, when the record attaches. Queries on a network look only at rows of
// chains that one of its authorities signed. The same chain in a thousand records is one row. So
// the authority alone decides how many there are of an owner. Chains for authorities that a reader
// names are another matter: see cert_readerauthorities.go.

// chainRow is a row of the table certificates.
type chainRow struct {
	owner        protocol.Owner
	authority    int64
	own          int64
	chain        []byte
	issuer       int64
	since, until int64
	idx          int64
	issues       []issue
}

// validAt reports whether all certificates are valid at a time.
func (c *chainRow) validAt(timestamp int64) bool { return c.since <= timestamp && timestamp <= c.until }

// issue names a certificate as its issuer's revocations do.
type issue struct {
	issuer [issuerSize]byte
	serial string
}

// Hashes that are looked up and not compared with the record are long enough that nobody finds a
// second one.
const (
	issuerSize = 16
	chainSize  = 16
	topicSize  = 16
)

// issuerID identifies who issues certificates: by name and key.
func issuerID(name, key [32]byte) [issuerSize]byte {
	sum := sha256.Sum256(append(name[:], key[:]...))
	return [issuerSize]byte(sum[:])
}

func issuesOf(c *protocol.Chain, a *protocol.Authority) []issue {
	var list []issue
	for _, i := range c.Issues(a) {
		list = append(list, issue{issuerID(i.Issuer, i.Key), i.Serial})
	}
	return list
}

// appendIssues writes issues: each its issuer, then the length of the serial number, then that.
func appendIssues(b []byte, list []issue) []byte {
	for _, i := range list {
		b = append(b, i.issuer[:]...)
		b = append(b, byte(len(i.serial)))
		b = append(b, i.serial...)
	}
	return b
}

// readIssues reads what appendIssues wrote.
func readIssues(b []byte) (list []issue, err error) {
	for len(b) > 0 {
		if len(b) < issuerSize+1 || len(b) < issuerSize+1+int(b[issuerSize]) {
			return nil, errLayout
		}
		end := issuerSize + 1 + int(b[issuerSize])
		list = append(list, issue{[issuerSize]byte(b), string(b[issuerSize+1 : end])})
		b = b[end:]
	}
	return list, nil
}

// validity returns when all certificates of a chain are valid, and an authority's too unless that
// is nil.
func validity(c *protocol.Chain, a *protocol.Authority) (since, until int64) {
	until = math.MaxInt64
	narrow := func(from, to uint64) {
		since, until = max(since, int64(min(from, math.MaxInt64))), min(until, int64(min(to, math.MaxInt64)))
	}
	for _, certificate := range c.Certificates() {
		narrow(certificate.NotBefore(), certificate.NotAfter())
	}
	if a != nil {
		narrow(a.NotBefore(), a.NotAfter())
	}
	return since, until
}

// chainRows are the rows for a certificate record: none when its contents are no chain.
func chainRows(n *protocol.Network, e *entry, idx int64) []chainRow {
	if e.Type != protocol.TypeCertificate || e.Value == nil {
		return nil
	}
	c, err := protocol.ParseChain(e.ValueBytes())
	if err != nil {
		return nil // it says nothing, and is valid
	}
	top := c.TopIssuer()
	row := chainRow{owner: c.Owner(), chain: e.Value.ID[:chainSize], issuer: prefix(top[:]), idx: idx}
	if e.Owner == c.Owner() {
		row.own = 1
	}
	row.since, row.until = validity(c, nil)
	rows := []chainRow{row}
	authorities := n.Authorities()
	for i, a := range authorities {
		if c.Authority(authorities[i:i+1]) == nil {
			continue
		}
		row.authority, row.issues = int64(i+1), issuesOf(c, a)
		row.since, row.until = validity(c, a)
		rows = append(rows, row)
	}
	return rows
}

// indexCertificate makes a certificate record's chain known.
func (t *tx) indexCertificate(e *entry, at place) error {
	rows := chainRows(t.store.network, e, at.idx)
	for _, row := range rows {
		if err := t.addChain(row); err != nil {
			return err
		}
	}
	if len(rows) < 2 {
		return nil
	}
	_, err := t.exec("INSERT INTO carriers VALUES (?, ?, ?)", at.idx, rows[0].owner[:], rows[0].chain)
	return err
}

// addChain adds a row unless the chain is there. That its owner has published it too comes to be
// known where it is.
func (t *tx) addChain(row chainRow) error {
	// one by one: a range would walk all chains of the owner
	for own := int64(1); own >= row.own; own-- {
		known, err := t.one(nil, "SELECT 1 FROM certificates WHERE owner = ? AND authority = ? AND own = ? AND chain = ?",
			row.owner[:], row.authority, own, row.chain)
		if known || err != nil {
			return err
		}
	}
	if _, err := t.exec("DELETE FROM certificates WHERE owner = ? AND authority = ? AND own = 0 AND chain = ?",
		row.owner[:], row.authority, row.chain); err != nil {
		return err
	}
	_, err := t.exec("INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row.owner[:], row.authority, row.own, row.chain,
		row.issuer, row.since, row.until, row.idx, appendIssues([]byte{}, row.issues))
	if err != nil {
		return err
	}
	t.changes.Certified = append(t.changes.Certified, row.owner)
	if row.authority == 0 {
		return nil
	}
	for _, i := range row.issues {
		if _, err := t.exec("INSERT OR IGNORE INTO issued VALUES (?, ?, ?)", i.issuer[:], []byte(i.serial), row.owner[:]); err != nil {
			return err
		}
	}
	return t.rerankOwner(row.owner)
}

const chainColumns = "SELECT authority, own, chain, issuer, since, until, idx, issues FROM certificates WHERE owner = ?"

// chains returns chains of an owner that are good for the network's authorities and meet a
// condition.
func (cc *certChecker) chains(owner protocol.Owner, condition string, args ...driver.Value) (list []chainRow, err error) {
	err = cc.each(func(r *rows) error {
		c := chainRow{owner: owner, authority: r.int(0), own: r.int(1), chain: bytes.Clone(r.blob(2)), issuer: r.int(3),
			since: r.int(4), until: r.int(5), idx: r.int(6)}
		var err error
		if c.issues, err = readIssues(r.blob(7)); err != nil {
			return err
		}
		list = append(list, c)
		return cc.spend(1)
	}, chainColumns+" AND authority > 0"+condition, append([]driver.Value{owner[:]}, args...)...)
	return list, err
}
