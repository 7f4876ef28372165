package store

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// version is one version under some composite key, of some owner.
type version struct {
	timestamp, idx int64
	released       bool
}

// keyed is a version with the key it is under.
type keyed struct {
	composite, owner int64
	version
}

// versionRange is some versions that follow each other. Their order is that of the composite keys,
// then of the owners, then the newest first. Of one time data come before releases, and both are in
// the order of their indices.
type versionRange struct {
	shape rangeShape
	// releases leaves data out.
	releases         bool
	composite, owner int64
	since, until     int64
	idx              int64
}

type rangeShape int

const (
	allVersions rangeShape = iota // all that there are
	ofKey                         // under a composite key, of the owners after one
	ofOwner                       // of an owner under a composite key, between two times
	ofTime                        // an owner's data of one time after an index
)

// everyVersion is all versions.
func everyVersion() versionRange { return versionRange{} }

// versionsUnder are those under a composite key.
func versionsUnder(composite int64) versionRange { return versionsAfter(composite, math.MinInt64) }

// versionsAfter are those under a composite key of the owners after one.
func versionsAfter(composite, owner int64) versionRange {
	return versionRange{shape: ofKey, composite: composite, owner: owner}
}

// versionsBy are an owner's between two times, both included.
func versionsBy(composite, owner, since, until int64) versionRange {
	return versionRange{shape: ofOwner, composite: composite, owner: owner, since: since, until: until}
}

// dataAt are an owner's data of one time after an index.
func dataAt(composite, owner, timestamp, idx int64) versionRange {
	return versionRange{shape: ofTime, composite: composite, owner: owner, since: timestamp, idx: idx}
}

// releasesAfter are the releases under a composite key of the owners after one.
func releasesAfter(composite, owner int64) versionRange {
	return versionRange{shape: ofKey, releases: true, composite: composite, owner: owner}
}

// releasesBy are an owner's releases between two times, both included.
func releasesBy(composite, owner, since, until int64) versionRange {
	return versionRange{shape: ofOwner, releases: true, composite: composite, owner: owner, since: since, until: until}
}

// kind is which rows the range is of.
func (r *versionRange) kind() int {
	if r.releases {
		return kindReleases
	}
	return kindVersions
}

// bounds is where the range's rows are.
func (r *versionRange) bounds() (b runs.Range) {
	if r.shape == allVersions {
		return b
	}
	b.Prefix = append(make([]byte, 0, maxVersionRow), prefixBytes(r.composite)...)
	if r.shape == ofKey {
		if r.owner >= 0 {
			b.From = appendOwner(slices.Clone(b.Prefix), r.owner+1)
		}
		return b
	}
	b.Prefix = appendOwner(b.Prefix, r.owner)
	if r.shape == ofTime {
		b.Prefix = appendTime(b.Prefix, r.since, false)
		if r.idx >= 0 {
			b.From = binary.BigEndian.AppendUint32(slices.Clone(b.Prefix), uint32(r.idx+1))
		}
		return b
	}
	if r.until < math.MaxInt64 {
		b.From = appendBound(slices.Clone(b.Prefix), r.until)
	}
	if r.since > 0 {
		b.To = appendBound(slices.Clone(b.Prefix), r.since-1)
	}
	return b
}

// versionCursor goes through the versions of a range; it must be closed.
type versionCursor struct {
	known []keyed // that come before all others
	scan  *runs.Cursor
	old   *oldVersions // in a migration
	// at is the version that the last call of next came to.
	at keyed
}

// versions begins before the first version of a range.
func (c *conn) versions(in versionRange) (v versionCursor, err error) {
	if c.runs == nil {
		v.old, err = c.oldVersions(in, false)
		return v, err
	}
	if c.indexCache != nil && in.isWholeKey() {
		return c.versionsOfKey(in)
	}
	v.scan, err = c.scan(in.kind(), in.bounds())
	return v, err
}

// isWholeKey reports whether the range is all versions under a key.
func (r *versionRange) isWholeKey() bool { return r.shape == ofKey && !r.releases && r.owner <= 0 }

// versionsOfKey is versions for all that are under a key. It remembers them where they are few.
func (c *conn) versionsOfKey(in versionRange) (v versionCursor, err error) {
	if _, err := c.runsView(); err != nil { // which tells what the transaction sees
		return v, err
	}
	sees := snapshot{int64(c.seen), c.repairs}
	if list, found := c.indexCache.versionsUnder(in.composite, sees); found {
		return versionCursor{known: list}, nil
	}
	if v.scan, err = c.scan(in.kind(), in.bounds()); err != nil {
		return v, err
	}
	var list []keyed
	for len(list) <= fewVersions {
		more, err := v.next()
		if err != nil {
			return v, err
		}
		if !more {
			c.indexCache.addVersions(in.composite, sees, list)
			return versionCursor{known: list}, nil
		}
		list = append(list, v.at)
	}
	v.known = list
	return v, nil
}

