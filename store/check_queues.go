package store

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// checkPending checks that each pending record is nowhere else and waits for just those of its
// links that are not attached.
func (v *verifier) checkPending() error {
	return v.each(func(r *rows) error {
		seq := r.int(0)
		v.summary.Pending++
		record := v.decode("pending record", seq, r.blob(2), r.blob(3))
		if record == nil {
			return nil
		}
		id := record.ID()
		if string(r.blob(1)) != string(id[:]) {
			v.problem("pending record %d is filed under another ID than its own", seq)
		}
		if paid := v.network.Paid(record); paid != (r.int(4) == 0) {
			v.problem("pending record %s: whether it carries the full price is %v, the row says otherwise", id, paid)
		}
		if err := v.checkAlone("pending", id, "SELECT 1 FROM held WHERE id = ?"); err != nil {
			return err
		}
		return v.checkLinksOf(seq, record)
	}, "SELECT seq, id, header, value, unpaid FROM pending ORDER BY seq")
}

// checkLinksOf checks that a pending record waits for those of its links that are not attached. It
// also waits for an attached one that it is still to be told of.
func (v *verifier) checkLinksOf(seq int64, r *protocol.Record) error {
	var have []byte
	if _, err := v.one(func(r *rows) { have = r.blob(0) }, "SELECT links FROM waits WHERE seq = ?", seq); err != nil {
		return err
	}
	if err := v.ctx.Err(); err != nil {
		return err
	}
	waits := splitIDs(have)
	var links []protocol.ID
	for _, link := range r.Links {
		attached, err := v.index(link)
		if err != nil {
			return err
		}
		awaited := slices.Contains(waits, link)
		untold := false
		if attached != 0 && awaited {
			if untold, err = v.isSettled(link); err != nil {
				return err
			}
		}
		if awaited {
			links = append(links, link)
		}
		if (attached == 0 || untold) != awaited {
			v.problem("pending record %s: its link %s is at %d, waited for: %v", r.ID(), link, attached, awaited)
		}
	}
	if len(links) == 0 || !bytes.Equal(have, joinIDs(links)) {
		v.problem("pending record %s waits for %x, of which its links are %x", r.ID(), have, joinIDs(links))
	}
	return nil
}

// checkWaits checks that there are no rows in waits but those of pending records.
func (v *verifier) checkWaits() error {
	return v.each(func(r *rows) error {
		v.problem("a record that is not pending, number %d, waits for %x", r.int(0), r.blob(1))
		return nil
	}, "SELECT seq, links FROM waits WHERE seq NOT IN (SELECT seq FROM pending)")
}

// checkIndex compares what the writer knows in memory of pending records with the tables. It runs
// in the writer's turn.
func (t *tx) checkIndex() (problems []string, err error) {
	have, want := t.store.waits, newWaitIndex()
	want.seeds = have.seeds
	if _, err := want.load(t.conn); err != nil {
		return nil, err
	}
	if !maps.Equal(have.pending, want.pending) || have.last < want.last {
		problems = append(problems, fmt.Sprintf("in memory %d records are pending, up to number %d; in the database %d, up to %d",
			len(have.pending), have.last, len(want.pending), want.last))
	}
	for _, list := range []struct {
		what       string
		have, want map[waitKey]int64
	}{{"wanted", have.wanted, want.wanted}, {"waited for and here", have.present, want.present}} {
		if !maps.Equal(list.have, list.want) {
			problems = append(problems, fmt.Sprintf("in memory %d records are %s, in the database %d, or other ones", len(list.have), list.what, len(list.want)))
		}
	}
	if !maps.EqualFunc(have.several, want.several, slices.Equal) {
		problems = append(problems, fmt.Sprintf("in memory several records wait for each of %d, in the database for %d, or others do",
			len(have.several), len(want.several)))
	}
	return problems, nil
}

// checkSettled checks that what pending records are still to be told is so.
func (v *verifier) checkSettled() error {
	return v.each(func(r *rows) error {
		id := protocol.ID(r.blob(0))
		idx, err := v.index(id)
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
	attached, err := v.index(id)
	if err != nil {
		return err
	}
	twice, err := v.one(nil, other, id[:])
	if attached != 0 || twice {
		v.problem("%s record %s is here a second time", what, id)
	}
	return err
}
