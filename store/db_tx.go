package store

import (
	"database/sql/driver"
	"errors"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// meta is the one row of the table meta.
type meta struct {
	attached, tips, owners      int64
	pending, pendingBytes       int64
	held, heldBytes             int64
	droppedPending, droppedHeld int64
	// seen is the last moment given to a record, in microseconds; disreputable is how many of the
	// tips are.
	seen, disreputable int64
}

func (m *meta) fields() []*int64 {
	return []*int64{&m.attached, &m.tips, &m.owners, &m.pending, &m.pendingBytes, &m.held, &m.heldBytes, &m.droppedPending, &m.droppedHeld,
		&m.seen, &m.disreputable}
}

func (m *meta) load(c *conn) error {
	found, err := c.one(func(r *rows) {
		for i, f := range m.fields() {
			*f = r.int(i)
		}
	}, `SELECT attached, tips, owners, pending, pending_bytes, held, held_bytes, dropped_pending, dropped_held, seen, disreputable FROM meta`)
	if err == nil && !found {
		err = errLayout
	}
	return err
}

func (m *meta) save(c *conn) error {
	args := make([]driver.Value, 0, 11)
	for _, f := range m.fields() {
		args = append(args, *f)
	}
	_, err := c.exec(`UPDATE meta SET attached = ?, tips = ?, owners = ?, pending = ?, pending_bytes = ?, held = ?, held_bytes = ?,
		dropped_pending = ?, dropped_held = ?, seen = ?, disreputable = ?`, args...)
	return err
}

// place is where an attached record is, and when.
type place struct{ idx, timestamp int64 }

// tx is the writer's transaction: one batch. Counters are read when it begins, and written when it
// ends if it changed them, so that nothing in memory can differ from the file.
type tx struct {
	*conn
	store *Store
	meta  meta
	was   meta
	// graph is how many records the graph had when the batch began.
	graph int
	// attached are the records that the batch attached.
	attached []Item
	changes  Changes
	// newTips are those of the attached ones that are tips, by their index: few of all that the
	// batch attaches in the end.
	newTips  map[int64]tip
	absences absenceCache
	// told counts what was done for pending records whose ancestors came, see settleSteps;
	// unsettled says that some of it is left.
	told      int
	unsettled bool
	// noneCrowded says that no key is crowded; newClaims counts the rows of claims that stand since
	// the batch began, by key. linking are the links of the record that was attached last.
	// noneQuiet says that no root is quiet.
	noneCrowded bool
	noneQuiet   bool
	linking     []place
	newClaims   map[int64]int64
	// mended says that a record was found to be sound again.
	mended bool
	// graphMarked says that the commit is followed by a checkpoint of the graph.
	graphMarked bool
}

// tip is a row of the table tips.
type tip struct{ reputable, past, timestamp int64 }

func (s *Store) begin() (*tx, error) {
	if _, err := s.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	t := s.newTx()
	t.repairs = s.indexCache.repairs.Load()
	if err := t.loadMeta(); err != nil {
		t.rollback()
		return nil, err
	}
	crowded, err := t.one(nil, "SELECT 1 FROM crowded LIMIT 1")
	if err != nil {
		t.rollback()
		return nil, err
	}
	t.noneCrowded = !crowded
	s.ranker.noneCrowded.Store(!crowded)
	quiet, err := t.one(nil, "SELECT 1 FROM roots INDEXED BY roots_quiet WHERE quiet = 1 LIMIT 1")
	if err != nil {
		t.rollback()
		return nil, err
	}
	t.noneQuiet = !quiet
	if err := t.beginRuns(); err != nil {
		t.rollback()
		return nil, err
	}
	return t, nil
}

// newTx is the transaction that the writer's connection has begun.
func (s *Store) newTx() *tx {
	return &tx{conn: s.writer, store: s, graph: s.dag.Len(), newTips: map[int64]tip{}}
}

// loadMeta reads the counters, which a new database does not have yet.
func (t *tx) loadMeta() error {
	if _, err := t.exec(`INSERT OR IGNORE INTO meta (only, network, attached, tips, owners, pending, pending_bytes, held, held_bytes,
		dropped_pending, dropped_held) VALUES (1, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0)`, t.store.id()); err != nil {
		return err
	}
	if err := t.meta.load(t.conn); err != nil {
		return err
	}
	t.was = t.meta
	return nil
}

func (s *Store) id() []byte { id := s.network.ID(); return id[:] }

func (t *tx) commit() error {
	if err := t.writeTips(); err != nil {
		return err
	}
	if err := t.countClaims(); err != nil {
		return err
	}
	if t.runs != nil {
		if err := t.runs.Work(runRows{conn: t.conn}, uint32(t.meta.attached)); err != nil {
			return err
		}
	}
	if err := t.writeBlocks(); err != nil {
		return err
	}
	if t.meta != t.was {
		if err := t.meta.save(t.conn); err != nil {
			return err
		}
	}
	if _, err := t.exec("COMMIT"); err != nil {
		return err
	}
	t.store.runs.Commit()
	return nil
}

// beginRuns tells the runs that a transaction begins.
func (t *tx) beginRuns() error {
	if t.runs == nil {
		return nil
	}
	t.view = nil
	v, err := t.runsView()
	if err == nil {
		t.runs.Begin(v)
		t.seen = runs.All
	}
	return err
}

// see returns the moment at which a record is first seen. It is that of the clock, or later where
// the clock was set back: each moment is later than all before. It is unique and its order is that
// of the arrivals, whatever the clock does.
func (t *tx) see() int64 {
	t.meta.seen = max(t.store.options.Clock().UnixMicro(), t.meta.seen+1)
	return t.meta.seen
}

// rollback undoes the batch, and forgets what the caches and the graph learned in it.
func (t *tx) rollback() {
	t.forget()
	t.store.dag.Truncate(t.graph)
	t.store.runs.Rollback()
	t.store.recent.Purge()
	t.store.owners.Purge()
	t.store.dictionary.forget()
	t.references, t.recordTables = nil, nil
	t.store.waits.undo()
	if t.db.AutoCommit() {
		return // SQLite has rolled back by itself, as it may when the disk is full
	}
	if _, err := t.exec("ROLLBACK"); err != nil {
		t.store.options.Logger.Error("roll back", "error", err)
	}
}

// transact runs do in a transaction of its own, and notes whether the disk took it.
func (s *Store) transact(do func(*tx) error) error {
	if s.problem.Load() == nil { // the usual case costs nothing
		err := s.run(do)
		s.noteWrite(err, false)
		return err
	}
	before := s.changes()
	err := s.run(do)
	s.noteWrite(err, s.changes() > before)
	return err
}

func (s *Store) run(do func(*tx) error) error {
	t, err := s.begin()
	if err != nil {
		return err
	}
	if err = do(t); err == nil {
		err = t.markGraph(s.dag.Due())
	}
	if err == nil {
		err = t.commit()
	}
	if err != nil {
		t.rollback()
	}
	if t.changes.Repaired || t.mended { // or undone: then the damage is news again
		s.indexCache.repairs.Add(1)
	}
	if err != nil {
		s.tellChanges(&Changes{Undone: t.changes.Index > 0})
		return err
	}
	s.keepGraph(t)
	s.waits.keep()
	s.unsettled = s.unsettled || t.unsettled || s.stalled
	s.announce(t.attached)
	s.tellChanges(&t.changes)
	return nil
}

// find returns the place of an attached record.
func (t *tx) find(id protocol.ID) (place, bool, error) {
	if at, ok := t.store.recent.Get(id); ok {
		return at, true, nil
	}
	at, err := t.lookUp(id)
	if err != nil || at.idx == 0 {
		return place{}, false, err
	}
	t.store.recent.Add(id, at)
	return at, true, nil
}

// index returns the index of an attached record, 0 when there is none.
func (c *conn) index(id protocol.ID) (int64, error) {
	at, err := c.lookUp(id)
	return at.idx, err
}

// lookUp returns the place of an attached record, a zero one when there is none. The index by
// prefix only proposes; the whole ID decides. Where that or the timestamp is damaged the header
// decides, if it is sound.
func (c *conn) lookUp(id protocol.ID) (at place, err error) {
	err = c.recordsWith(id[:], func(idx int64) (bool, error) {
		row, sound, found, err := c.proposed(idx)
		if err != nil || !found { // one that this transaction does not see
			return true, err
		}
		at = place{idx, int64(row.timestamp)}
		same := row.id == id
		if !sound {
			record, err := headerOf(c.frame(idx))
			switch {
			case err == nil:
				same, at.timestamp = record.ID() == id, int64(record.Timestamp)
			case asDamaged(err) != nil:
				same = true
			default:
				return false, err
			}
		}
		if !same {
			at = place{}
		}
		return !same, nil
	})
	return at, err
}

// proposed returns what the graph has of a record that a look-up may mean, and whether that is
// sound. In a migration, which may not have come to the checksums, an ID that is too short is known
// to be damaged.
func (c *conn) proposed(idx int64) (row identity, sound, found bool, err error) {
	t, err := c.tables()
	if err != nil {
		return row, false, false, err
	}
	if c.runs != nil || t.blocks {
		row, err = c.identity(idx)
		return row, row.sound(idx), err == nil, ignoreMissing(err)
	}
	found, err = c.one(func(r *rows) { row.read(r.blob(0), r.int(1), 0) }, "SELECT id, timestamp FROM dag WHERE idx = ?", idx)
	return row, row.whole, found, err
}

// ignoreMissing drops the error that says that there is no such row.
func ignoreMissing(err error) error {
	if errors.Is(err, errReference) {
		return nil
	}
	return err
}

// idOf returns the ID of an attached record, which it has verified: others build on it.
func (c *conn) idOf(idx int64) (id protocol.ID, err error) {
	r, err := headerOf(c.frame(idx))
	if err != nil {
		return id, err
	}
	return r.ID(), nil
}
