package store

import "github.com/lf-store/lf/protocol"

// sameTime is how many of an owner's versions with one timestamp refile reads. An owner may make
// any number of them. A lost row of a later one is restored by the scrub alone.
const sameTime = int64(64)

const findSameTime = "SELECT idx, id FROM versions JOIN dag USING (idx)" +
	" WHERE composite = ? AND owner = ? AND versions.timestamp = ? LIMIT ?"

// refile notices a record that is attached and that the index of IDs has lost: its row of versions
// leads to it. Without this it would attach a second time. It mends the index, and attaches what
// waited for the record.
func (t *tx) refile(e *entry, result *Result) (lost bool, err error) {
	if len(e.rows) == 0 || t.absences.unclaimed[e.composite] {
		return false, nil
	}
	owner, err := t.conn.ownerNumber(e.Owner)
	if err != nil {
		return false, err
	}
	id, found := e.ID(), int64(0)
	if err := t.each(func(r *rows) error {
		if string(r.blob(1)) == string(id[:]) {
			found = r.int(0)
		}
		return nil
	}, findSameTime, e.composite, owner, int64(e.Timestamp), sameTime); err != nil || found == 0 {
		return false, err
	}
	if _, err := t.exec("INSERT OR IGNORE INTO ids VALUES (?, ?)", prefix(id[:]), found); err != nil {
		return false, err
	}
	t.changes.Repaired = true
	t.damage.mend(found, "a row of ids")
	delete(t.absences.unattached, prefix(id[:]))
	*result = Result{Outcome: Known, State: Attached, Index: uint64(found)}
	attached := []protocol.ID{id}
	if err := t.cascade(&attached); err != nil {
		return false, err
	}
	result.Attached = attached[1:]
	return true, nil
}

// checkNewest applies the rule of timestamps to those in the links' own headers.
func (t *tx) checkNewest(e *entry, parents []place) error {
	var newest uint64
	for _, p := range parents {
		r, err := headerOf(t.frame(p.idx))
		if err != nil {
			return err
		}
		newest = max(newest, r.Timestamp)
	}
	return protocol.CheckLinked(&e.Header, newest)
}
