package store

import (
	"database/sql/driver"

	"github.com/lf-store/lf/protocol"
)

// toldAtOnce is how many records that wait for one are told of it together.
const toldAtOnce = 32

// cascade attaches what waited for the attached records of a list, and what waited for those, and
// so on. It appends to the list and works along it: parents first, and no recursion, however long
// the chain. Where it is more than this transaction may do, the rest is left to later ones.
func (t *tx) cascade(attached *[]protocol.ID) error {
	for i := 0; i < len(*attached) && t.meta.pending > 0; i++ {
		if err := t.tell((*attached)[i], attached); err != nil {
			return err
		}
	}
	return nil
}

// tell tells the pending records that wait for an attached one that it is here, and attaches those
// that now wait for nothing.
func (t *tx) tell(id protocol.ID, attached *[]protocol.ID) error {
	if awaited, err := t.isAwaited(id); err != nil || !awaited {
		return err
	}
	if err := t.unwant(id); err != nil {
		return err
	}
	more := true
	for more && t.told < settleSteps {
		waiting, err := t.waitingFor(id)
		if err != nil {
			return err
		}
		more = len(waiting) == toldAtOnce
		ready, err := t.met(id, waiting)
		if err != nil {
			return err
		}
		for _, seq := range ready {
			id, err := t.attachPending(seq)
			if err != nil {
				return err
			}
			if id != (protocol.ID{}) {
				*attached = append(*attached, id)
			}
		}
	}
	return t.settleLater(id, false, more)
}

// met notes that what some pending records waited for is here, and returns those that now wait for
// nothing.
func (t *tx) met(id protocol.ID, waiting []int64) (ready []int64, err error) {
	if len(waiting) == 0 {
		return nil, nil
	}
	t.told += len(waiting)
	n, err := t.exec("DELETE FROM waits WHERE missing = ? AND seq BETWEEN 1 AND ?", id[:], waiting[len(waiting)-1])
	if err != nil {
		return nil, err
	}
	t.meta.pendingBytes -= n * waitingLink
	for _, seq := range waiting {
		n, err := t.exec("UPDATE pending SET unmet = unmet - 1 WHERE seq = ? AND unmet > 1", seq)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			ready = append(ready, seq)
		}
	}
	return ready, nil
}

// waitingFor returns the first of the pending records that wait for a record.
func (t *tx) waitingFor(id protocol.ID) (waiting []int64, err error) {
	err = t.each(func(r *rows) error {
		waiting = append(waiting, r.int(0))
		return nil
	}, "SELECT seq FROM waits WHERE missing = ? AND seq > 0 ORDER BY seq LIMIT ?", driver.Value(id[:]), int64(toldAtOnce))
	return waiting, err
}

// settleLater leaves to a later transaction to tell the rest of those that wait for a record, if
// there are more.
func (t *tx) settleLater(id protocol.ID, invalid, more bool) error {
	if !more {
		return nil
	}
	awaited, err := t.isAwaited(id)
	if err != nil || !awaited {
		return err
	}
	if err := t.unwant(id); err != nil {
		return err
	}
	flag := int64(0)
	if invalid {
		flag = 1
	}
	t.unsettled = true
	_, err = t.exec("INSERT OR REPLACE INTO settled VALUES (?, ?)", id[:], flag)
	return err
}

// settle goes on with what earlier transactions left, and reports whether that was all.
func (t *tx) settle() (all bool, err error) {
	for t.told < settleSteps {
		var id protocol.ID
		var invalid bool
		found, err := t.one(func(r *rows) { copy(id[:], r.blob(0)); invalid = r.int(1) == 1 }, "SELECT id, invalid FROM settled LIMIT 1")
		if err != nil || !found {
			return !found, err
		}
		t.told++
		if _, err := t.exec("DELETE FROM settled WHERE id = ?", id[:]); err != nil {
			return false, err
		}
		if invalid {
			err = t.drop(id)
		} else {
			err = t.cascade(&[]protocol.ID{id})
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// settle does the next portion of what is left to be settled, in a transaction of its own. Should
// that fail, as on a full disk, it is tried again after the next change that succeeds.
func (s *Store) settle() {
	var all bool
	err := s.transact(func(t *tx) (err error) {
		all, err = t.settle()
		return err
	})
	s.unsettled, s.stalled = err == nil && !all, err != nil
	if err != nil {
		s.options.Logger.Error("attach what waited", "error", s.explain(err))
	}
}
