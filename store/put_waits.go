package store

import (
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/lf-store/lf/protocol"
)

// linkParams are the parameters of a statement that looks for all links of a record at once.
var (
	linkParams   = strings.Repeat(", ?", protocol.MaxLinks)[2:]
	linksHeld    = "SELECT id FROM held WHERE id IN (" + linkParams + ")"
	linksSettled = "SELECT id FROM settled WHERE id IN (" + linkParams + ")"
)

// among returns those of 1 to MaxLinks IDs that a statement finds.
func (c *conn) among(sql string, ids []protocol.ID) (found []protocol.ID, err error) {
	var args [protocol.MaxLinks]driver.Value
	for i := range args {
		args[i] = ids[min(i, len(ids)-1)][:]
	}
	err = c.each(func(r *rows) error {
		found = append(found, protocol.ID(r.blob(0)))
		return nil
	}, sql, args[:]...)
	return found, err
}

// joinIDs and splitIDs write and read the column links of the table waits.
func joinIDs(ids []protocol.ID) []byte {
	b := make([]byte, 0, len(ids)*len(protocol.ID{}))
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return b
}

func splitIDs(b []byte) (ids []protocol.ID) {
	for id := range slices.Chunk(b, len(protocol.ID{})) {
		if id, ok := readID(id); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// readID reads a column that holds an ID, if the disk did not damage its length.
func readID(b []byte) (id protocol.ID, ok bool) {
	return id, copy(id[:], b) == len(b) && len(b) == len(id)
}

// wait records what a pending record waits for, and returns what of it is wanted now. The record
// itself is no longer wanted.
func (t *tx) wait(seq int64, id protocol.ID, missing []protocol.ID) (wanted []protocol.ID, err error) {
	x := t.store.waits
	here, err := t.queuedAmong(slices.DeleteFunc(slices.Clone(missing), x.isAwaited))
	if err != nil {
		return nil, err
	}
	for _, m := range missing {
		x.addWaiter(m, seq, !here[m])
		if x.isWanted(m) {
			wanted = append(wanted, m)
		}
	}
	t.meta.pendingBytes += int64(len(missing)) * waitingLink
	x.setWanted(id, false)
	return wanted, t.insertLater(intoWaits, seq, joinIDs(missing))
}

// queuedAmong returns which of some links of a record are pending, held or settled.
func (t *tx) queuedAmong(ids []protocol.ID) (map[protocol.ID]bool, error) {
	here := map[protocol.ID]bool{}
	for _, id := range ids {
		if t.store.waits.isPending(id) {
			here[id] = true
		}
	}
	for _, look := range []struct {
		sql string
		any bool
	}{{linksHeld, t.meta.held > 0}, {linksSettled, t.unsettled || t.store.unsettled}} {
		if !look.any || len(ids) == 0 {
			continue
		}
		found, err := t.among(look.sql, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			here[id] = true
		}
	}
	return here, nil
}

// missingLinks returns what a pending record waits for.
func (c *conn) missingLinks(seq int64) (links []protocol.ID, err error) {
	_, err = c.one(func(r *rows) { links = splitIDs(r.blob(0)) }, "SELECT links FROM waits WHERE seq = ?", seq)
	return links, err
}

// stopWaiting undoes wait for a pending record that waits for some links.
func (t *tx) stopWaiting(seq int64, links []protocol.ID) error {
	for _, id := range links {
		t.store.waits.removeWaiter(id, seq)
	}
	t.meta.pendingBytes -= int64(len(links)) * waitingLink
	_, err := t.exec("DELETE FROM waits WHERE seq = ?", seq)
	return err
}

// want notes of a record that some pending record waits for whether it is wanted: neither pending,
// held nor settled.
func (t *tx) want(id protocol.ID) error {
	if !t.store.waits.isAwaited(id) {
		return nil
	}
	here := t.store.waits.isPending(id)
	for _, queue := range []func(protocol.ID) (bool, error){t.isHeld, t.isSettled} {
		if here {
			break
		}
		var err error
		if here, err = queue(id); err != nil {
			return err
		}
	}
	t.store.waits.setWanted(id, !here)
	return nil
}

func (c *conn) isSettled(id protocol.ID) (bool, error) {
	return c.one(nil, "SELECT 1 FROM settled WHERE id = ?", id[:])
}

// missingOf adds to the result of a pending record which of its ancestors are wanted. A bounded
// walk through its pending ancestors tells.
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
		seq, pending := t.store.waits.pending[t.store.waits.key(queue[0])]
		if !pending {
			continue
		}
		missing, err := t.missingLinks(seq)
		if err != nil {
			return err
		}
		for _, id := range missing {
			if seen[id] {
				continue
			}
			seen[id] = true
			switch {
			case !t.store.waits.isWanted(id):
				queue = append(queue, id)
			case len(result.Missing) < missingFound:
				result.Missing = append(result.Missing, id)
			}
		}
	}
	return nil
}
