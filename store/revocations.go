package store

import (
	"github.com/lf-store/lf/protocol"
)

// What bounds the cost of revocations: the signature of a list is verified once, when its record attaches, and rows are made only
// for the key that signed it. So nobody but the issuer of a certificate adds to the rows that are looked at for it: a list in
// another's name makes none. A true list passed on by others adds at most one row a certificate, for the earliest date,
// however many pass it on.
//
// Whose record it is matters, too. What was made before the date of a revocation stands if it is in the past of the revocation's
// record; anybody could pass on the list in a record with another past, an empty one or one that holds what a thief has
// back-dated since. So only the past of a record of the issuer's own counts. A list that others pass on takes what its
// date says, and leaves the rest.

// revocationRow is a row of the table revocations.
type revocationRow struct {
	issue
	own, idx, since int64
}

// revocationRows are the rows for a revocation record: none when its contents are no list, or nobody known signed it.
func revocationRows(n *protocol.Network, e *entry, idx int64) []revocationRow {
	if e.Type != protocol.TypeRevocation || e.Value == nil {
		return nil
	}
	l, err := protocol.ParseRevocations(e.ValueBytes())
	if err != nil {
		return nil // it says nothing, and is valid
	}
	if l.SignedBy(e.Owner) {
		return entryRows(l, e.Owner, 1, idx)
	}
	for _, a := range n.Authorities() {
		if l.SignedBy(a.Key()) {
			return entryRows(l, a.Key(), 0, idx)
		}
	}
	return nil
}

// entryRows are the rows for a list's entries, one for each certificate, with the earliest of its dates.
func entryRows(l *protocol.RevocationList, key protocol.Owner, own, idx int64) []revocationRow {
	issuer := issuerID(l.Issuer(), key)
	at := map[string]int{}
	var rows []revocationRow
	for _, r := range l.Entries() {
		since := int64(min(r.Since, protocol.MaxTimestamp))
		i, twice := at[r.Serial]
		if twice {
			rows[i].since = min(rows[i].since, since)
			continue
		}
		at[r.Serial] = len(rows)
		rows = append(rows, revocationRow{issue{issuer, r.Serial}, own, idx, since})
	}
	return rows
}

func (t *tx) indexRevocation(e *entry, at place) error {
	for _, row := range revocationRows(t.store.network, e, at.idx) {
		if err := t.addRevocation(row); err != nil {
			return err
		}
	}
	return nil
}

// addRevocation adds a row unless others say as much. What is in the past of a record is here before it, so which rows
// remain of the issuer's own does not depend on the order in which records came.
func (t *tx) addRevocation(row revocationRow) error {
	known, err := t.revocationsOf(row.issue)
	if err != nil {
		return err
	}
	for _, k := range known {
		if k.own == row.own && k.since <= row.since && (row.own == 0 || t.ancestor(k.idx, row.idx)) {
			return nil
		}
	}
	if row.own == 0 {
		if _, err := t.exec("DELETE FROM revocations WHERE issuer = ? AND serial = ? AND own = 0", row.issuer[:], []byte(row.serial)); err != nil {
			return err
		}
	}
	_, err = t.exec("INSERT INTO revocations VALUES (?, ?, ?, ?, ?)", row.issuer[:], []byte(row.serial), row.own, row.idx, row.since)
	return err
}

func (c *conn) revocationsOf(i issue) (list []revocationRow, err error) {
	err = c.each(func(r *rows) error {
		list = append(list, revocationRow{i, r.int(0), r.int(1), r.int(2)})
		return nil
	}, "SELECT own, idx, since FROM revocations WHERE issuer = ? AND serial = ? ORDER BY own DESC, idx", i.issuer[:], []byte(i.serial))
	return list, err
}

// revocations returns what revokes a chain: one of its certificates.
func (j *judge) revocations(c *chainRow) (list []revocationRow, err error) {
	for _, i := range c.issues {
		some, err := j.revocationsOf(i)
		if err != nil {
			return nil, err
		}
		if err := j.spend(1 + len(some)); err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// revokedBefore reports whether a record's past holds a revocation of a chain, by a record of the issuer's own.
func (j *judge) revokedBefore(c *chainRow, inPast func(revocation int64) bool) (bool, error) {
	list, err := j.revocations(c)
	for _, r := range list {
		if r.own == 1 && inPast(r.idx) {
			return true, err
		}
	}
	return false, err
}

// reached reports whether a revocation takes a chain from a record: every one that has no date does; one that has a date
// leaves what is older and in its own past.
func (j *judge) reached(c *chainRow, idx, timestamp int64) (bool, error) {
	list, err := j.revocations(c)
	if err != nil {
		return false, err
	}
	for _, r := range list {
		revoked := protocol.Revoked{Since: uint64(r.since)}
		older := r.since != 0 && timestamp < r.since // only then the graph is asked
		if revoked.Reaches(uint64(timestamp), older && (r.own == 0 || j.ancestor(idx, r.idx))) {
			return true, nil
		}
	}
	return false, nil
}

// anyRevoked reports whether anything was revoked at all.
func (c *conn) anyRevoked() (bool, error) {
	return c.one(nil, "SELECT 1 FROM revocations LIMIT 1")
}
