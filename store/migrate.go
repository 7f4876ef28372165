package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// The first schemas that have something: the number of the script in migrations that brings it.
const (
	graphVersion   = 2  // the graph
	trustVersion   = 3  // what claims are ranked by
	idsVersion     = 4  // the IDs in the table dag
	waitingVersion = 5  // which held records are not known to be paid
	claimsVersion  = 6  // the claims on crowded keys, in order
	leadsVersion   = 7  // the roots, in order
	waitsVersion   = 9  // one row for all that a pending record waits for
	writtenVersion = 10 // all records by their owners
	pulsesVersion  = 11 // the newest pulses
	packedVersion  = 13 // packed headers
)

// migrationSteps are what SQL alone cannot do, in their order: it follows what a step needs of
// others. A step is for databases older than the schema to.
var migrationSteps = []struct {
	to  int
	run func(*tx) error
}{
	{idsVersion, (*tx).migrateIDs},
	{graphVersion, (*tx).migrateGraph},
	{trustVersion, (*tx).migrateTrust},
	{claimsVersion, (*tx).migrateClaims},
	{graphVersion, (*tx).migrateTips},
	{waitingVersion, (*tx).migrateWaiting},
	{waitsVersion, (*tx).migrateWaits},
}

// migrate brings the database up to date: up to the first migration in portions in one transaction,
// and then portion by portion.
func (s *Store) migrate() error {
	version, err := s.writer.number("PRAGMA user_version")
	if err != nil {
		return err
	}
	last := s.options.schema.atOnce()
	if version == 0 { // there is nothing to be converted
		last = len(s.options.schema.scripts)
	}
	if int(version) < last {
		if err := s.migrateAtOnce(int(version), last); err != nil {
			return err
		}
	}
	return s.migrateInPortions()
}

// migrateAtOnce runs the scripts that the database lacks, up to one. Where there are records
// already, it then does what SQL alone cannot do, each step on the schema of that script.
func (s *Store) migrateAtOnce(version, last int) error {
	if err := s.writer.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	t := s.newTx()
	if err := t.migrate(version, last); err != nil {
		t.rollback()
		return err
	}
	if err := t.commit(); err != nil {
		t.rollback()
		return err
	}
	return nil
}

func (t *tx) migrate(version, last int) error {
	for _, m := range t.store.options.schema.scripts[version:last] {
		if err := t.script(m.sql); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	if err := t.loadMeta(); err != nil {
		return err
	}
	for _, step := range migrationSteps {
		if version > 0 && version < step.to {
			if err := step.run(t); err != nil {
				return err
			}
		}
	}
	if version == 0 {
		for _, m := range t.store.options.schema.portioned {
			if err := t.script(m.end); err != nil {
				return err
			}
		}
	}
	return t.script(fmt.Sprintf("PRAGMA user_version = %d", last))
}

// migrateGraph works out each record's place in the graph, and the moments at which they were seen.
func (t *tx) migrateGraph() error {
	t.logProgress(0)
	logged := time.Now()
	for done := int64(0); done < t.meta.attached; {
		olds, err := t.oldNodes(done)
		if err != nil {
			return err
		}
		for _, old := range olds {
			done++
			if err := t.migrateNode(done, old); err != nil {
				return err
			}
		}
		if time.Since(logged) > progressEvery {
			logged = time.Now()
			t.logProgress(done)
		}
	}
	return t.migrateSeen()
}

func (t *tx) logProgress(done int64) {
	t.store.options.Logger.Info("bringing the database up to date", "records", done, "of", t.meta.attached)
}

// oldNode is a row of dag as schema 1 had it, with the record's header.
type oldNode struct{ parents, header []byte }

func (t *tx) oldNodes(after int64) (olds []oldNode, err error) {
	err = t.each(func(r *rows) error {
		olds = append(olds, oldNode{r.blob(0), r.blob(1)})
		return nil
	}, "SELECT node, header FROM dag JOIN records USING (idx) WHERE idx > ? ORDER BY idx LIMIT ?", after, int64(migrationStep))
	if err == nil && len(olds) == 0 {
		err = errLayout
	}
	return olds, err
}

func (t *tx) migrateNode(idx int64, old oldNode) error {
	r, err := protocol.DecodeRecord(old.header, nil)
	if err != nil {
		return errors.Join(errLayout, err)
	}
	node := dag.Record{Work: workOf(r)}
	for v := (varints{rest: old.parents}); len(v.rest) > 0; {
		if node.Parents = append(node.Parents, v.back(idx)); v.bad {
			return errLayout
		}
	}
	if node.Placement, err = t.dag.Place(node.Parents); err != nil {
		return &NotADatabaseError{t.store.path, fmt.Sprintf("its record %s is not allowed any more: %v", r.ID(), tooWide(err))}
	}
	t.dag.Add(node.Parents, node.Placement, node.Work)
	_, err = t.exec("UPDATE dag SET node = ? WHERE idx = ?", appendNode(nil, idx, node), idx)
	return err
}

// migrateSeen gives each record a moment at which it was seen. The true one was not kept. We take
// what the record's owner says, its timestamp. Most records came in that order, soon after they
// were made. None is then held to have come late.
func (t *tx) migrateSeen() error {
	seen := func(timestamp int64) int64 {
		t.meta.seen = max(timestamp*1000, t.meta.seen+1)
		return t.meta.seen
	}
	// The rows are sorted, and so all read, before the first is changed.
	if err := t.each(func(r *rows) error {
		_, err := t.exec("UPDATE dag SET seen = ? WHERE idx = ?", seen(r.int(1)), r.int(0))
		return err
	}, "SELECT idx, timestamp FROM dag ORDER BY timestamp, idx"); err != nil {
		return err
	}
	return t.each(func(r *rows) error {
		p, err := protocol.DecodeRecord(r.blob(1), nil)
		if err != nil {
			return errors.Join(errLayout, err)
		}
		_, err = t.exec("UPDATE pending SET seen = ? WHERE seq = ?", seen(int64(p.Timestamp)), r.int(0))
		return err
	}, "SELECT seq, header FROM pending ORDER BY seq")
}

// migrateTips notes the past of each tip, and marks the disreputable ones.
func (t *tx) migrateTips() error {
	tips, err := t.numbers("SELECT idx FROM tips")
	if err != nil {
		return err
	}
	for _, idx := range tips {
		r, err := headerOf(t.frame(idx))
		if err != nil {
			return err
		}
		reputable := int64(1)
		if r.Type == protocol.TypeDatum {
			first, _, err := t.wasReputable(newEntry(r), idx, t.store.network)
			if err != nil {
				return err
			}
			if !first {
				reputable = 0
				t.meta.disreputable++
			}
		}
		if _, err := t.exec("UPDATE tips SET reputable = ?, past = ? WHERE reputable = 1 AND past = 0 AND idx = ?", reputable, t.past(idx), idx); err != nil {
			return err
		}
	}
	return nil
}
