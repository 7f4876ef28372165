package store

import (
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/lf-store/lf/protocol"
)

// The statements that look for all links of a record at once.
var (
	linkParams    = strings.Repeat(", ?", protocol.MaxLinks)[2:]
	linksPending  = "SELECT id FROM pending WHERE id IN (" + linkParams + ")"
	linksHeld     = "SELECT id FROM held WHERE id IN (" + linkParams + ")"
	linksSettled  = "SELECT id FROM settled WHERE id IN (" + linkParams + ")"
	linksWanted   = "SELECT missing FROM waits WHERE seq = 0 AND missing IN (" + linkParams + ")"
	linksWaited   = "SELECT missing FROM waits WHERE seq = ? AND missing IN (" + linkParams + ")"
	deleteWaits   = "DELETE FROM waits WHERE seq = ? AND missing IN (" + linkParams + ")"
	deleteUnasked = "DELETE FROM waits WHERE seq = 0 AND missing IN (" + linkParams + `)
		AND NOT EXISTS (SELECT 1 FROM waits AS w WHERE w.missing = waits.missing AND w.seq > 0)`
)

// intoWaits is not among those whose rows may be late: it is read all the time.
var intoWaits = newLateTable("INSERT OR IGNORE INTO waits", 2)

// linkArgs are the arguments of these statements: first ones, and then 1 to MaxLinks IDs.
func linkArgs(ids []protocol.ID, first ...driver.Value) []driver.Value {
	args := make([]driver.Value, 0, len(first)+protocol.MaxLinks)
	args = append(args, first...)
	for i := range protocol.MaxLinks {
		args = append(args, ids[min(i, len(ids)-1)][:])
	}
	return args
}

// among returns those of some links that a statement finds.
func (c *conn) among(sql string, ids []protocol.ID, first ...driver.Value) (found []protocol.ID, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	err = c.each(func(r *rows) error {
		found = append(found, protocol.ID(r.blob(0)))
		return nil
	}, sql, linkArgs(ids, first...)...)
	return found, err
}

// wait records what a pending record waits for, and returns what of it is wanted now. The record
// itself is no longer wanted.
func (t *tx) wait(seq int64, id protocol.ID, missing []protocol.ID) (wanted []protocol.ID, err error) {
	here := map[protocol.ID]bool{}
	for _, look := range []struct {
		sql string
		any bool
	}{{linksPending, t.meta.pending > 1}, {linksHeld, t.meta.held > 0}, {linksSettled, t.unsettled || t.store.unsettled}} {
		if !look.any {
			continue
		}
		found, err := t.among(look.sql, missing)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			here[m] = true
		}
	}
	var rows []driver.NamedValue
	for _, m := range missing {
		delete(t.survey.unawaited, m)
		if !here[m] {
			wanted = append(wanted, m)
			rows = append(rows, driver.NamedValue{Value: m[:]}, driver.NamedValue{Value: int64(0)})
		}
		rows = append(rows, driver.NamedValue{Value: m[:]}, driver.NamedValue{Value: seq})
	}
	if err := t.insert(&intoWaits, rows); err != nil {
		return nil, err
	}
	t.meta.pendingBytes += int64(len(missing)) * waitingLink
	return wanted, t.unwant(id)
}

// stopWaiting undoes wait for a pending record, nil for a damaged one.
func (t *tx) stopWaiting(seq int64, r *protocol.Record) (err error) {
	var links []protocol.ID
	if r != nil {
		links = r.Links
	} else if err := t.each(func(r *rows) error { // by reading all: this is rare
		links = append(links, protocol.ID(r.blob(0)))
		return nil
	}, "SELECT missing FROM waits WHERE seq = ?", seq); err != nil || len(links) == 0 {
		return err
	}
	n, err := t.exec(deleteWaits, linkArgs(links, seq)...)
	if err != nil {
		return err
	}
	t.meta.pendingBytes -= n * waitingLink
	_, err = t.exec(deleteUnasked, linkArgs(links)...)
	return err
}

// isAwaited reports whether some pending record waits for a record.
func (t *tx) isAwaited(id protocol.ID) (bool, error) {
	if t.survey.unawaited[id] {
		return false, nil
	}
	return t.one(nil, "SELECT 1 FROM waits WHERE missing = ? AND seq > 0 LIMIT 1", id[:])
}

// want lists a record as wanted if some pending record waits for it and it is neither pending, held
// nor settled, and takes it off the list otherwise.
func (t *tx) want(id protocol.ID) error {
	needed, err := t.isAwaited(id)
	for _, here := range []func(protocol.ID) (bool, error){t.isPending, t.isHeld, t.isSettled} {
		if !needed || err != nil {
			break
		}
		var is bool
		is, err = here(id)
		needed = !is
	}
	if err != nil {
		return err
	}
	if !needed {
		return t.unwant(id)
	}
	_, err = t.exec("INSERT OR IGNORE INTO waits VALUES (?, 0)", id[:])
	return err
}

func (t *tx) unwant(id protocol.ID) error {
	if t.survey.unawaited[id] {
		return nil
	}
	_, err := t.exec("DELETE FROM waits WHERE missing = ? AND seq = 0", id[:])
	return err
}

func (c *conn) isSettled(id protocol.ID) (bool, error) {
	return c.one(nil, "SELECT 1 FROM settled WHERE id = ?", id[:])
}

// missingOf adds to the result of a pending record which of its ancestors are wanted, as far as a
// bounded walk through its pending ancestors tells.
func (t *tx) missingOf(r *protocol.Record, result *Result) error {
	if result.State != Pending {
		return nil
	}
	return t.walkMissing([]protocol.ID{r.ID()}, map[protocol.ID]bool{r.ID(): true}, result)
}

// walkMissing adds what the records of a queue wait for, and their ancestors; seen are all that
// need not be looked at.
func (t *tx) walkMissing(queue []protocol.ID, seen map[protocol.ID]bool, result *Result) error {
	for visits := 0; len(queue) > 0 && visits < missingVisits; queue, visits = queue[1:], visits+1 {
		missing, err := t.waitsOf(queue[0])
		if err != nil {
			return err
		}
		missing = slices.DeleteFunc(missing, func(id protocol.ID) bool { return seen[id] })
		wanted, err := t.among(linksWanted, missing)
		if err != nil {
			return err
		}
		isWanted := make(map[protocol.ID]bool, len(wanted))
		for _, id := range wanted {
			isWanted[id] = true
		}
		for _, id := range missing {
			seen[id] = true
			switch {
			case !isWanted[id]:
				queue = append(queue, id)
			case len(result.Missing) < missingFound:
				result.Missing = append(result.Missing, id)
			}
		}
	}
	return nil
}

// waitsOf returns what a record waits for: nothing unless it is pending.
func (t *tx) waitsOf(id protocol.ID) ([]protocol.ID, error) {
	seq, header := int64(0), []byte(nil)
	found, err := t.one(func(r *rows) { seq, header = r.int(0), r.blob(1) }, "SELECT seq, header FROM pending WHERE id = ?", id[:])
	if err != nil || !found {
		return nil, err
	}
	r, err := protocol.DecodeRecord(header, nil)
	if err != nil {
		return nil, nil //nolint:nilerr // a damaged one tells nothing
	}
	return t.among(linksWaited, r.Links, seq)
}
