package store

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/dag"
)

// errStranger says that a version which the index proposed is of another composite key with the
// same prefix.
var errStranger = errors.New("a version of another composite key")

// answer adds a candidate to the answers, unless no claim on it is left.
func (x *search) answer(k keyMatch) error {
	a, ranked, err := x.ranked(k)
	if err == nil && !ranked {
		a, err = x.claims(k, x.hiding)
	}
	if errors.Is(err, errStranger) {
		a, err = x.claims(k, true) // strangers may have hidden versions of this key: look at all
	}
	if a.Damaged = asDamaged(err); a.Damaged != nil {
		a.Composite = x.compositeOf(k)
	} else if err != nil || a.Total == 0 {
		return err
	}
	if len(x.answers.Keys) == x.limit {
		x.answers.More = true
		return nil
	}
	a.Ordinals = k.ordinals
	copy(a.Prefix[:], prefixBytes(k.composite))
	if a.Damaged == nil {
		a.Composite = a.Claims[0].Record.CompositeID()
	}
	x.answers.Keys = append(x.answers.Keys, a)
	return nil
}

// compositeOf returns the ID of a candidate's key as far as the query names its selectors.
func (x *search) compositeOf(k keyMatch) (id protocol.CompositeID) {
	if len(k.points) != len(x.query.Where) {
		return id
	}
	points := make([]protocol.SelectorPoint, len(x.query.Where))
	for i, w := range x.query.Where {
		points[i] = protocol.SelectorPoint{Key: w.Key, Ordinal: k.ordinals[i]}
	}
	return protocol.CompositeOf(points)
}

// claims ranks the claims on a key. Where it is careful, it believes no row of an index before it
// has read the record, and seen that it is not hidden. Otherwise it reads the records whose
// contents it needs, and the best.
func (x *search) claims(k keyMatch, careful bool) (Answer, error) {
	rk := &ranking{search: x, keyMatch: k, careful: careful}
	if err := rk.loadClaims(); err != nil || len(rk.candidates) == 0 {
		return Answer{}, err
	}
	claims, err := rk.decide()
	return Answer{Claims: claims, Total: len(rk.candidates)}, err
}

// ranking is the claims on one composite key while they are ranked.
type ranking struct {
	*search
	keyMatch
	careful      bool
	candidates   []*candidate
	earliestSeen *earliestSeen
	// upTo is the last record that counts in weights; 0: all, those included that came after the
	// transaction began.
	upTo int
	// writing says that it is the writer who asks: its rows are ahead of what meta says.
	writing bool
}

// weight returns the weight of an attached record.
func (rk *ranking) weight(idx int64) uint64 {
	if rk.upTo > 0 {
		return rk.dag.WeightUpTo(dag.Index(idx), rk.upTo)
	}
	return rk.conn.weight(idx)
}

// candidate is a claim while it is ranked: what is known of it so far.
type candidate struct {
	ownerVersions
	claim     *Claim // nil until a record was needed
	standing  protocol.Standing
	known     uint // a bit for each criterion that was measured
	firstSeen firstSeen
}

// loadClaims finds the claims.
func (rk *ranking) loadClaims() error {
	groups, err := rk.newestVersions(rk.composite)
	if err != nil {
		return err
	}
	for _, g := range groups {
		c := &candidate{ownerVersions: g}
		stands := !slices.ContainsFunc(g.versions, func(v version) bool { return v.released })
		if rk.careful {
			if stands, err = rk.newestStanding(c); err != nil {
				return err
			}
		}
		if stands {
			rk.candidates = append(rk.candidates, c)
		}
	}
	return nil
}

// newestStanding loads the claim's newest visible version and reports whether the claim still
// stands: no later release withdraws it.
func (rk *ranking) newestStanding(c *candidate) (stands bool, err error) {
	if gone, err := rk.isGone(c); gone || err != nil {
		return false, err
	}
	var best *Version
	released := false
	time := int64(math.MaxInt64)
	err = rk.versionsOf(rk.composite, c.owner, rk.since, rk.until, func(v version) (bool, error) {
		if v.timestamp < time && (released || best != nil) {
			return false, nil
		}
		time = v.timestamp
		r, err := rk.visible(v.idx)
		switch {
		case err != nil || r == nil:
			return true, err
		case v.released:
			released = true
		case best == nil || compareVersions(Version{Record: r}, *best) > 0:
			best = rk.newVersion(r, v)
		}
		return true, nil
	})
	if err != nil || released || best == nil {
		return false, err
	}
	c.claim = &Claim{Owner: best.Record.Owner, Version: *best}
	return true, nil
}

// isGone reports whether nothing of an owner's is to be seen, without walking it. That is so where
// all records need a certificate, and all of the owner's have been revoked.
func (rk *ranking) isGone(c *candidate) (bool, error) {
	if !rk.hiding || !rk.network.Params().AuthRequired {
		return false, nil
	}
	r, err := rk.read(c.versions[0].idx)
	if err != nil {
		return false, err
	}
	return rk.certs.allRevoked(r.Owner)
}