func (v *versionCursor) next() (more bool, err error) {
	if len(v.known) > 0 {
		v.at, v.known = v.known[0], v.known[1:]
		return true, nil
	}
	if v.scan == nil && v.old == nil {
		return false, nil
	}
	if v.old != nil {
		v.at, more, err = v.old.next()
		return more, err
	}
	for {
		row, more, err := v.scan.Next()
		if err != nil || !more {
			return false, err
		}
		var ok bool
		if v.at, ok = readKeyed(row); ok { // the scrub removes one that is none
			return true, nil
		}
	}
}

func (v *versionCursor) close() {
	if v.old != nil {
		v.old.rows.close()
	}
}

// eachVersion calls do with every version of a range.
func (c *conn) eachVersion(in versionRange, do func(keyed) error) error {
	v, err := c.versions(in)
	if err != nil {
		return err
	}
	defer v.close()
	for {
		more, err := v.next()
		if err != nil || !more {
			return err
		}
		if err := do(v.at); err != nil {
			return err
		}
	}
}

// firstVersion returns the first version of a range, if there is one.
func (c *conn) firstVersion(in versionRange) (first keyed, found bool, err error) {
	err = ignoreStop(c.eachVersion(in, func(v keyed) error {
		first, found = v, true
		return errStop
	}))
	return first, found, err
}

// lastVersion returns the oldest version of a range of one owner's.
func (c *conn) lastVersion(in versionRange) (last keyed, found bool, err error) {
	if c.runs == nil {
		return c.lastOldVersion(in)
	}
	row, err := c.lastRow(in.kind(), in.bounds())
	if err == nil && row != nil {
		last, found = readKeyed(row)
	}
	return last, found, err
}

// haveSeveral reports whether a range has two versions or more.
func (c *conn) haveSeveral(in versionRange) (bool, error) {
	n := 0
	err := c.eachVersion(in, func(keyed) error {
		n++
		return stopUnless(n < 2, nil)
	})
	return n > 1, ignoreStop(err)
}

// hasVersion reports whether a version is there.
func (c *conn) hasVersion(v keyed) (bool, error) {
	return c.hasRow(kindVersions, appendKeyed(nil, v))
}

// unclaimed returns those of the composite keys under which there is no version.
func (t *tx) unclaimed(composites []int64) (map[int64]bool, error) {
	absent := make(map[int64]bool, len(composites))
	for _, composite := range composites {
		_, found, err := t.firstVersion(versionsUnder(composite))
		if err != nil {
			return nil, err
		}
		if !found {
			absent[composite] = true
		}
	}
	return absent, nil
}

// insertVersion adds a version that is new.
func (t *tx) insertVersion(v keyed) {
	t.store.indexCache.touch(v.composite, v.idx)
	row := appendKeyed(make([]byte, 0, maxVersionRow), v)
	t.runs.Add(kindVersions, uint32(v.idx), row)
	if v.released {
		t.runs.Add(kindReleases, uint32(v.idx), row)
	}
}

// versionRows calls yield with the row of a kind of versions that a record has. Where the number of
// its owner is lost there is none.
func (c *conn) versionRows(kind int, idx int64, e *entry, yield func(row []byte)) error {
	if len(e.rows) == 0 || kind == kindReleases && e.Type != protocol.TypeRelease {
		return nil
	}
	owner, err := c.ownerNumber(e.Owner)
	if err == nil && owner > 0 {
		yield(appendKeyed(make([]byte, 0, maxVersionRow), e.version(owner, idx)))
	}
	return err
}

// putVersion adds the rows of versions that a record lacks.
func (t *tx) putVersion(kind int, idx int64, e *entry) (err error) {
	var row []byte
	if err := t.versionRows(kind, idx, e, func(b []byte) { row = b }); err != nil || row == nil {
		return err
	}
	v, _ := readKeyed(row)
	if err := t.putRow(kind, idx, row); err != nil {
		return err
	}
	return t.reclaim(v.composite, v.owner)
}

// indexMissed keeps what follows from the versions of a key for one that was missing there. Another
// version may have taken itself for the only one meanwhile.
func (t *tx) indexMissed(idx int64, e *entry) error {
	if err := t.indexVersion(e, place{idx, int64(e.Timestamp)}); err != nil || len(e.rows) == 0 {
		return err
	}
	owner, err := t.conn.ownerNumber(e.Owner)
	if err != nil {
		return err
	}
	return t.reclaim(e.composite, owner)
}
