package store

import (
	"bytes"
	"errors"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// checkTrust works out from the records what claims are ranked by, and compares.
func (v *verifier) checkTrust() error {
	for _, step := range []func() error{
		v.checkClaims, v.checkLateReleases, v.checkSaid, v.checkRows,
		func() error { return v.checkCount("roots", v.roots) },
		func() error { return v.checkCount("firsts", v.firsts) },
		func() error { return v.checkCount("carriers", v.carriers) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) checkCount(table string, want int64) error {
	have, err := v.number("SELECT count(*) FROM " + table)
	if err == nil && have != want {
		v.problem("%s has %d rows, %d of them for something", table, have, want)
	}
	return err
}

// checkClaims goes through the versions claim by claim.
func (v *verifier) checkClaims() error {
	var claim []keyed
	flush := func() error {
		if len(claim) == 0 {
			return nil
		}
		several, err := v.haveSeveral(versionsUnder(claim[0].composite))
		if err != nil || !several {
			return err
		}
		return v.checkClaim(claim)
	}
	if err := v.eachVersion(everyVersion(), func(k keyed) error {
		if len(claim) > 0 && (claim[0].composite != k.composite || claim[0].owner != k.owner) {
			if err := flush(); err != nil {
				return err
			}
			claim = claim[:0]
		}
		claim = append(claim, k)
		return v.ctx.Err()
	}); err != nil {
		return err
	}
	return flush()
}

// checkClaim checks one owner's versions under one key. In each epoch, a version is a root or has
// one in its past, unless the epoch is to be walked. It also checks what is kept of the version
// that was seen first.
func (v *verifier) checkClaim(claim []keyed) error {
	slices.SortFunc(claim, func(a, b keyed) int { return int(min(1, max(-1, a.timestamp-b.timestamp))) })
	roots, walks, err := v.rootsOf(claim)
	if err != nil {
		return err
	}
	ends := epochsOf(claim)
	first, known := firstSeen{seen: math.MaxInt64}, true
	for _, k := range claim {
		if k.released {
			continue
		}
		ep := epochIn(ends, k.timestamp)
		if ep.end == math.MaxInt64 {
			s, err := v.firstSeenOf(k.idx, k.timestamp, v.network)
			if err != nil {
				return err
			}
			if s.seen < first.seen {
				first = s
			}
			known = known && !walks[ep.start]
		}
		if !walks[ep.start] && !v.covered(k, ep, roots) {
			v.problem("version %d is not in roots, and no root of its claim is in its past", k.idx)
		}
	}
	return v.checkFirst(claim[0], first, known)
}

// epochsOf returns the times of releases, ascending and distinct.
func epochsOf(claim []keyed) (ends []int64) {
	for _, k := range claim {
		if k.released && (len(ends) == 0 || ends[len(ends)-1] != k.timestamp) {
			ends = append(ends, k.timestamp)
		}
	}
	return ends
}

func epochIn(ends []int64, timestamp int64) epoch {
	ep := wholeTime
	i, _ := slices.BinarySearch(ends, timestamp)
	if i < len(ends) {
		ep.end = ends[i]
	}
	if i > 0 {
		ep.start = ends[i-1]
	}
	return ep
}

// rootsOf returns what is kept of a claim: its roots, oldest first, and the releases after which
// epochs are to be walked.
func (v *verifier) rootsOf(claim []keyed) (roots []keyed, walks map[int64]bool, err error) {
	walks = map[int64]bool{}
	ends := epochsOf(claim)
	err = v.each(func(r *rows) error {
		v.roots++
		k := keyed{claim[0].composite, claim[0].owner, version{r.int(0), r.int(1), r.int(2) != 0}}
		v.checkLead(k, r.int(4), r.int(5))
		if ep := epochIn(ends, k.timestamp); k.released && r.int(3) != k.timestamp || !k.released && r.int(3) != ep.start && !walks[ep.start] {
			v.problem("roots has record %d in an epoch that is not its own", k.idx)
		}
		if !slices.Contains(claim, k) {
			v.problem("roots has a row for record %d that is no such version", k.idx)
		}
		if k.released {
			walks[k.timestamp] = true
		} else {
			roots = append(roots, k)
		}
		return nil
	}, "SELECT timestamp, idx, walk, epoch, quiet, lead FROM roots WHERE composite = ? AND owner = ? ORDER BY timestamp, idx", claim[0].composite, claim[0].owner)
	return roots, walks, err
}

// checkLateReleases checks that what late releases left to do is what roots is marked with.
func (v *verifier) checkLateReleases() error {
	return v.each(func(r *rows) error {
		v.problem("roots and late_releases do not agree whether the versions before release %d of owner %d on %d were looked at", r.int(2), r.int(1), r.int(0))
		return v.ctx.Err()
	}, `SELECT * FROM (SELECT composite, owner, timestamp FROM roots WHERE walk = 1
			EXCEPT SELECT composite, owner, timestamp FROM late_releases WHERE done = 0)
		UNION SELECT * FROM (SELECT composite, owner, timestamp FROM late_releases WHERE done = 0
			EXCEPT SELECT composite, owner, timestamp FROM roots WHERE walk = 1)`)
}

// checkLead checks that what roots says of a root's weight is a bound, and that nothing links a
// quiet one.
func (v *verifier) checkLead(k keyed, quiet, lead int64) {
	if k.released {
		if quiet != 0 || lead != math.MaxInt64 {
			v.problem("roots does not say first that what is before release %d is to be walked", k.idx)
		}
		return
	}
	weight, upTo := int64(0), int(v.meta.attached)
	if k.idx > 0 && k.idx <= v.meta.attached {
		weight = int64(min(v.dag.WeightUpTo(dag.Index(k.idx), upTo), math.MaxInt64))
	}
	switch {
	case quiet == 1 && v.linked.has(k.idx):
		v.problem("roots says that nothing links record %d", k.idx)
	case quiet == 1 && lead != weight:
		v.problem("root %d has weight %d, roots says %d", k.idx, weight, lead)
	case quiet != 1 && lead+int64(min(v.dag.WorkUpTo(upTo), math.MaxInt64)) < weight:
		v.problem("root %d has weight %d, roots has lead %d", k.idx, weight, lead)
	}
}

// covered reports whether a version is a root or has one of its epoch in its past. It gives up
// after many comparisons.
func (v *verifier) covered(k keyed, ep epoch, roots []keyed) bool {
	if slices.Contains(roots, k) {
		return true
	}
	for _, root := range roots {
		if root.timestamp <= ep.start || root.timestamp > ep.end {
			continue
		}
		if v.compared++; v.compared > ancestorsChecked || v.isAncestor(root.idx, k.idx) {
			return true
		}
	}
	return false
}

func (v *verifier) checkFirst(of keyed, want firstSeen, known bool) error {
	have, found, err := v.firstOf(of.composite, of.owner, v.network)
	if err != nil {
		return err
	}
	late := int64(0)
	if found {
		v.firsts++
		if late, err = v.number("SELECT late FROM firsts WHERE composite = ? AND owner = ?", of.composite, of.owner); err != nil {
			return err
		}
	}
	switch stands := want.seen < math.MaxInt64; {
	case found != (stands && known):
		v.problem("the claim of owner %d on %d is in firsts: %v, want %v", of.owner, of.composite, found, !found)
	case found && (have != want || (late == 1) != want.late):
		v.problem("the claim of owner %d on %d was seen first at %d, firsts says %d", of.owner, of.composite, want.seen, have.seen)
	}
	return nil
}

// checkSaid goes through the records that say something of others: each is in the tables, or what
// it says is.
func (v *verifier) checkSaid() error {
	return v.eachStored(0, math.MaxInt64, func(idx int64, row stored) error {
		record, err := headerOf(v.verified(idx, row))
		if err != nil {
			return ignoreDamage(err) // reported with the record
		}
		e := &entry{Record: record}
		if err := v.ctx.Err(); err != nil {
			return err
		}
		switch record.Type {
		case protocol.TypeCommentary:
			return v.checkWords(e, idx)
		case protocol.TypeCertificate:
			return v.checkChains(e, idx)
		case protocol.TypeRevocation:
			return v.checkRevocations(e, idx)
		}
		return nil
	})
}

func (v *verifier) checkWords(e *entry, idx int64) error {
	for _, w := range wordRows(e, idx) {
		have, found, err := v.word(w.topic, w.owner)
		if err != nil {
			return err
		}
		later := found
		if found {
			if later, err = v.later(e.Record, have); err != nil && !errors.Is(err, errLayout) {
				return err
			}
		}
		if !found || later {
			v.problem("a word of commentary %d on %s is missing in words, or an older one is there", idx, w.owner)
		}
	}
	return nil
}

func (v *verifier) checkChains(e *entry, idx int64) error {
	list := chainRows(v.network, e, idx)
	for _, row := range list {
		n, err := v.number("SELECT count(*) FROM certificates WHERE owner = ? AND authority = ? AND chain = ?", row.owner[:], row.authority, row.chain)
		if err != nil {
			return err
		}
		own, err := v.one(nil, "SELECT 1 FROM certificates WHERE owner = ? AND authority = ? AND chain = ? AND own >= ?", row.owner[:], row.authority, row.chain, row.own)
		if err != nil {
			return err
		}
		if n != 1 || !own {
			v.problem("the chain of certificate %d has %d rows for authority %d in certificates, or not that it is the owner's", idx, n, row.authority)
		}
	}
	carries, err := v.one(nil, "SELECT 1 FROM carriers WHERE idx = ?", idx)
	if err != nil {
		return err
	}
	if carries {
		v.carriers++
		right, err := v.one(nil, "SELECT 1 FROM carriers WHERE idx = ? AND owner = ? AND chain = ?", idx, chainOwner(list), chainID(list))
		if err != nil {
			return err
		}
		carries = right
	}
	if carries != (len(list) > 1) {
		v.problem("certificate %d is not right in carriers", idx)
	}
	return nil
}

func chainOwner(list []chainRow) []byte {
	if len(list) == 0 {
		return []byte{}
	}
	return list[0].owner[:]
}

func chainID(list []chainRow) []byte {
	if len(list) == 0 {
		return []byte{}
	}
	return list[0].chain
}

func (v *verifier) checkRevocations(e *entry, idx int64) error {
	for _, row := range revocationRows(v.network, e, idx) {
		said := false
		if err := v.each(func(r *rows) error {
			have := revocationRow{row.issue, r.int(0), r.int(1), r.int(2)}
			said = said || have.says().Covers(row.says()) && (have.idx == idx || v.isAncestor(have.idx, idx))
			return nil
		}, "SELECT own, since, idx FROM revocations WHERE issuer = ? AND serial = ?", row.issuer[:], []byte(row.serial)); err != nil {
			return err
		}
		if !said {
			v.problem("an entry of revocation %d is not in revocations", idx)
		}
	}
	return nil
}

// checkRows checks that each row is what its record says.
func (v *verifier) checkRows() error {
	back := func(table string, idx int64, says func(*entry) bool) error {
		record, err := v.frame(idx)
		if err == nil && !says(&entry{Record: record}) {
			v.problem("%s has a row for record %d that it does not say", table, idx)
		}
		return v.ctx.Err() // what cannot be read was reported with the record
	}
	if err := v.each(func(r *rows) error {
		return back("words", r.int(3), func(e *entry) bool {
			return slices.ContainsFunc(wordRows(e, r.int(3)), func(w wordRow) bool {
				return bytes.Equal(w.topic[:], r.blob(0)) && bytes.Equal(w.owner[:], r.blob(1)) && w.timestamp == r.int(2) && w.objects == (r.int(4) == 1)
			})
		})
	}, "SELECT topic, owner, timestamp, idx, objects FROM words"); err != nil {
		return err
	}
	if err := v.each(func(r *rows) error {
		return back("certificates", r.int(7), func(e *entry) bool {
			return slices.ContainsFunc(chainRows(v.network, e, r.int(7)), func(c chainRow) bool {
				return bytes.Equal(c.owner[:], r.blob(0)) && c.authority == r.int(1) && c.own == r.int(2) && bytes.Equal(c.chain, r.blob(3)) && c.issuer == r.int(4) &&
					c.since == r.int(5) && c.until == r.int(6) && bytes.Equal(appendIssues(nil, c.issues), r.blob(8))
			})
		})
	}, "SELECT owner, authority, own, chain, issuer, since, until, idx, issues FROM certificates"); err != nil {
		return err
	}
	return v.each(func(r *rows) error {
		return back("revocations", r.int(4), func(e *entry) bool {
			return slices.ContainsFunc(revocationRows(v.network, e, r.int(4)), func(w revocationRow) bool {
				return bytes.Equal(w.issuer[:], r.blob(0)) && w.serial == string(r.blob(1)) && w.own == r.int(2) && w.since == r.int(3)
			})
		})
	}, "SELECT issuer, serial, own, since, idx FROM revocations")
}
