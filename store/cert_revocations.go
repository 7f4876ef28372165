package store

import (
	"strconv"

	"github.com/lf-store/lf/protocol"
)

// This bounds the cost of revocations. The signature of a list is verified once, when its record
// attaches, and the list is filed under the key that signed it. So only what a certificate's issuer
// signed is looked at for it; what others write in its name is not. Anybody can pass a true list
// on, in as many records as they pay for. Queries look at one of these. The rule looks at all of
// them, but only for an owner that rests on a revoked certificate.
//
// Package protocol alone says which records a revocation reaches ([protocol.Revocation]).

// revocationRow is a row of the table revocations.
type revocationRow struct {
	issue
	own, since, idx int64
}

// says is what the row says of its certificate.
func (r revocationRow) says() protocol.Revocation {
	return protocol.Revocation{Since: uint64(r.since), Own: r.own == 1}
}

// nobodysKey stands for a key that is not known when a list is filed.
var nobodysKey = protocol.Owner{}

// revocationRows are the rows for a revocation record: none when its contents are no list.
func revocationRows(n *protocol.Network, e *entry, idx int64) []revocationRow {
	if e.Type != protocol.TypeRevocation || e.Value == nil {
		return nil
	}
	l, err := protocol.ParseRevocations(e.ValueBytes())
	if err != nil {
		return nil // it says nothing, and is valid
	}
	key, counts := l.Signer(e.Owner, n.Authorities())
	own := int64(0)
	switch {
	case !counts:
		key = nobodysKey
	case key == e.Owner:
		own = 1
	}
	issuer := issuerID(l.Issuer(), key)
	var rows []revocationRow
	for _, r := range l.Effective() {
		rows = append(rows, revocationRow{issue{issuer, r.Serial}, own, int64(min(r.Since, protocol.MaxTimestamp)), idx})
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

// addRevocation adds a row, unless one is found that has it in its future and says as much: then
// this one changes nothing.
func (t *tx) addRevocation(row revocationRow) error {
	known, err := t.revocationsOf(row.issue, revocationsCompared)
	if err != nil {
		return err
	}
	for _, k := range known {
		if k.says().Covers(row.says()) && t.isAncestor(k.idx, row.idx) {
			return nil
		}
	}
	if _, err = t.exec("INSERT INTO revocations VALUES (?, ?, ?, ?, ?)", row.issuer[:], []byte(row.serial), row.own, row.since, row.idx); err != nil {
		return err
	}
	t.changes.Revoked = true
	return t.revokedIssue(row.issue)
}

// revocationsOf returns rows for a certificate, those of the issuer's own records first, then by
// their dates.
func (c *conn) revocationsOf(i issue, limit int) (list []revocationRow, err error) {
	err = c.each(func(r *rows) error {
		list = append(list, revocationRow{i, r.int(0), r.int(1), r.int(2)})
		return nil
	}, "SELECT own, since, idx FROM revocations WHERE issuer = ? AND serial = ? ORDER BY own DESC, since, idx LIMIT ?",
		i.issuer[:], []byte(i.serial), int64(limit))
	return list, err
}

// eachRevocation visits what revokes a chain, one of its certificates, as long as visit wants more.
func (cc *certChecker) eachRevocation(c *chainRow, visit func(revocationRow) bool) error {
	for _, i := range c.issues {
		if err := cc.spend(1); err != nil {
			return err
		}
		err := cc.each(func(r *rows) error {
			if !visit(revocationRow{i, r.int(0), r.int(1), r.int(2)}) {
				return errStop
			}
			return cc.spend(1)
		}, "SELECT own, since, idx FROM revocations WHERE issuer = ? AND serial = ? ORDER BY own DESC, since, idx", i.issuer[:], []byte(i.serial))
		if err != nil {
			return ignoreStop(err)
		}
	}
	return nil
}

// revokedBefore reports whether a past holds a revocation of a chain.
func (cc *certChecker) revokedBefore(c *chainRow, inPast func(revocation int64) bool) (revoked bool, err error) {
	err = cc.eachRevocation(c, func(r revocationRow) bool {
		revoked = inPast(r.idx)
		return !revoked
	})
	return revoked, err
}

// deciding returns the revocations of a chain that decide what is left of it. These are all of the
// issuers' own records, and of others' those with the earliest date, which cover the rest.
func (cc *certChecker) deciding(c *chainRow) (list []revocationRow, err error) {
	key := strconv.FormatInt(c.authority, 10) + " " + string(c.chain)
	if list, known := cc.decisive[key]; known {
		return list, nil
	}
	for _, i := range c.issues {
		for own := int64(1); own >= 0; own-- {
			limit := int64(1)
			if own == 1 {
				limit = -1
			}
			if err := cc.spend(1); err != nil {
				return nil, err
			}
			if err := cc.each(func(r *rows) error {
				list = append(list, revocationRow{i, own, r.int(0), r.int(1)})
				return cc.spend(1)
			}, "SELECT since, idx FROM revocations WHERE issuer = ? AND serial = ? AND own = ? ORDER BY since, idx LIMIT ?",
				i.issuer[:], []byte(i.serial), own, limit); err != nil {
				return nil, err
			}
		}
	}
	if cc.decisive != nil {
		cc.decisive[key] = list
	}
	return list, nil
}

// revokedFor returns the index of a revocation that takes a chain from a record, 0 if there is
// none.
func (cc *certChecker) revokedFor(c *chainRow, idx, timestamp int64) (revokedBy int64, err error) {
	list, err := cc.deciding(c)
	if err != nil {
		return 0, err
	}
	for _, r := range list {
		if r.says().Reaches(uint64(timestamp), func() bool { return cc.isAncestor(idx, r.idx) }) {
			return r.idx, nil
		}
	}
	return 0, nil
}

// anyRevoked reports whether anything was revoked at all.
func (c *conn) anyRevoked() (bool, error) {
	return c.one(nil, "SELECT 1 FROM revocations LIMIT 1")
}
