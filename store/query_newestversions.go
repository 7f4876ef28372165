package store

// ownerVersions is what one owner has under a composite key within the query's time. It is the
// versions with the newest timestamp, which are one but for ties, or all versions, newest first.
type ownerVersions struct {
	owner    int64
	versions []version
}

// newestVersions returns the newest versions under a composite key within the query's time, for
// each owner.
func (x *search) newestVersions(composite int64) (groups []ownerVersions, err error) {
	if x.owners != nil {
		for _, owner := range x.owners {
			g, err := x.newestOf(composite, owner, false)
			if err != nil {
				return nil, err
			}
			groups = g.join(groups)
		}
		return groups, nil
	}
	for after := int64(0); after >= 0; {
		if groups, after, err = x.newestAfter(groups, composite, after); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

func (g ownerVersions) join(groups []ownerVersions) []ownerVersions {
	if len(g.versions) == 0 {
		return groups
	}
	return append(groups, g)
}

// newestAfter goes through the owners after one, stepping over rows of no use while they are few.
// It stops, and returns the owner to go on after, where seeking is cheaper; at the end it returns
// −1.
func (x *search) newestAfter(groups []ownerVersions, composite, after int64) ([]ownerVersions, int64, error) {
	r, err := x.conn.versions(versionsAfter(composite, after))
	if err != nil {
		return nil, 0, err
	}
	defer r.close()
	g := ownerVersions{owner: after}
	useless := 0
	for {
		ok, err := r.next()
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			return g.join(groups), -1, nil
		}
		if err := x.spend(1); err != nil {
			return nil, 0, err
		}
		if r.at.owner != g.owner {
			groups, g, useless = g.join(groups), ownerVersions{owner: r.at.owner}, 0
		}
		v := r.at.version
		if x.inRange(g.versions, v, false) {
			g.versions = append(g.versions, v)
			continue
		}
		if useless++; useless < x.seekAfter {
			continue
		}
		if len(g.versions) == 0 && v.timestamp > x.until { // what counts is further back
			if g, err = x.newestOf(composite, g.owner, false); err != nil {
				return nil, 0, err
			}
		}
		return g.join(groups), g.owner, nil
	}
}

// inRange reports whether a version counts, given those of its owner that came before it, which are
// not older.
func (x *search) inRange(have []version, v version, all bool) bool {
	if v.timestamp > x.until || v.timestamp < x.since {
		return false
	}
	return all || len(have) == 0 || v.timestamp == have[0].timestamp
}

// newestOf returns one owner's newest versions within the query's time, or all.
func (x *search) newestOf(composite, owner int64, all bool) (ownerVersions, error) {
	g := ownerVersions{owner: owner}
	err := x.versionsOf(composite, owner, x.since, x.until, func(v version) (bool, error) {
		more := x.inRange(g.versions, v, all)
		if more {
			g.versions = append(g.versions, v)
		}
		return more, nil
	})
	return g, err
}

// versionsOf goes through an owner's versions between two times, newest first, as long as visit
// wants more.
func (x *search) versionsOf(composite, owner, since, until int64, visit func(version) (more bool, err error)) error {
	return ignoreStop(x.conn.eachVersion(versionsBy(composite, owner, since, until), func(v keyed) error {
		if err := x.spend(1); err != nil {
			return err
		}
		return stopUnless(visit(v.version))
	}))
}
