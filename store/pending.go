package store

import "github.com/lf-store/lf/protocol"

func (c *conn) isPending(id protocol.ID) (bool, error) {
	return c.one(nil, "SELECT 1 FROM pending WHERE id = ?", id[:])
}

func (c *conn) isHeld(id protocol.ID) (bool, error) {
	return c.one(nil, "SELECT 1 FROM held WHERE id = ?", id[:])
}

// pend makes a record wait for the links that are missing.
func (t *tx) pend(e *entry, missing []protocol.ID, result *Result) error {
	size, unpaid := int64(e.WireSize()), int64(0)
	if !t.store.network.Paid(e.Record) {
		unpaid = 1
	}
	room, err := t.makeRoom(size, unpaid == 1)
	if err != nil {
		return err
	}
	if !room {
		*result = Result{Outcome: Refused, Err: ErrPendingFull}
		t.meta.droppedPending++
		return t.want(e.ID())
	}
	id := e.ID()
	delete(t.survey.unqueued, id)
	if _, err := t.exec("INSERT INTO pending (id, unmet, header, value, seen, unpaid) VALUES (?, ?, ?, ?, ?, ?)",
		id[:], int64(len(missing)), e.HeaderBytes(), e.ValueBytes(), t.see(), unpaid); err != nil {
		return err
	}
	seq, err := t.number("SELECT seq FROM pending WHERE id = ?", id[:])
	if err != nil {
		return err
	}
	t.meta.pending++
	t.meta.pendingBytes += size
	if err := t.wait(seq, id, missing); err != nil {
		return err
	}
	*result = Result{Outcome: Pending, State: Pending}
	return t.missingOf(e.Record, result)
}

// wait records what a pending record waits for. The record itself is no longer wanted.
func (t *tx) wait(seq int64, id protocol.ID, missing []protocol.ID) error {
	for _, m := range missing {
		delete(t.survey.unawaited, m)
		if _, err := t.exec("INSERT INTO waits VALUES (?, ?)", m[:], seq); err != nil {
			return err
		}
		if err := t.want(m); err != nil {
			return err
		}
	}
	_, err := t.exec("DELETE FROM wanted WHERE id = ?", id[:])
	return err
}

// want lists a record as wanted if some pending record waits for it and it is neither pending nor held, and takes it off the
// list otherwise.
func (t *tx) want(id protocol.ID) error {
	needed, err := t.one(nil, "SELECT 1 FROM waits WHERE missing = ? LIMIT 1", id[:])
	if err != nil {
		return err
	}
	for _, here := range []func(protocol.ID) (bool, error){t.isPending, t.isHeld} {
		if !needed {
			break
		}
		is, err := here(id)
		if err != nil {
			return err
		}
		needed = !is
	}
	if needed {
		_, err = t.exec("INSERT OR IGNORE INTO wanted VALUES (?)", id[:])
	} else {
		_, err = t.exec("DELETE FROM wanted WHERE id = ?", id[:])
	}
	return err
}

// taken is a pending record that was removed.
type taken struct {
	id protocol.ID
	// record is nil where the disk damaged it. Then it is as if it had never come: what waits for it wants it again.
	record *protocol.Record
	seen   int64 // when it was first seen
}

// takePending removes a pending record, which may still wait for something.
func (t *tx) takePending(seq int64) (p taken, err error) {
	var s stored
	found, err := t.one(func(r *rows) { s.read(r, 0); p.seen = r.int(3) },
		"SELECT id, header, value, seen FROM pending WHERE seq = ?", seq)
	if err != nil {
		return p, err
	}
	if !found {
		return p, errLayout
	}
	copy(p.id[:], s.id)
	if p.record, err = verify(s); err != nil {
		t.store.options.Logger.Error("this node's disk damaged a record that waited for an ancestor; it is forgotten", "record", p.id)
	}
	var waited []protocol.ID
	if err := t.each(func(r *rows) error {
		waited = append(waited, protocol.ID(r.blob(0)))
		return nil
	}, "SELECT missing FROM waits WHERE seq = ?", seq); err != nil {
		return p, err
	}
	if _, err := t.exec("DELETE FROM waits WHERE seq = ?", seq); err != nil {
		return p, err
	}
	if _, err := t.exec("DELETE FROM pending WHERE seq = ?", seq); err != nil {
		return p, err
	}
	for _, id := range waited {
		if err := t.want(id); err != nil {
			return p, err
		}
	}
	t.meta.pending--
	t.meta.pendingBytes -= int64(len(s.header) + len(s.value))
	return p, nil
}

// makeRoom drops pending records until there is room for one more of this size, those that are not known to be paid first:
// such records cost their makers little, and displace none that is paid. It reports whether there is room.
func (t *tx) makeRoom(size int64, unpaid bool) (bool, error) {
	limits := t.store.options.MaxPending
	if uint64(size) > limits.Bytes {
		return false, nil
	}
	for uint64(t.meta.pending) >= limits.Records || uint64(t.meta.pendingBytes+size) > limits.Bytes {
		seq, err := t.number("SELECT coalesce(min(seq), 0) FROM pending INDEXED BY pending_unpaid WHERE unpaid = 1")
		if err == nil && seq == 0 {
			if unpaid {
				return false, nil
			}
			seq, err = t.number("SELECT min(seq) FROM pending")
		}
		if err != nil {
			return false, err
		}
		if err := t.evict(seq); err != nil {
			return false, err
		}
	}
	return true, nil
}

// evict drops a pending record. What waits for it goes on waiting.
func (t *tx) evict(seq int64) error {
	p, err := t.takePending(seq)
	if err != nil {
		return err
	}
	t.meta.droppedPending++
	return t.want(p.id)
}

// dropDescendants drops what waits for a record that can never attach, and what waits for that.
func (t *tx) dropDescendants(id protocol.ID) error {
	for queue := []protocol.ID{id}; len(queue) > 0; queue = queue[1:] {
		waiting, err := t.waitingFor(queue[0])
		if err != nil {
			return err
		}
		for _, seq := range waiting {
			p, err := t.takePending(seq)
			if err != nil {
				return err
			}
			t.meta.droppedPending++
			queue = append(queue, p.id)
		}
	}
	return nil
}

// missingOf adds to the result of a pending record which of its ancestors are wanted, as far as a bounded walk through
// its pending ancestors tells.
func (t *tx) missingOf(r *protocol.Record, result *Result) error {
	if result.State != Pending {
		return nil
	}
	seen := map[protocol.ID]bool{r.ID(): true}
	for queue, visits := []protocol.ID{r.ID()}, 0; len(queue) > 0 && visits < missingVisits; queue, visits = queue[1:], visits+1 {
		missing, err := t.waitsOf(queue[0])
		if err != nil {
			return err
		}
		for _, id := range missing {
			if seen[id] {
				continue
			}
			seen[id] = true
			wanted, err := t.one(nil, "SELECT 1 FROM wanted WHERE id = ?", id[:])
			switch {
			case err != nil:
				return err
			case !wanted:
				queue = append(queue, id)
			case len(result.Missing) < missingFound:
				result.Missing = append(result.Missing, id)
			}
		}
	}
	return nil
}

func (t *tx) waitsOf(id protocol.ID) (missing []protocol.ID, err error) {
	err = t.each(func(r *rows) error {
		missing = append(missing, protocol.ID(r.blob(0)))
		return nil
	}, "SELECT missing FROM waits WHERE seq = (SELECT seq FROM pending WHERE id = ?)", id[:])
	return missing, err
}
