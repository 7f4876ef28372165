package store

import (
	"errors"

	"github.com/lf-store/lf/protocol"
)

// indexTrust keeps what claims are ranked by: roots, first sights, certificates, revocations and words. It is called when
// the record is in all other tables and in the graph.
func (t *tx) indexTrust(e *entry, at place) error {
	switch e.Type {
	case protocol.TypeDatum, protocol.TypeRelease:
		return t.indexVersion(e, at)
	case protocol.TypeCommentary:
		return t.indexWords(e, at)
	case protocol.TypeCertificate:
		return t.indexCertificate(e, at)
	case protocol.TypeRevocation:
		return t.indexRevocation(e, at)
	}
	return nil
}

// trustVersion is the first schema that holds these tables.
const trustVersion = 3

// migrateTrust fills them from the records of a database that is older than they are.
func (t *tx) migrateTrust() error {
	for idx := int64(1); idx <= t.meta.attached; idx++ {
		if err := t.fill(idx); err != nil {
			return err
		}
	}
	return nil
}

// fill indexes an attached record while later ones are in the other tables already.
func (t *tx) fill(idx int64) error {
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
	return t.indexAmong(keyed{e.composite, owner, version{at.timestamp, at.idx, e.released() != 0}})
}
