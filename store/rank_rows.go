package store

import (
	"database/sql/driver"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
)

// A key that many owners claim costs what a quiet one costs. Such a key is crowded. The table
// claims has a row for each owner's claim with all that the criteria compare, in the order of each.
// A query looks at the best rows only.
//
// The weight of a claim changes with every record that builds on it, so a row holds a bound
// instead. A new record adds its work at most once to any version. So the weight less the work of
// all records never grows by other records: the lead. It is written when the claim changes, and
// again when queries find it far too high. A claim whose versions nobody links has the same weight
// forever; its row is quiet and the lead is the weight itself. A claim whose versions change in a
// way that only takes weight from it keeps its lead.
//
// The price is a row and its index entries for each claim, written once with the claim's first
// version.

// crowdedKey is a row of the table crowded.
type crowdedKey struct {
	number, composite int64
	id                protocol.CompositeID
	claims, built     int64
}

// covers reports whether an owner's row is kept already.
func (k *crowdedKey) covers(owner int64) bool { return owner <= k.built }

// complete is crowdedKey.built when every row is there.
const complete = math.MaxInt64

// crowdedKeys returns the crowded keys with a prefix.
func (c *conn) crowdedKeys(composite int64) (list []crowdedKey, err error) {
	err = c.each(func(r *rows) error {
		k := crowdedKey{number: r.int(0), composite: composite, claims: r.int(2), built: r.int(3)}
		if copy(k.id[:], r.blob(1)) != len(k.id) {
			return errLayout
		}
		list = append(list, k)
		return nil
	}, "SELECT number, id, claims, built FROM crowded WHERE composite = ?", composite)
	return list, err
}

// crowdedKey returns one of these by its number.
func (c *conn) crowdedKey(number int64) (k crowdedKey, found bool, err error) {
	found, err = c.one(func(r *rows) {
		k = crowdedKey{number: number, composite: r.int(0), claims: r.int(2), built: r.int(3)}
		copy(k.id[:], r.blob(1))
	}, "SELECT composite, id, claims, built FROM crowded WHERE number = ?", number)
	return k, found, err
}

// claimRow is a row of the table claims.
type claimRow struct {
	crowd, owner         int64
	rank, quiet, lead    int64
	timestamp, idx, hash int64
	seen, late, said     int64
	careful              int64
}

// fallen is the rank of a claim that does not stand.
const fallen = -1

// unknownSight is claimRow.late where it is not kept when the claim was seen first.
const unknownSight = 2

const claimColumns = "crowd, owner, rank, quiet, lead, timestamp, idx, hash, seen, late, said, careful"

func (w *claimRow) fields() []*int64 {
	return []*int64{&w.crowd, &w.owner, &w.rank, &w.quiet, &w.lead, &w.timestamp, &w.idx, &w.hash, &w.seen, &w.late, &w.said, &w.careful}
}

func (w *claimRow) read(r *rows) {
	for i, f := range w.fields() {
		*f = r.int(i)
	}
}

func (w *claimRow) stands() bool { return w.rank >= 0 }

func (w *claimRow) firstSeen() firstSeen { return firstSeen{w.seen, w.said, w.late == 1} }

func (w *claimRow) see(s firstSeen) {
	w.seen, w.said, w.late = s.seen, s.timestamp, 0
	if s.late {
		w.late = 1
	}
}

// answers notes the answering version.
func (w *claimRow) answers(r *protocol.Record, idx int64) {
	hash := r.SignedHash()
	w.timestamp, w.idx, w.hash = int64(r.Timestamp), idx, prefix(hash[:])
}

// bound is the greatest weight that the claim can have while total is the work of all records.
func (w *claimRow) bound(total int64) int64 {
	if w.quiet == 1 {
		return w.lead
	}
	return max(0, w.lead+total)
}

// layoutRank puts certificates and objections into one number, the better the greater: 64 is as
// many oracles as a query may have.
func layoutRank(certified bool, objections int) int64 {
	rank := int64(maxOracles - objections)
	if certified {
		rank += maxOracles + 1
	}
	return rank
}

func readRank(rank int64) (certified bool, objections int) {
	if certified = rank > maxOracles; certified {
		rank -= maxOracles + 1
	}
	return certified, maxOracles - int(rank)
}

// claimRow returns the row of an owner.
func (c *conn) claimRow(crowd, owner int64) (w claimRow, found bool, err error) {
	found, err = c.one(w.read, "SELECT "+claimColumns+" FROM claims WHERE owner = ? AND crowd = ?", owner, crowd)
	return w, found, err
}

// writeClaim writes a row, which was there before if had is not nil, and counts.
func (t *tx) writeClaim(w claimRow, had *claimRow) error {
	if had != nil && *had == w {
		return nil
	}
	if (had != nil && had.stands()) != w.stands() {
		delta := int64(1)
		if !w.stands() {
			delta = -1
		}
		if t.newClaims == nil {
			t.newClaims = map[int64]int64{}
		}
		t.newClaims[w.crowd] += delta
	}
	args := make([]driver.Value, 0, 12)
	for _, f := range w.fields() {
		args = append(args, *f)
	}
	if had == nil {
		_, err := t.exec("INSERT INTO claims ("+claimColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", args...)
		return err
	}
	// SQLite leaves an index alone whose columns are not named.
	if had.rank == w.rank && had.timestamp == w.timestamp && had.hash == w.hash && had.seen == w.seen && had.late == w.late {
		_, err := t.exec("UPDATE claims SET quiet = ?, lead = ?, idx = ?, said = ?, careful = ? WHERE owner = ? AND crowd = ?",
			w.quiet, w.lead, w.idx, w.said, w.careful, w.owner, w.crowd)
		return err
	}
	_, err := t.exec(`UPDATE claims SET rank = ?, quiet = ?, lead = ?, timestamp = ?, idx = ?, hash = ?, seen = ?, late = ?, said = ?, careful = ?
		WHERE owner = ? AND crowd = ?`, append(args[2:], w.owner, w.crowd)...)
	return err
}

func integers(list []int64) []driver.Value {
	values := make([]driver.Value, len(list))
	for i, n := range list {
		values[i] = n
	}
	return values
}

// countClaims writes the counters of the claims that began or ended to stand.
func (t *tx) countClaims() error {
	for crowd, delta := range t.newClaims {
		if delta != 0 {
			if _, err := t.exec("UPDATE crowded SET claims = claims + ? WHERE number = ?", delta, crowd); err != nil {
				return err
			}
		}
	}
	clear(t.newClaims)
	return nil
}

// electedOracles returns those whose objections rank counts, sorted.
func (c *conn) electedOracles() (list []protocol.Owner, err error) {
	err = c.each(func(r *rows) error {
		if len(r.blob(0)) != len(protocol.Owner{}) {
			return errLayout
		}
		list = append(list, protocol.Owner(r.blob(0)))
		return nil
	}, "SELECT owner FROM elected ORDER BY owner")
	return list, err
}

// sortedOwners returns distinct owners, sorted.
func sortedOwners(list []protocol.Owner) []protocol.Owner {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b protocol.Owner) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(list)
}

// work is what all attached records have done together, those that the writer is about to commit
// included.
func (t *tx) work() int64 { return int64(min(t.dag.WorkUpTo(t.dag.Len()), math.MaxInt64)) }
