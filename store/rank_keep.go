package store

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// keepClaim keeps the row of the claim that a new version is of. It is called when the version is
// in all other tables.
func (t *tx) keepClaim(e *entry, at place) error {
	if e.alone || len(e.rows) == 0 {
		return nil
	}
	var keys []crowdedKey
	if !t.noneCrowded {
		var err error
		if keys, err = t.crowdedKeys(e.composite); err != nil {
			return err
		}
	}
	owner, err := t.ownerNumber(e.Owner)
	if err != nil {
		return err
	}
	id, known := e.CompositeID(), false
	for i := range keys {
		k := &keys[i]
		if k.id == id {
			known = true
		}
		switch {
		case !k.covers(owner):
		case k.id == id:
			err = t.keepVersion(k, owner, e, at)
		default: // a key with the same prefix: the owner's versions there are mixed with those here
			err = t.rewriteClaim(k, owner)
		}
		if err != nil {
			return err
		}
	}
	if known || e.Type != protocol.TypeDatum {
		return nil
	}
	return t.crowdKey(e)
}

// crowdKey begins to keep rows for a key that has become crowded.
func (t *tx) crowdKey(e *entry) error {
	crowded, err := t.one(nil, "SELECT 1 FROM firsts WHERE composite = ? LIMIT 1 OFFSET ?", e.composite, int64(t.store.options.tuning.crowded-1))
	if err != nil || !crowded {
		return err
	}
	return t.addCrowded(e.composite, e.CompositeID())
}

func (t *tx) addCrowded(composite int64, id protocol.CompositeID) error {
	if _, err := t.exec("INSERT OR IGNORE INTO crowded (composite, id, claims, built) VALUES (?, ?, 0, 0)", composite, id[:]); err != nil {
		return err
	}
	number, err := t.number("SELECT number FROM crowded WHERE id = ?", id[:])
	if err != nil {
		return err
	}
	_, err = t.buildClaims(number)
	return err
}

// keepVersion keeps the row of a claim with a new version, and reads no records unless it has to.
func (t *tx) keepVersion(k *crowdedKey, owner int64, e *entry, at place) error {
	had, found, err := t.claimRow(k.number, owner)
	if err != nil {
		return err
	}
	had.crowd, had.owner = k.number, owner
	if e.Type == protocol.TypeDatum {
		if _, err := t.exec("INSERT OR IGNORE INTO unlinked VALUES (?, ?, ?)", at.idx, k.number, owner); err != nil {
			return err
		}
	}
	simple, err := t.isSimple(k, &had, found, e, at)
	if err != nil {
		return err
	}
	if !simple {
		return t.rewriteClaim(k, owner)
	}
	if !found {
		w := claimRow{crowd: k.number, owner: owner, quiet: 1, lead: weightOf(e)}
		w.answers(e.Record, at.idx)
		w.see(newFirstSeen(e.seen, at.timestamp, t.store.network))
		if w.rank, err = t.rankOf(k, e.Owner, &w); err != nil {
			return err
		}
		return t.writeClaim(w, nil)
	}
	return t.extendClaim(k, had, e, at)
}

// isSimple reports whether the row follows from what it was and the new version: all of the owner's
// versions count.
func (t *tx) isSimple(k *crowdedKey, had *claimRow, found bool, e *entry, at place) (bool, error) {
	if len(t.store.network.Authorities()) > 0 {
		if hiding, err := t.anyRevoked(); err != nil || hiding {
			if err != nil || t.store.network.NeedsCertificate(e.Record) {
				return false, err
			}
		}
	}
	if !found { // a release, or strangers before it
		another, err := t.one(nil, "SELECT 1 FROM versions WHERE composite = ? AND owner = ? AND idx <> ? LIMIT 1", k.composite, had.owner, at.idx)
		return e.Type == protocol.TypeDatum && !another, err
	}
	return had.stands() && had.careful == 0 && had.late != unknownSight && at.timestamp != had.timestamp, nil
}

// extendClaim changes the row of a claim that stands for a new version with another time than the
// answering one.
func (t *tx) extendClaim(k *crowdedKey, had claimRow, e *entry, at place) (err error) {
	w := had
	if e.Type == protocol.TypeRelease {
		if at.timestamp < had.timestamp {
			return t.rewriteClaim(k, had.owner)
		}
		w.rank, w.late = fallen, noSight
		return t.writeClaim(w, &had)
	}
	release, err := t.number(`SELECT timestamp FROM versions INDEXED BY releases WHERE composite = ? AND owner = ? AND released = 1
		ORDER BY timestamp DESC LIMIT 1`, k.composite, had.owner)
	if err != nil || release >= at.timestamp { // there are no times before 1970
		return err
	}
	w.lead = max(w.lead, weightOf(e)-t.workUnless(w.quiet))
	if s := newFirstSeen(e.seen, at.timestamp, t.store.network); s.seen < w.seen {
		w.see(s)
	}
	if at.timestamp > had.timestamp {
		w.answers(e.Record, at.idx)
		if w.rank, err = t.rankOf(k, e.Owner, &w); err != nil {
			return err
		}
	}
	return t.writeClaim(w, &had)
}

