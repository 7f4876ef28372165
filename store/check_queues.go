package store

import "github.com/lf-store/lf/protocol"

// checkPending checks that each pending record is nowhere else and waits for just those of its
// links that are not attached.
func (v *verifier) checkPending() error {
	return v.each(func(r *rows) error {
		seq := r.int(0)
		v.summary.Pending++
		record := v.decode("pending record", seq, r.blob(3), r.blob(4))
		if record == nil {
			return nil
		}
		id := record.ID()
		if string(r.blob(1)) != string(id[:]) {
			v.problem("pending record %d is filed under another ID than its own", seq)
		}
		if paid := v.network.Paid(record); paid != (r.int(5) == 0) {
			v.problem("pending record %s: whether it carries the full price is %v, the row says otherwise", id, paid)
		}
		if err := v.checkAlone("pending", id, "SELECT 1 FROM held WHERE id = ?"); err != nil {
			return err
		}
		unmet := int64(0)
		for _, link := range record.Links {
			attached, err := v.lookUp(link)
			if err != nil {
				return err
			}
			waits, err := v.one(nil, "SELECT 1 FROM waits WHERE missing = ? AND seq = ?", link[:], seq)
			if err != nil {
				return err
			}
			settled := false
			if attached != 0 && waits { // it is still to be told
				if settled, err = v.isSettled(link); err != nil {
					return err
				}
			}
			if waits {
				unmet++
			}
			if (attached == 0 || settled) != waits {
				v.problem("pending record %s: its link %s is at %d, waited for: %v", id, link, attached, waits)
			}
		}
		if unmet == 0 || unmet != r.int(2) {
			v.problem("pending record %s waits for %d records, and says %d", id, unmet, r.int(2))
		}
		v.waits += unmet
		return v.ctx.Err()
	}, "SELECT seq, id, unmet, header, value, unpaid FROM pending ORDER BY seq")
}

// checkWaits checks that there are no other rows in waits than those that checkPending found.
func (v *verifier) checkWaits() error {
	if n, err := v.number("SELECT count(*) FROM waits WHERE seq <> 0"); err != nil || n != v.waits {
		v.problem("pending records wait for %d records, and have %d rows in waits", v.waits, n)
	}
	return v.each(func(r *rows) error {
		v.problem("a record that is not pending, number %d, waits for %x", r.int(1), r.blob(0))
		return nil
	}, "SELECT missing, seq FROM waits WHERE seq <> 0 AND seq NOT IN (SELECT seq FROM pending)")
}

// checkSettled checks that what pending records are still to be told is so.
func (v *verifier) checkSettled() error {
	return v.each(func(r *rows) error {
		id := protocol.ID(r.blob(0))
		idx, err := v.lookUp(id)
		if err == nil && (idx != 0) != (r.int(1) == 0) {
			v.problem("record %s is at %d; what waits for it is to be told that it is invalid: %v", id, idx, r.int(1) != 0)
		}
		return err
	}, "SELECT id, invalid FROM settled")
}

func (v *verifier) checkHeld() error {
	return v.each(func(r *rows) error {
		v.summary.Held++
		record := v.decode("held record", int64(v.summary.Held), r.blob(2), r.blob(3))
		if record == nil {
			return nil
		}
		id := record.ID()
		if string(r.blob(0)) != string(id[:]) || r.int(1) <= 0 {
			v.problem("held record %s is filed under another ID, or for no time", id)
		}
		if paid := v.network.Paid(record); paid != (r.int(4) == 0) {
			v.problem("held record %s: whether it carries the full price is %v, the row says otherwise", id, paid)
		}
		return v.checkAlone("held", id, "SELECT 1 FROM pending WHERE id = ?")
	}, "SELECT id, until, header, value, unpaid FROM held")
}

// checkAlone checks that a record that is not attached is in one queue only.
func (v *verifier) checkAlone(what string, id protocol.ID, other string) error {
	attached, err := v.lookUp(id)
	if err != nil {
		return err
	}
	twice, err := v.one(nil, other, id[:])
	if attached != 0 || twice {
		v.problem("%s record %s is here a second time", what, id)
	}
	return err
}

// checkWanted checks that wanted lists what is waited for and not here.
func (v *verifier) checkWanted() error {
	for _, s := range []struct{ what, sql string }{
		{"is wanted, though nothing waits for it or it is here", `SELECT missing FROM waits WHERE seq = 0 AND (
			missing NOT IN (SELECT missing FROM waits WHERE seq <> 0) OR missing IN (SELECT id FROM pending) OR missing IN (SELECT id FROM held)
			OR missing IN (SELECT id FROM settled))`},
		{"is waited for and not here, and not wanted", `SELECT DISTINCT missing FROM waits WHERE seq <> 0
			AND missing NOT IN (SELECT missing FROM waits WHERE seq = 0) AND missing NOT IN (SELECT id FROM pending)
			AND missing NOT IN (SELECT id FROM held) AND missing NOT IN (SELECT id FROM settled)`},
	} {
		if err := v.each(func(r *rows) error {
			v.problem("record %x %s", r.blob(0), s.what)
			return nil
		}, s.sql); err != nil {
			return err
		}
	}
	return nil
}
