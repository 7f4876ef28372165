package store

import (
	"slices"

	"github.com/lf-store/lf/protocol"
)

// rankOf returns what certificates and the elected oracles say of a claim.
func (t *tx) rankOf(k *crowdedKey, owner protocol.Owner, w *claimRow) (int64, error) {
	cc := t.certChecker()
	by, err := cc.certified(owner, w.idx, w.timestamp)
	if err != nil {
		return 0, err
	}
	elected, err := t.electedOracles()
	if err != nil {
		return 0, err
	}
	objections, err := cc.objections(elected, k.id, owner)
	return layoutRank(by > 0, objections), err
}

// rewriteClaim works out the row of an owner from the other tables.
func (t *tx) rewriteClaim(k *crowdedKey, owner int64) error {
	m, err := t.newRowMeter(k)
	if err != nil {
		return err
	}
	return t.rewriteWith(m, owner)
}

func (t *tx) rewriteWith(m *rowMeter, owner int64) error {
	had, found, err := t.claimRow(m.key.number, owner)
	if err != nil {
		return err
	}
	w, err := m.measure(owner)
	if asDamaged(err) != nil {
		return t.postpone(m.key.number, owner)
	}
	if err != nil {
		return err
	}
	if m.none && !found {
		return nil
	}
	if w.quiet == 1 {
		quiet, err := t.isUnlinked(w.idx)
		if err != nil {
			return err
		}
		if quiet {
			_, err = t.exec("INSERT OR IGNORE INTO unlinked VALUES (?, ?, ?)", w.idx, w.crowd, w.owner)
		} else {
			w.quiet = 0
		}
		if err != nil {
			return err
		}
	}
	if w.quiet == 0 && w.stands() {
		w.lead -= t.work()
	}
	if found {
		return t.writeClaim(w, &had)
	}
	return t.writeClaim(w, nil)
}

// isUnlinked reports whether no attached record links one.
func (t *tx) isUnlinked(idx int64) (bool, error) {
	if slices.ContainsFunc(t.linking, func(p place) bool { return p.idx == idx }) {
		return false, nil // still among the tips
	}
	if _, ok := t.newTips[idx]; ok || idx == t.meta.attached {
		return true, nil
	}
	if idx > t.was.attached {
		return false, nil
	}
	return t.one(nil, "SELECT 1 FROM tips WHERE reputable IN (0, 1) AND past = ? AND idx = ?", t.past(idx), idx)
}

// rewriteOwner works out an owner's rows again, whose certificates a revocation may have reached.
func (t *tx) rewriteOwner(owner protocol.Owner) error {
	return t.eachRowOf(owner, func(k *crowdedKey, w *claimRow) error { return t.rewriteClaim(k, w.owner) })
}

// rerankOwner does so where only the owner's certificates are others.
func (t *tx) rerankOwner(owner protocol.Owner) error {
	return t.eachRowOf(owner, func(k *crowdedKey, had *claimRow) (err error) {
		if !had.stands() {
			return nil
		}
		w := *had
		if w.rank, err = t.rankOf(k, owner, &w); err != nil {
			return err
		}
		return t.writeClaim(w, had)
	})
}

func (t *tx) eachRowOf(owner protocol.Owner, do func(*crowdedKey, *claimRow) error) error {
	number, err := t.conn.ownerNumber(owner)
	if err != nil || number == 0 {
		return err
	}
	var list []claimRow
	if err := t.each(func(r *rows) error {
		var w claimRow
		w.read(r)
		list = append(list, w)
		return nil
	}, "SELECT "+claimColumns+" FROM claims WHERE owner = ?", number); err != nil {
		return err
	}
	for i := range list {
		k, _, err := t.crowdedKey(list[i].crowd)
		if err == nil {
			err = do(&k, &list[i])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepWords counts the objections against the claims that a commentary of an elected oracle is
// about.
func (t *tx) keepWords(e *entry) error {
	elected, err := t.one(nil, "SELECT 1 FROM elected WHERE owner = ?", e.Owner[:])
	if err != nil || !elected {
		return err
	}
	for _, word := range e.Words() {
		number, err := t.number("SELECT number FROM crowded WHERE id = ?", word.Composite[:])
		if err != nil {
			return err
		}
		if number == 0 {
			continue
		}
		owner, err := t.conn.ownerNumber(word.Owner)
		if err != nil {
			return err
		}
		had, found, err := t.claimRow(number, owner)
		if err != nil {
			return err
		}
		if !found || !had.stands() {
			continue
		}
		w := had
		if w.rank, err = t.rankOf(&crowdedKey{id: word.Composite}, word.Owner, &w); err != nil {
			return err
		}
		if err := t.writeClaim(w, &had); err != nil {
			return err
		}
	}
	return nil
}
