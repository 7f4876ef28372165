package store

import (
	"slices"

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
	if !t.store.waits.isAwaited(id) {
		return nil
	}
	t.store.waits.setWanted(id, false)
	more := true
	for more && t.told < settleSteps {
		waiting := t.store.waits.waiters(id, toldAtOnce)
		more = len(waiting) == toldAtOnce
		ready, err := t.unblock(id, waiting)
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

// unblock notes that what some pending records waited for is here, and returns those that now wait
// for nothing.
func (t *tx) unblock(id protocol.ID, waiting []int64) (ready []int64, err error) {
	t.told += len(waiting)
	for _, seq := range waiting {
		t.store.waits.removeWaiter(id, seq)
		links, err := t.missingLinks(seq)
		if err != nil {
			return nil, err
		}
		left := slices.DeleteFunc(slices.Clone(links), func(link protocol.ID) bool { return link == id })
		if len(left) == 0 || len(left) == len(links) { // the latter where the disk damaged the row
			ready = append(ready, seq)
			err = t.stopWaiting(seq, links)
		} else {
			t.meta.pendingBytes -= waitingLink
			_, err = t.exec("UPDATE waits SET links = ? WHERE seq = ?", joinIDs(left), seq)
		}
		if err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// settleLater leaves to a later transaction to tell the rest of those that wait for a record, if
// there are more.
func (t *tx) settleLater(id protocol.ID, invalid, more bool) error {
	if !more {
		return nil
	}
	if !t.store.waits.isAwaited(id) {
		return nil
	}
	t.store.waits.setWanted(id, false)
	flag := int64(0)
	if invalid {
		flag = 1
	}
	t.unsettled = true
	_, err := t.exec("INSERT OR REPLACE INTO settled VALUES (?, ?)", id[:], flag)
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
