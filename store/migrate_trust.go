package store

import (
	"errors"
)

// migrateTrust fills the tables that claims are ranked by from the records of a database that is
// older than they are.
func (t *tx) migrateTrust() error {
	for idx := int64(1); idx <= t.meta.attached; idx++ {
		if err := t.reindex(idx); err != nil {
			return err
		}
	}
	return nil
}

// reindex indexes an attached record while later ones are in the other tables already.
func (t *tx) reindex(idx int64) error {
	r, err := t.frame(idx)
	if err != nil {
		return errors.Join(errLayout, err)
	}
	e, at := newEntry(r), place{idx, int64(r.Timestamp)}
	if len(e.rows) == 0 {
		return t.indexTrust(e, at)
	}
	others, err := t.others(e.composite, idx)
	if err != nil || len(others) == 0 {
		return err
	}
	owner, err := t.ownerNumber(e.Owner)
	if err != nil {
		return err
	}
	return t.indexAmong(e.version(owner, at.idx))
}

// migrateClaims notes which certificates chains hold, and which keys are crowded: their rows are
// written in the background.
func (t *tx) migrateClaims() error {
	if err := t.each(func(r *rows) error {
		issues, err := readIssues(r.blob(1))
		for _, i := range issues {
			if err == nil {
				_, err = t.exec("INSERT OR IGNORE INTO issued VALUES (?, ?, ?)", i.issuer[:], []byte(i.serial), r.blob(0))
			}
		}
		return err
	}, "SELECT owner, issues FROM certificates WHERE authority > 0"); err != nil {
		return err
	}
	list, err := t.numbers("SELECT composite FROM firsts GROUP BY composite HAVING count(*) >= ?", int64(t.store.options.tuning.crowded))
	if err != nil {
		return err
	}
	for _, composite := range list {
		v, _, err := t.firstVersion(versionsUnder(composite))
		if err != nil {
			return err
		}
		r, err := headerOf(t.frame(v.idx))
		if asDamaged(err) != nil {
			continue // the next claim on the key finds it
		}
		if err != nil {
			return err
		}
		id := r.CompositeID()
		if _, err := t.exec("INSERT INTO crowded (composite, id, claims, built) VALUES (?, ?, 0, 0)", composite, id[:]); err != nil {
			return err
		}
	}
	return nil
}