// visible returns the record of a version, nil if it is a stranger's or hidden.
func (rk *ranking) visible(idx int64) (*protocol.Record, error) {
	r, err := rk.read(idx)
	if err != nil || !rk.isOf(rk.keyMatch, r) {
		return nil, err
	}
	if rk.hiding {
		if hidden, err := rk.certs.isHidden(r, idx); err != nil || hidden {
			return nil, err
		}
	}
	return r, nil
}

// newVersion shows a version whose record was read.
func (rk *ranking) newVersion(r *protocol.Record, v version) *Version {
	return &Version{Record: r, Index: uint64(v.idx), Weight: rk.shownWeight(v.idx), Damaged: rk.damaged[v.idx], row: v}
}

// shownWeight is a record's weight, 0 where the query does not ask for it.
func (rk *ranking) shownWeight(idx int64) uint64 {
	if rk.query.SkipWeights {
		return 0
	}
	return rk.weight(idx)
}

// read returns an attached record, for its price. Claims are ranked by headers, so one without its
// value is good enough.
func (x *search) read(idx int64) (*protocol.Record, error) {
	if err := x.spend(1); err != nil {
		return nil, err
	}
	if r := x.query.Known[uint64(idx)]; r != nil {
		return r, nil
	}
	r, err := x.cached(idx)
	if d := asDamaged(err); d != nil && d.Record != nil {
		if x.damaged == nil {
			x.damaged = map[int64]*DamagedError{}
		}
		x.damaged[idx] = d
		return d.Record, nil
	}
	return r, err
}

// load reads a claim's answer.
func (rk *ranking) load(c *candidate) error {
	if c.claim != nil {
		return nil
	}
	var best Version
	for _, v := range c.versions {
		r, err := rk.read(v.idx)
		if err != nil {
			return err
		}
		if !rk.isOf(rk.keyMatch, r) {
			return errStranger
		}
		// a claim that was released is not asked for its answer
		if int64(r.Timestamp) != v.timestamp || r.Type != protocol.TypeDatum {
			rk.damage.noteIndex(v.idx, "a row of versions")
			return &DamagedError{ID: r.ID(), Index: uint64(v.idx), Record: r}
		}
		if this := (Version{Record: r, Index: uint64(v.idx), Damaged: rk.damaged[v.idx], row: v}); best.Record == nil || compareVersions(this, best) > 0 {
			best = this
		}
	}
	best.Weight = rk.shownWeight(int64(best.Index))
	c.claim = &Claim{Owner: best.Record.Owner, Version: best}
	return nil
}

// timestamp is that of a claim's answer.
func (c *candidate) timestamp() int64 {
	if c.claim != nil {
		return int64(c.claim.Record.Timestamp)
	}
	return c.versions[0].timestamp
}

// compareVersions orders by timestamp, then by signed hash, and twins by ID. The signed hash is the
// owner's own: by ID alone, a stranger who pays for a twin could decide again between two owners.
func compareVersions(a, b Version) int {
	if c := cmp.Compare(a.Time(), b.Time()); c != 0 {
		return c
	}
	if a.Record == nil || b.Record == nil { // what can be read comes first
		return cmp.Or(readable(a)-readable(b), cmp.Compare(a.Index, b.Index))
	}
	x, y := a.Record.SignedHash(), b.Record.SignedHash()
	return cmp.Or(bytes.Compare(x[:], y[:]), a.Record.ID().Compare(b.Record.ID()))
}

func (v *Version) released() bool {
	if v.Record == nil {
		return v.row.released
	}
	return v.Record.Type == protocol.TypeRelease
}

func readable(v Version) int {
	if v.Record == nil {
		return 0
	}
	return 1
}

// collapseTwins leaves the first of all versions with the same signed bytes.
func collapseTwins(versions []Version) []Version {
	if len(versions) < 2 {
		return versions
	}
	seen := make(map[[32]byte]bool, len(versions))
	return slices.DeleteFunc(versions, func(v Version) bool {
		if v.Record == nil {
			return false
		}
		h := v.Record.SignedHash()
		was := seen[h]
		seen[h] = true
		return was
	})
}

// isOf decides by the record itself whether it is of a candidate that the index's prefixes
// proposed.
func (x *search) isOf(k keyMatch, r *protocol.Record) bool {
	if k.id != nil {
		return r.CompositeID() == *k.id
	}
	if !slices.Equal(pointsOf(r.Selectors), k.points) {
		return false
	}
	for i, w := range x.query.Where {
		if !slices.ContainsFunc(r.Selectors, func(s protocol.Selector) bool { return s.Key == w.Key && s.Ordinal == k.ordinals[i] }) {
			return false
		}
	}
	return true
}
