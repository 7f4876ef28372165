package store

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// The scrub finds damage that nobody has asked for yet. It goes through the records in their order,
// each with its rows in the other tables. Then it goes through those tables, each row with its
// record, and begins again. It rebuilds the rows that follow from the records. It notes a damaged
// record, which a peer's copy repairs. It is slow on purpose, and goes on after a restart where it
// was.

// scrubPhase is one of the tables that the scrub goes through.
type scrubPhase int64

const (
	scrubRecords scrubPhase = iota
	scrubIDs
	scrubVersions
	scrubSelectors
	scrubWritten
	scrubPhases
)

// scrubbed is how far the scrub has come.
type scrubbed struct {
	phase scrubPhase
	// at is the last record that was looked at, or the first column of the last row. It is what a
	// restart knows.
	at int64
	// row is the whole primary key of the last row; nil: begin at.
	row []driver.Value
}

// Scrub looks for damage until ctx ends. It saves what was found, and its place now and then.
func (s *Store) Scrub(ctx context.Context) error {
	at, err := s.scrubPlace(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(scrubEvery)
	defer tick.Stop()
	defer func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), scrubSaveTime)
		defer cancel()
		_ = s.saveScrub(done, at) // it only begins again a little earlier
	}()
	for steps := 1; ; steps++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		next, err := s.scrubStep(ctx, at, scrubChunk)
		if err == nil {
			if next.phase == scrubRecords && at.phase != scrubRecords {
				s.damage.nextRound()
			}
			at = next
			if unsaved := s.damage.anyUnsaved(); unsaved || steps%scrubSaves == 0 {
				err = s.saveScrub(ctx, at)
			}
		}
		if err != nil && ctx.Err() == nil {
			s.options.Logger.Warn("could not look for damage in the database", "error", err)
			if err := sleep(ctx, scrubRetry); err != nil {
				return nil // it was told to end
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (s *Store) scrubPlace(ctx context.Context) (at scrubbed, err error) {
	err = s.read(ctx, func(c *conn) error {
		_, err := c.one(func(r *rows) { at = scrubbed{phase: scrubPhase(r.int(0)), at: r.int(1)} }, "SELECT phase, at FROM scrub")
		return err
	})
	if at.phase < 0 || at.phase >= scrubPhases {
		at = scrubbed{}
	}
	return at, err
}

// saveScrub saves the scrub's place, and which records were found damaged: after a restart they are
// known at once.
func (s *Store) saveScrub(ctx context.Context, at scrubbed) error {
	unsaved := s.damage.takeUnsaved()
	return s.change(ctx, func(t *tx) error {
		for _, idx := range unsaved {
			if _, err := t.exec("INSERT OR IGNORE INTO damaged VALUES (?)", idx); err != nil {
				return err
			}
		}
		_, err := t.exec("UPDATE scrub SET phase = ?, at = ?", int64(at.phase), at.at)
		return err
	})
}

// recallDamage looks again at the records that were damaged when the node stopped.
func (t *tx) recallDamage() error {
	indices, err := t.numbers("SELECT idx FROM damaged ORDER BY idx LIMIT ?", int64(maxDamaged))
	if err != nil {
		return err
	}
	for _, idx := range indices {
		_, err := t.frame(idx)
		switch damaged := asDamaged(err); {
		case err != nil && damaged == nil:
			return err
		case err == nil:
			if _, err := t.exec("DELETE FROM damaged WHERE idx = ?", idx); err != nil {
				return err
			}
		}
	}
	t.damage.takeUnsaved() // they are saved
	return nil
}

// scrubStep looks at the next rows, has what is wrong repaired, and returns how far it came.
func (s *Store) scrubStep(ctx context.Context, from scrubbed, count int) (scrubbed, error) {
	w := &scrubber{store: s, ctx: ctx}
	var to scrubbed
	err := s.read(ctx, func(c *conn) (err error) {
		w.conn = c
		to, err = w.look(from, count)
		return err
	})
	if err != nil || len(w.repairs) == 0 {
		return to, err
	}
	return to, s.change(ctx, func(t *tx) error {
		for _, repair := range w.repairs {
			if err := repair(t); err != nil {
				return err
			}
		}
		return nil
	})
}

// scrubber is one step of the scrub.
type scrubber struct {
	*conn
	store   *Store
	ctx     context.Context
	repairs []func(*tx) error
}

// repair notes what is wrong, and how the writer makes it right.
func (w *scrubber) repair(idx int64, what string, by func(*tx) error) {
	w.repairs = append(w.repairs, func(t *tx) error {
		if err := by(t); err != nil {
			return err
		}
		t.damage.mend(idx, what)
		return nil
	})
}

// rewrite is a repair by one statement.
func (w *scrubber) rewrite(idx int64, what, sql string, args ...driver.Value) {
	w.repair(idx, what, func(t *tx) error {
		_, err := t.exec(sql, args...)
		return err
	})
}

// rewriteVersion is a repair of a row of versions. What the claim ranks by follows from it.
func (w *scrubber) rewriteVersion(idx, composite, owner int64, sql string, args ...driver.Value) {
	w.repair(idx, "a row of versions", func(t *tx) error {
		if _, err := t.exec(sql, args...); err != nil {
			return err
		}
		return t.reclaim(composite, owner)
	})
}

func (w *scrubber) look(from scrubbed, count int) (to scrubbed, err error) {
	end := false
	switch to = from; from.phase {
	case scrubIDs:
		end, err = w.rows(&to, count, "ids", []string{"prefix", "idx"}, "prefix, idx", w.checkIDRow)
	case scrubVersions:
		end, err = w.rows(&to, count, "versions", []string{"composite", "owner", "timestamp DESC", "idx"}, "composite, owner, timestamp, idx, released",
			w.checkVersionRow)
	case scrubSelectors:
		end, err = w.rows(&to, count, "selectors", []string{"key", "size", "ordinal", "composite", "others"}, "key, size, ordinal, composite, others",
			w.checkSelectorRow)
	case scrubWritten:
		end, err = w.rows(&to, count, "written", []string{"owner", "timestamp DESC", "idx DESC"}, "owner, timestamp, idx", w.checkWrittenRow)
	default:
		end, err = w.records(&to, count)
	}
	if err == nil && end {
		to = scrubbed{phase: (from.phase + 1) % scrubPhases}
		if to.phase != scrubRecords {
			to.at = math.MinInt64
		}
	}
	return to, err
}

// records looks at the next attached records, and reports whether there are no more. Behind a
// repair it goes on in the next step.
func (w *scrubber) records(at *scrubbed, count int) (end bool, err error) {
	attached, err := w.number("SELECT attached FROM meta")
	if err != nil {
		return false, err
	}
	for range count {
		if at.at >= attached {
			return true, nil
		}
		if len(w.repairs) > 0 {
			return false, nil
		}
		at.at++
		if err := w.checkRecord(at.at); err != nil {
			return false, err
		}
	}
	return false, w.ctx.Err()
}

// rows looks at the next rows of a table in the order of its primary key, and reports whether there
// are no more.
func (w *scrubber) rows(at *scrubbed, count int, table string, key []string, columns string, check func(*rows) error) (end bool, err error) {
	order := " ORDER BY " + strings.Join(key, ", ") + " LIMIT ?"
	left := count
	look := func(where string, args ...driver.Value) error {
		return w.each(func(r *rows) error {
			left--
			at.at, at.row = r.int(0), slices.Clone(r.row[:len(key)])
			if err := check(r); err != nil {
				return err
			}
			return w.ctx.Err()
		}, "SELECT "+columns+" FROM "+table+" WHERE "+where+order, append(args, int64(left))...)
	}
	if at.row == nil {
		err = look(key[0]+" >= ?", at.at)
		return left > 0, err
	}
	// What comes after a row: first what shares all of its key but the last column, then all but
	// the last two, and so on.
	behind := at.row
	for n := len(key); n > 0 && left > 0 && err == nil; n-- {
		var where strings.Builder
		for _, column := range key[:n-1] {
			column, _ = strings.CutSuffix(column, " DESC")
			where.WriteString(column + " = ? AND ")
		}
		if column, falls := strings.CutSuffix(key[n-1], " DESC"); falls {
			where.WriteString(column + " < ?")
		} else {
			where.WriteString(column + " > ?")
		}
		err = look(where.String(), slices.Clone(behind[:n])...)
	}
	return left > 0, err
}

// checkRecord looks at a record and its rows.
func (w *scrubber) checkRecord(idx int64) error {
	r, err := headerOf(w.frame(idx))
	if asDamaged(err) != nil {
		return nil //nolint:nilerr // it was noted; its rows cannot be judged
	}
	if err != nil {
		return err
	}
	id := r.ID()
	if !w.isIndexed(id, idx) {
		w.rewrite(idx, "a row of ids", "INSERT OR IGNORE INTO ids VALUES (?, ?)", prefix(id[:]), idx)
	}
	if err := w.checkDAGRow(idx, r); err != nil {
		return err
	}
	if filed, err := w.isFiled(idx, r); err != nil {
		return err
	} else if !filed {
		w.repair(idx, "a row of written", func(t *tx) error { return t.file(idx, r) })
	}
	return w.checkRows(idx, newEntry(r))
}

// checkDAGRow compares a record's place in the graph with its links. All records before it were
// looked at.
func (w *scrubber) checkDAGRow(idx int64, r *protocol.Record) error {
	var timestamp int64
	var node, id []byte
	found, err := w.one(func(row *rows) { timestamp, node, id = row.int(0), row.blob(1), row.blob(2) }, "SELECT timestamp, node, id FROM dag WHERE idx = ?", idx)
	if err != nil {
		return err
	}
	if !found {
		w.damage.problem("a row of dag is missing")
		return nil
	}
	if have := r.ID(); !bytes.Equal(id, have[:]) {
		w.rewrite(idx, "the ID of a record in dag", "UPDATE dag SET id = ? WHERE idx = ?", have[:], idx)
	}
	if timestamp != int64(r.Timestamp) {
		w.rewrite(idx, "a timestamp in dag", "UPDATE dag SET timestamp = ? WHERE idx = ?", int64(r.Timestamp), idx)
	}
	want, err := w.nodeOf(idx, r)
	if err != nil || want == nil || bytes.Equal(want, node) {
		return err
	}
	w.repair(idx, "a row of the graph", func(t *tx) error {
		if _, err := t.exec("UPDATE dag SET node = ? WHERE idx = ?", want, idx); err != nil {
			return err
		}
		return t.reloadGraph()
	})
	return nil
}

// nodeOf works out a record's column node from its links; nil where one of these is not found.
func (c *conn) nodeOf(idx int64, r *protocol.Record) ([]byte, error) {
	parents, err := c.parentIndices(idx, r)
	if errors.Is(err, errLink) {
		c.damage.problem(errLink.Error())
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	node := dag.Record{Work: workOf(r), Parents: parents}
	where, err := c.dag.Place(parents)
	if err != nil {
		c.damage.problem("the graph before a record is wrong")
		return nil, nil //nolint:nilerr // it is reported
	}
	node.Placement = where
	return appendNode(nil, idx, node), nil
}

// checkRows looks for the rows by which queries find a record.
func (w *scrubber) checkRows(idx int64, e *entry) error {
	if len(e.rows) == 0 {
		return nil
	}
	owner, err := w.checkOwnerRow(idx, e)
	if err != nil {
		return err
	}
	found, err := w.one(nil, "SELECT 1 FROM versions WHERE composite = ? AND owner = ? AND timestamp = ? AND idx = ? AND released = ?",
		e.composite, owner, int64(e.Timestamp), idx, e.released())
	if err != nil {
		return err
	}
	if !found && owner > 0 {
		w.rewriteVersion(idx, e.composite, owner, "INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?)", e.composite, owner, int64(e.Timestamp), idx, e.released())
	}
	for _, row := range e.rows {
		args := []driver.Value{row.key, int64(len(e.rows)), int64(row.ordinal), e.composite, row.others}
		found, err := w.one(nil, "SELECT 1 FROM selectors WHERE key = ? AND size = ? AND ordinal = ? AND composite = ? AND others = ?", args...)
		if err != nil {
			return err
		}
		if !found {
			w.rewrite(idx, "a row of selectors", "INSERT OR IGNORE INTO selectors VALUES (?, ?, ?, ?, ?)", args...)
		}
	}
	return nil
}

// checkOwnerRow returns an owner's number. Where it is lost, or another one's, the row of the
// version knows it.
func (w *scrubber) checkOwnerRow(idx int64, e *entry) (int64, error) {
	number, err := w.ownerNumber(e.Owner)
	if err != nil {
		return 0, err
	}
	exact, err := w.one(nil, "SELECT 1 FROM versions WHERE composite = ? AND owner = ? AND timestamp = ? AND idx = ?", e.composite, number, int64(e.Timestamp), idx)
	if err != nil || exact {
		return number, err
	}
	filed, err := w.number("SELECT owner FROM versions WHERE composite = ? AND timestamp = ? AND idx = ?", e.composite, int64(e.Timestamp), idx)
	if err != nil || filed == 0 {
		return number, err
	}
	shared, err := w.number("SELECT count(*) FROM owners WHERE number = ?", number)
	if err != nil || number > 0 && shared == 1 {
		return number, err // it is the version's row that is wrong
	}
	w.repair(idx, "a row of owners", func(t *tx) error {
		t.store.owners.Purge()
		if _, err := t.exec("DELETE FROM owners WHERE owner = ? OR number = ?", e.Owner[:], filed); err != nil {
			return err
		}
		_, err := t.exec("INSERT INTO owners VALUES (?, ?)", e.Owner[:], filed)
		return err
	})
	return filed, nil
}

// checkIDRow looks whether a row of ids leads to a record of such an ID.
func (w *scrubber) checkIDRow(row *rows) error {
	key, idx := row.int(0), row.int(1)
	var id []byte
	found, err := w.one(func(r *rows) { id = r.blob(0) }, "SELECT id FROM dag WHERE idx = ?", idx)
	if err == nil && !(found && len(id) >= prefixSize && prefix(id) == key) {
		w.rewrite(idx, "a row of ids", "DELETE FROM ids WHERE prefix = ? AND idx = ?", key, idx)
	}
	return err
}

// checkWrittenRow looks whether a row of written leads to a record of such an owner and time.
func (w *scrubber) checkWrittenRow(row *rows) error {
	key := []driver.Value{row.int(0), row.int(1), row.int(2)}
	r, err := headerOf(w.frameIfThere(row.int(2)))
	if err != nil {
		return ignoreDamage(err)
	}
	if r == nil || prefix(r.Owner[:]) != row.int(0) || int64(r.Timestamp) != row.int(1) {
		w.rewrite(row.int(2), "a row of written", "DELETE FROM written WHERE owner = ? AND timestamp = ? AND idx = ?", key...)
	}
	return nil
}

// checkVersionRow looks whether a row of versions is what its record says.
func (w *scrubber) checkVersionRow(row *rows) error {
	key := []driver.Value{row.int(0), row.int(1), row.int(2), row.int(3)}
	idx, released := row.int(3), row.int(4)
	r, err := headerOf(w.frameIfThere(idx))
	if err != nil {
		return ignoreDamage(err)
	}
	right := false
	if r != nil && answered(r.Type) {
		e := newEntry(r)
		owner, err := w.ownerNumber(e.Owner)
		if err != nil {
			return err
		}
		right = e.composite == row.int(0) && owner == row.int(1) && int64(e.Timestamp) == row.int(2) && e.released() == released
	}
	if !right {
		w.rewriteVersion(idx, row.int(0), row.int(1), "DELETE FROM versions WHERE composite = ? AND owner = ? AND timestamp = ? AND idx = ?", key...)
	}
	return nil
}

// checkSelectorRow looks whether some version has a row of selectors.
func (w *scrubber) checkSelectorRow(row *rows) error {
	args := []driver.Value{row.int(0), row.int(1), row.int(2), row.int(3), row.blob(4)}
	want := selectorRow{point{row.int(0), uint64(row.int(2))}, row.blob(4)}
	size, composite := row.int(1), row.int(3)
	backed := false
	err := w.each(func(of *rows) error {
		r, err := headerOf(w.frameIfThere(of.int(0)))
		if asDamaged(err) != nil {
			backed = true // it may be
		} else if err != nil {
			return err
		} else if r != nil && answered(r.Type) {
			e := newEntry(r)
			backed = e.composite == composite && int64(len(e.rows)) == size && slices.ContainsFunc(e.rows, func(have selectorRow) bool {
				return have.point == want.point && bytes.Equal(have.others, want.others)
			})
		}
		if backed {
			return errStop
		}
		return w.ctx.Err()
	}, "SELECT idx FROM versions WHERE composite = ?", composite)
	if ignoreStop(err) != nil {
		return err
	}
	if !backed {
		w.rewrite(0, "a row of selectors", "DELETE FROM selectors WHERE key = ? AND size = ? AND ordinal = ? AND composite = ? AND others = ?", args...)
	}
	return nil
}

// frameIfThere is frame for an index that may be made up; nil then.
func (w *scrubber) frameIfThere(idx int64) (*protocol.Record, error) {
	there, err := w.one(nil, "SELECT 1 FROM records WHERE idx = ?", idx)
	if err != nil || !there {
		return nil, err
	}
	return w.frame(idx)
}

// ignoreDamage drops an error that was noted where it arose.
func ignoreDamage(err error) error {
	if asDamaged(err) != nil {
		return nil //nolint:nilerr // as the name says
	}
	return err
}
