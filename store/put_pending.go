package store

import (
	"github.com/lf-store/lf/protocol"
)

// pend makes a record wait for the links that are missing.
func (t *tx) pend(e *entry, missing []protocol.ID, result *Result) error {
	size, unpaid := waitingSize(e.Record), int64(0)
	if !t.store.network.Paid(e.Record) {
		unpaid = 1
	}
	room, err := t.makeRoom(size+int64(len(missing))*waitingLink, unpaid == 1)
	if err != nil {
		return err
	}
	if !room {
		*result = Result{Outcome: Refused, Err: ErrPendingFull}
		t.meta.droppedPending++
		return t.want(e.ID())
	}
	id := e.ID()
	seq := t.store.waits.addPending(id)
	if err := t.insertLater(intoPending, seq, id[:], e.HeaderBytes(), e.ValueBytes(), t.see(), unpaid); err != nil {
		return err
	}
	t.meta.pending++
	t.meta.pendingBytes += size
	wanted, err := t.wait(seq, id, missing)
	if err != nil {
		return err
	}
	// The missing links of its pending ancestors were told when these came. To look for them again
	// would cost the writer milliseconds a record, and a copy that begins with the children
	// minutes.
	*result = Result{Outcome: Pending, State: Pending, Missing: wanted}
	return nil
}

// waitingSize is what a record that waits takes on the disk, but for what it waits for.
func waitingSize(r *protocol.Record) int64 { return int64(r.WireSize()) + waitingRow }

// taken is a pending record that was removed.
type taken struct {
	id protocol.ID
	// record is nil where the disk damaged it. Then it is as if it had never come, and the records
	// that wait for it want it again.
	record *protocol.Record
	seen   int64 // when it was first seen
}

// takePending removes a pending record that waits for nothing any more. It reports whether there is
// one of that number.
func (t *tx) takePending(seq int64) (p taken, found bool, err error) {
	var s stored
	found, err = t.one(func(r *rows) { s.read(r, 0); p.seen = r.int(3) },
		"SELECT id, header, value, seen FROM pending WHERE seq = ?", seq)
	if err != nil || !found {
		return p, false, err
	}
	copy(p.id[:], s.id)
	if p.record, err = verify(s); err != nil {
		t.forgetDamaged(p.id)
	}
	return p, true, t.removePending(seq, p.id, int64(len(s.header)+len(s.value)))
}

func (t *tx) forgetDamaged(id protocol.ID) {
	t.store.options.Logger.Error("this node's disk damaged a record that waited for an ancestor; it is forgotten", "record", id)
}

// forgetLost forgets pending records of which the disk lost what they wait for.
func (t *tx) forgetLost(lost []int64) error {
	for _, seq := range lost {
		id, err := t.dropPending(seq)
		if err != nil {
			return err
		}
		t.forgetDamaged(id)
		if err := t.want(id); err != nil {
			return err
		}
	}
	return nil
}

// dropPending drops a pending record, which may wait for something.
func (t *tx) dropPending(seq int64) (id protocol.ID, err error) {
	size := int64(0)
	if found, err := t.one(func(r *rows) { copy(id[:], r.blob(0)); size = r.int(1) },
		"SELECT id, length(header) + coalesce(length(value), 0) FROM pending WHERE seq = ?", seq); err != nil || !found {
		return id, err
	}
	links, err := t.missingLinks(seq)
	if err != nil {
		return id, err
	}
	if err := t.stopWaiting(seq, links); err != nil {
		return id, err
	}
	t.meta.droppedPending++
	return id, t.removePending(seq, id, size)
}

// removePending deletes a row of the table pending; size is that of its header and value.
func (t *tx) removePending(seq int64, id protocol.ID, size int64) error {
	t.store.waits.removePending(id, seq)
	t.meta.pending--
	t.meta.pendingBytes -= size + waitingRow
	_, err := t.exec("DELETE FROM pending WHERE seq = ?", seq)
	return err
}

// makeRoom drops pending records until there is room for one more of this size. Those that are not
// known to be paid go first: they cost their makers little, and displace none that is paid. It
// reports whether there is room.
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

// evict drops a pending record. The records that wait for it go on waiting.
func (t *tx) evict(seq int64) error {
	id, err := t.dropPending(seq)
	if err != nil {
		return err
	}
	return t.want(id)
}

// drop drops the records that wait for ones that can never attach, and those that wait for them, as
// many as this transaction may. The rest is left to later ones.
func (t *tx) drop(queue ...protocol.ID) error {
	for ; len(queue) > 0; queue = queue[1:] {
		more := true
		for more && t.told < settleSteps {
			waiting := t.store.waits.waiters(queue[0], toldAtOnce)
			for _, seq := range waiting {
				t.store.waits.removeWaiter(queue[0], seq) // also where the disk damaged its row
				id, err := t.dropPending(seq)
				if err != nil {
					return err
				}
				t.told += 1 + protocol.MaxLinks/4
				queue = append(queue, id)
			}
			more = len(waiting) == toldAtOnce
		}
		if err := t.settleLater(queue[0], true, more); err != nil {
			return err
		}
	}
	return nil
}
