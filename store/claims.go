package store

import (
	"slices"

	"github.com/lf-store/lf/protocol"
)

// version is a row of the table versions under one composite key and owner.
type version struct {
	timestamp, idx int64
	released       bool
}

// answer adds a candidate to the answers, unless no claim on it is left.
func (x *search) answer(k candidate) error {
	claims, err := x.claims(k)
	if err != nil || len(claims) == 0 {
		return err
	}
	if len(x.answers.Keys) == x.limit {
		x.answers.More = true
		return nil
	}
	x.answers.Keys = append(x.answers.Keys, Answer{Composite: claims[0].Record.CompositeID(), Ordinals: k.ordinals, Claims: claims})
	return nil
}

// claims returns the ranked claims on a candidate; without history only the best, without its older versions.
func (x *search) claims(k candidate) ([]Claim, error) {
	groups, err := x.gather(k.composite, x.query.History)
	if err != nil {
		return nil, err
	}
	var claims []Claim
	var strangers bool
	if _, newest := x.ranker.(Newest); newest && !x.query.History {
		claims, strangers, err = x.newest(k, groups)
	} else {
		claims, strangers, err = x.loadAll(k, groups)
	}
	if err == nil && strangers && !x.query.History {
		// Another composite key has the same prefix, and may have hidden versions of this one: look at all.
		if groups, err = x.gather(k.composite, true); err == nil {
			claims, _, err = x.loadAll(k, groups)
		}
	}
	if err != nil || len(claims) == 0 {
		return nil, err
	}
	x.ranker.Rank(claims)
	if !x.query.History {
		claims = claims[:1]
		claims[0].Older = nil
	}
	return claims, nil
}

func (x *search) loadAll(k candidate, groups [][]version) (claims []Claim, strangers bool, err error) {
	for _, group := range groups {
		claim, odd, err := x.load(k, group)
		if err != nil {
			return nil, false, err
		}
		strangers = strangers || odd
		if claim != nil {
			claims = append(claims, *claim)
		}
	}
	return claims, strangers, nil
}

// newest reads only the claims that can be the newest one.
func (x *search) newest(k candidate, groups [][]version) (best []Claim, strangers bool, err error) {
	slices.SortFunc(groups, func(a, b []version) int { return int(min(1, max(-1, b[0].timestamp-a[0].timestamp))) })
	for _, group := range groups {
		if len(best) > 0 && group[0].timestamp < int64(best[0].Record.Timestamp) {
			break
		}
		if len(group) == 1 && group[0].released {
			continue
		}
		claim, odd, err := x.load(k, group)
		if err != nil || odd {
			return nil, odd, err
		}
		if claim != nil {
			best = append(best, *claim)
		}
	}
	return best, false, nil
}

// load reads the versions of one owner's claim: sorted, twins collapsed, and cut at the newest release. It returns
// nil when nothing is left, and reports whether there were records of another composite key among them.
func (x *search) load(k candidate, group []version) (claim *Claim, strangers bool, err error) {
	versions := make([]Version, 0, len(group))
	for _, v := range group {
		r, err := x.record(v.idx)
		if err != nil {
			return nil, false, err
		}
		if err := x.spend(1); err != nil {
			return nil, false, err
		}
		if !x.isOf(k, r) {
			strangers = true
			continue
		}
		versions = append(versions, Version{r, uint64(v.idx)})
	}
	slices.SortFunc(versions, func(a, b Version) int { return compareVersions(b, a) })
	versions = claimed(versions)
	if versions = collapseTwins(versions); len(versions) == 0 {
		return nil, strangers, nil
	}
	return &Claim{Owner: versions[0].Record.Owner, Version: versions[0], Older: versions[1:]}, strangers, nil
}

// claimed cuts versions, the newest first, where a release withdraws them: those of its own time and before.
func claimed(versions []Version) []Version {
	release := slices.IndexFunc(versions, func(v Version) bool { return v.Record.Type == protocol.TypeRelease })
	if release < 0 {
		return versions
	}
	at := versions[release].Record.Timestamp
	return versions[:slices.IndexFunc(versions, func(v Version) bool { return v.Record.Timestamp <= at })]
}

// collapseTwins leaves the first of all versions with the same signed bytes.
func collapseTwins(versions []Version) []Version {
	if len(versions) < 2 {
		return versions
	}
	seen := make(map[[32]byte]bool, len(versions))
	return slices.DeleteFunc(versions, func(v Version) bool {
		h := v.Record.SignedHash()
		was := seen[h]
		seen[h] = true
		return was
	})
}

// isOf decides by the record itself whether it is of a candidate that the index's prefixes proposed.
func (x *search) isOf(k candidate, r *protocol.Record) bool {
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