func (t *tx) workUnless(quiet int64) int64 {
	if quiet == 1 {
		return 0
	}
	return t.work()
}

// noSight is claimRow.late where no claim stands.
const noSight = 3

// weightOf is a new record's weight: nothing builds on it yet.
func weightOf(e *entry) int64 { return int64(workOf(e.Record)) }

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

// linkClaims says of the claims whose versions a new record is the first to link that their weight
// changes from now on.
func (t *tx) linkClaims(e *entry, parents []place) error {
	t.linking = parents
	if t.noneCrowded {
		return nil
	}
	for _, p := range parents {
		var crowd, owner int64
		found, err := t.one(func(r *rows) { crowd, owner = r.int(0), r.int(1) }, "SELECT crowd, owner FROM unlinked WHERE idx = ?", p.idx)
		if err != nil || !found {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := t.exec("DELETE FROM unlinked WHERE idx = ?", p.idx); err != nil {
			return err
		}
		had, found, err := t.claimRow(crowd, owner)
		if err != nil {
			return err
		}
		if !found || had.quiet == 0 {
			continue
		}
		w := had
		w.quiet = 0
		if w.stands() {
			w.lead += weightOf(e) - t.work()
		}
		if err := t.writeClaim(w, &had); err != nil {
			return err
		}
	}
	return nil
}

// rowMeter works out rows of one crowded key, as the full ranking of a query does.
type rowMeter struct {
	*ranking
	key  *crowdedKey
	none bool // the owner measured last has no version
}

func (t *tx) newRowMeter(k *crowdedKey) (*rowMeter, error) {
	x := t.store.newSearch(context.Background(), Query{})
	if err := x.begin(t.conn); err != nil {
		return nil, err
	}
	m, err := newRowMeter(x, k)
	if err == nil {
		m.writing = true
	}
	return m, err
}

func newRowMeter(x *search, k *crowdedKey) (m *rowMeter, err error) {
	rk := &ranking{search: x, keyMatch: keyMatch{composite: k.composite, id: &k.id}}
	rk.oracles, err = x.electedOracles()
	return &rowMeter{ranking: rk, key: k}, err
}

// measure works out the row of an owner. The lead is the weight, and quiet is 1 where the claim has
// a single version.
func (m *rowMeter) measure(owner int64) (w claimRow, err error) {
	w = claimRow{crowd: m.key.number, owner: owner, rank: fallen, late: noSight}
	m.budget = rowBudget
	versions, mixed, err := m.look32(owner)
	if err != nil {
		return w, err
	}
	if m.none = versions == 0; mixed {
		w.careful = 1
	}
	if versions == 1 {
		w.quiet = 1
	}
	c := &candidate{ownerVersions: ownerVersions{owner: owner}}
	if c.ownerVersions, err = m.newestOf(m.composite, owner, false); err != nil || len(c.versions) == 0 {
		return w, err
	}
	m.careful, m.budget = true, math.MaxInt
	if stands, err := m.newestStanding(c); err != nil || !stands {
		return w, err
	}
	m.careful = mixed
	w.answers(c.claim.Record, int64(c.claim.Index))
	if w.rank, err = m.rank(c); err != nil {
		return w, err
	}
	if err := m.weigh(c, &w); err != nil {
		return w, err
	}
	return w, m.noteFirstSeen(c, &w)
}

// look32 looks at an owner's versions and reports whether some do not count. Where they are many it
// takes that for granted.
func (m *rowMeter) look32(owner int64) (count int, mixed bool, err error) {
	err = m.versionsOf(m.composite, owner, 0, math.MaxInt64, func(v version) (bool, error) {
		if count++; count > versionsRead {
			mixed = true
			return false, nil
		}
		r, err := m.visible(v.idx)
		mixed = mixed || r == nil
		return !mixed || count < 2, err
	})
	return count, mixed, err
}

func (m *rowMeter) rank(c *candidate) (int64, error) {
	by, err := m.certs.certified(c.claim.Owner, int64(c.claim.Index), int64(c.claim.Record.Timestamp))
	if err != nil {
		return 0, err
	}
	objections, err := m.certs.objections(m.oracles, m.key.id, c.claim.Owner)
	return layoutRank(by > 0, objections), err
}

// weigh finds the weight of a claim's heaviest version. Where that takes too long, the row says
// only that there is no bound.
func (m *rowMeter) weigh(c *candidate, w *claimRow) error {
	m.budget = rowBudget
	err := m.measureWeight(c)
	w.lead = int64(min(c.standing.Weight, math.MaxInt64))
	if errors.Is(err, ErrTooBroad) {
		w.lead, err = int64(min(m.dag.WorkUpTo(m.dag.Len()), math.MaxInt64)), nil
		w.quiet = 0
	}
	return err
}

// noteFirstSeen finds out when a claim was seen first.
func (m *rowMeter) noteFirstSeen(c *candidate, w *claimRow) error {
	m.budget = rowBudget
	err := m.measureFirstSeen(c)
	if errors.Is(err, ErrTooBroad) {
		w.late = unknownSight
		return nil
	}
	w.see(c.firstSeen)
	return err
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
