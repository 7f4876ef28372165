package store

import "github.com/lf-store/lf/protocol"

// checkReputation checks a tip's mark: a datum is disreputable where its claim was not the first
// when it attached.
func (v *verifier) checkReputation(idx, reputable int64) error {
	r, err := headerOf(v.frame(idx))
	if err != nil {
		return nil //nolint:nilerr // was reported with the record
	}
	want := int64(1)
	if r.Type == protocol.TypeDatum {
		if v.reputations >= reputationsChecked {
			return nil
		}
		e := newEntry(r)
		if unknown, err := v.firstsUnknown(e.composite, idx); err != nil || unknown {
			return err
		}
		first, rows, err := v.wasReputable(e, idx, v.network)
		if err != nil {
			return err
		}
		if !first {
			want = 0
		}
		v.reputations += rows
	}
	if want == 0 && len(v.network.Authorities()) > 0 {
		return nil // a certificate may have vouched for it then
	}
	if reputable != want {
		v.problem("tip %d is marked with %d, want %d", idx, reputable, want)
	}
	return nil
}

// wasReputable reports whether a datum's claim was the first to its key at the moment it attached.
// It works that out from all versions that were attached by then, and returns how many these are. A
// claim that a release had withdrawn is not held against its owner.
func (c *conn) wasReputable(e *entry, idx int64, n *protocol.Network) (first bool, versions int, err error) {
	owner, err := c.ownerNumber(e.Owner)
	if err != nil {
		return false, 0, err
	}
	released := map[int64]int64{}
	sights := map[int64]firstSeen{}
	var data []keyed
	if err := c.eachVersion(versionsUnder(e.composite), func(v keyed) error {
		if v.idx > idx {
			return nil
		}
		if versions++; v.released {
			released[v.owner] = max(released[v.owner], v.timestamp)
		} else {
			data = append(data, v)
		}
		return nil
	}); err != nil {
		return false, versions, err
	}
	for _, v := range data {
		if v.timestamp <= released[v.owner] {
			continue
		}
		seen, err := c.seenOf(v.idx)
		if err != nil {
			return false, versions, err
		}
		if had, has := sights[v.owner]; seen > 0 && (!has || seen < had.seen) {
			sights[v.owner] = newFirstSeen(seen, v.timestamp, n)
		}
	}
	own, stands := sights[owner]
	for other, s := range sights {
		bothLate := own.late && s.late && own.timestamp*1000 <= s.seen
		if stands && other != owner && s.seen < own.seen && !bothLate {
			return false, versions, nil
		}
	}
	return true, versions, nil
}
