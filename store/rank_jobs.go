package store

import (
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// The writer does what takes long in the table claims a portion at a time. It writes the rows of a
// key that was crowded before rows were kept. It looks again at rows that a revocation reaches. It
// counts objections when other oracles are elected. It finds the roots after late releases
// (rank_late.go). The work left to do is in the database, so a restart goes on with it. Until it is
// done, queries that depend on it rank all claims.

// rankStep does a portion of what is left to do and reports whether there is more.
func (t *tx) rankStep() (more bool, err error) {
	crowd, err := t.number("SELECT number FROM crowded WHERE built < ? LIMIT 1", int64(complete))
	if err != nil {
		return false, err
	}
	if crowd > 0 {
		_, err := t.buildClaims(crowd)
		return true, err
	}
	for after := int64(0); ; {
		var j rankJob
		found, err := t.one(j.read, "SELECT job, issuer, serial, owner, crowd, late, seen, number FROM rank_jobs WHERE job > ? ORDER BY job LIMIT 1", after)
		if err != nil {
			return false, err
		}
		if !found {
			return t.lateStep()
		}
		went, err := t.advance(&j)
		if went || err != nil {
			return went, err
		}
		after = j.job
	}
}

// advance does a portion of a job and reports whether that was possible.
func (t *tx) advance(j *rankJob) (went bool, err error) {
	done := false
	switch {
	case j.issuer == nil:
		done, err = t.recount(j)
	case len(j.issuer) == 0:
		done, err = t.retry(j)
		if err == nil && !done {
			return false, nil
		}
	default:
		done, err = t.recheck(j)
	}
	if err != nil {
		return false, err
	}
	if done {
		_, err = t.exec("DELETE FROM rank_jobs WHERE job = ?", j.job)
	} else {
		_, err = t.exec("UPDATE rank_jobs SET owner = ?, crowd = ?, late = ?, seen = ?, number = ? WHERE job = ?", j.owner, j.crowd, j.late, j.seen, j.number, j.job)
	}
	return true, err
}

// rankJob is a row of the table rank_jobs.
type rankJob struct {
	job                       int64
	issuer, serial, owner     []byte
	crowd, late, seen, number int64
}

func (j *rankJob) read(r *rows) {
	j.job, j.issuer, j.serial, j.owner = r.int(0), slices.Clone(r.blob(1)), slices.Clone(r.blob(2)), slices.Clone(r.blob(3))
	j.crowd, j.late, j.seen, j.number = r.int(4), r.int(5), r.int(6), r.int(7)
}

// buildClaims writes rows for the next owners of a crowded key and reports whether all are there.
func (t *tx) buildClaims(number int64) (done bool, err error) {
	t.noneCrowded = false
	t.store.ranker.noneCrowded.Store(false) // before a query can see the key
	k, _, err := t.crowdedKey(number)
	if err != nil {
		return false, err
	}
	m, err := t.newRowMeter(&k)
	if err != nil {
		return false, err
	}
	for range t.store.options.tuning.rankPortion {
		next, found, err := t.firstVersion(versionsAfter(k.composite, k.built))
		if err != nil {
			return false, err
		}
		if !found {
			k.built = complete
			break
		}
		if err := t.rewriteWith(m, next.owner); err != nil {
			return false, err
		}
		k.built = next.owner
	}
	if _, err = t.exec("UPDATE crowded SET built = ? WHERE number = ?", k.built, number); k.built < complete {
		t.store.ranker.wake()
	}
	return k.built == complete, err
}

// revokedIssue works out again what a revocation of a certificate may have changed, or begins to.
func (t *tx) revokedIssue(i issue) error {
	j := rankJob{issuer: i.issuer[:], serial: []byte(i.serial), owner: []byte{}}
	if done, err := t.recheck(&j); err != nil || done {
		return err
	}
	t.store.ranker.wake()
	_, err := t.exec("INSERT INTO rank_jobs (issuer, serial, owner, crowd, late, seen, number) VALUES (?, ?, ?, 0, 0, 0, 0)", j.issuer, j.serial, j.owner)
	return err
}

// recheck works out again the rows of the next owners of chains with a revoked certificate.
func (t *tx) recheck(j *rankJob) (done bool, err error) {
	var owners []protocol.Owner
	limit := t.store.options.tuning.rankPortion
	if err := t.each(func(r *rows) error {
		if len(r.blob(0)) != len(protocol.Owner{}) {
			return errLayout
		}
		owners = append(owners, protocol.Owner(r.blob(0)))
		return nil
	}, "SELECT owner FROM issued WHERE issuer = ? AND serial = ? AND owner > ? ORDER BY owner LIMIT ?", j.issuer, j.serial, j.owner, int64(limit)); err != nil {
		return false, err
	}
	for _, o := range owners {
		if err := t.rewriteOwner(o); err != nil {
			return false, err
		}
		j.owner = o[:]
	}
	return len(owners) < limit, nil
}

// postpone leaves a row for later: records that it follows from are damaged. Until they are
// repaired queries rank all claims.
func (t *tx) postpone(crowd, owner int64) error {
	known, err := t.one(nil, "SELECT 1 FROM rank_jobs WHERE issuer = x'' AND crowd = ? AND number = ?", crowd, owner)
	if err != nil || known {
		return err
	}
	_, err = t.exec("INSERT INTO rank_jobs (issuer, serial, crowd, late, seen, number) VALUES (x'', x'', ?, 0, 0, ?)", crowd, owner)
	return err
}

// retry works out a row that was left for later.
func (t *tx) retry(j *rankJob) (done bool, err error) {
	k, found, err := t.crowdedKey(j.crowd)
	if err != nil || !found {
		return true, err
	}
	m, err := t.newRowMeter(&k)
	if err != nil {
		return false, err
	}
	if _, err := m.measure(j.number); err != nil {
		return false, ignoreDamage(err)
	}
	return true, t.rewriteWith(m, j.number)
}

// reclaim works out the rows of an owner again whose versions are others than the tables said.
func (t *tx) reclaim(composite, owner int64) error {
	keys, err := t.crowdedKeys(composite)
	if err != nil {
		return err
	}
	for i := range keys {
		if err := t.rewriteClaim(&keys[i], owner); err != nil {
			return err
		}
	}
	return nil
}

// rebuildClaims has all rows worked out again, because the graph was wrong.
func (t *tx) rebuildClaims() error {
	t.store.ranker.wake()
	_, err := t.exec("UPDATE crowded SET built = 0")
	return err
}

// elect counts the objections of other oracles from now on.
func (t *tx) elect(oracles []protocol.Owner) error {
	have, err := t.electedOracles()
	if err != nil || slices.Equal(have, oracles) {
		return err
	}
	if _, err := t.exec("DELETE FROM elected"); err != nil {
		return err
	}
	for _, o := range oracles {
		if _, err := t.exec("INSERT INTO elected VALUES (?)", o[:]); err != nil {
			return err
		}
	}
	if _, err := t.exec("DELETE FROM rank_jobs WHERE issuer IS NULL"); err != nil {
		return err
	}
	_, err = t.exec("INSERT INTO rank_jobs (crowd, late, seen, number) VALUES (0, ?, 0, 0)", int64(noSight))
	return err
}

// recount counts the objections against the next claims, in the order of the index claims_seen. A
// claim that moves there meanwhile is counted when it does.
func (t *tx) recount(j *rankJob) (done bool, err error) {
	var list []claimRow
	limit := t.store.options.tuning.rankPortion
	if err := t.each(func(r *rows) error {
		var w claimRow
		w.read(r)
		list = append(list, w)
		return nil
	}, "SELECT "+claimColumns+` FROM claims INDEXED BY claims_seen WHERE crowd = ? AND (late, seen, owner) > (?, ?, ?) AND late < ?
		ORDER BY late, seen, owner LIMIT ?`, j.crowd, j.late, j.seen, j.number, int64(noSight), int64(limit)); err != nil {
		return false, err
	}
	for i := range list {
		if err := t.recountRow(&list[i]); err != nil {
			return false, err
		}
	}
	if len(list) > 0 {
		last := &list[len(list)-1]
		j.late, j.seen, j.number = last.late, last.seen, last.owner
	}
	if len(list) == limit {
		return false, nil
	}
	j.crowd, err = t.number("SELECT number FROM crowded WHERE number > ? ORDER BY number LIMIT 1", j.crowd)
	j.late, j.seen, j.number = 0, math.MinInt64, 0
	return j.crowd == 0, err
}

func (t *tx) recountRow(had *claimRow) error {
	k, _, err := t.crowdedKey(had.crowd)
	if err != nil {
		return err
	}
	r, err := headerOf(t.frame(had.idx))
	if asDamaged(err) != nil {
		return t.postpone(had.crowd, had.owner)
	}
	if err != nil {
		return err
	}
	w := *had
	if w.rank, err = t.rankOf(&k, r.Owner, &w); err != nil {
		return err
	}
	return t.writeClaim(w, had)
}

// refresh lowers the leads of the best claims of a rank by their weights now, until the best has
// the lead that its row says. It reports whether it is there.
func (t *tx) refresh(stale staleRank) (done bool, err error) {
	k, found, err := t.crowdedKey(stale.crowd)
	if err != nil || !found {
		return true, err
	}
	m, err := t.newRowMeter(&k)
	if err != nil {
		return false, err
	}
	total := t.work()
	for range t.store.options.tuning.rankPortion {
		var had claimRow
		found, err := t.one(had.read, "SELECT "+claimColumns+` FROM claims INDEXED BY claims_weight WHERE crowd = ? AND rank = ? AND quiet = 0
			ORDER BY lead DESC, timestamp DESC, hash DESC LIMIT 1`, stale.crowd, stale.rank)
		if err != nil || !found {
			return true, err
		}
		w := had
		m.careful = had.careful == 1
		if err := m.weigh(&candidate{ownerVersions: ownerVersions{owner: had.owner}}, &w); err != nil {
			return false, err
		}
		w.quiet = 0
		if w.lead -= total; w.lead >= had.lead {
			return true, nil
		}
		if err := t.writeClaim(w, &had); err != nil {
			return false, err
		}
	}
	return false, nil
}
