package store

// gather returns the versions under a composite key within the query's time, for each owner: all of them, or only those
// with the newest timestamp, which are one but for ties.
func (x *search) gather(composite int64, all bool) (groups [][]version, err error) {
	if x.owners != nil {
		for _, owner := range x.owners {
			if groups, err = x.gatherOwner(groups, composite, owner, all); err != nil {
				return nil, err
			}
		}
		return groups, nil
	}
	for after := int64(0); after >= 0; {
		if groups, after, err = x.gatherAfter(groups, composite, after, all); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// gatherAfter goes through the owners behind one, stepping over rows of no use while they are few. It stops, and returns
// the owner to go on behind, where seeking is cheaper; at the end it returns −1.
func (x *search) gatherAfter(groups [][]version, composite, after int64, all bool) ([][]version, int64, error) {
	r, err := x.conn.query("SELECT owner, timestamp, idx, released FROM versions WHERE composite = ? AND owner > ? ORDER BY owner, timestamp DESC, idx", composite, after)
	if err != nil {
		return nil, 0, err
	}
	defer r.close()
	var group []version
	useless := 0
	flush := func() {
		if len(group) > 0 {
			groups = append(groups, group)
		}
		group, useless = nil, 0
	}
	for {
		ok, err := r.next()
		if err != nil {
			return nil, 0, err
		}
		if !ok {
			flush()
			return groups, -1, nil
		}
		if err := x.spend(1); err != nil {
			return nil, 0, err
		}
		if r.int(0) != after {
			flush()
			after = r.int(0)
		}
		v := version{r.int(1), r.int(2), r.int(3) != 0}
		if x.takes(group, v, all) {
			group = append(group, v)
			continue
		}
		if useless++; useless < x.seekAfter {
			continue
		}
		if group == nil && v.timestamp > x.until { // what counts is further back
			groups, err = x.gatherOwner(groups, composite, after, all)
		}
		flush()
		return groups, after, err
	}
}

// takes reports whether a version counts, given those of its owner that came before it, which are not older.
func (x *search) takes(group []version, v version, all bool) bool {
	if v.timestamp > x.until || v.timestamp < x.since {
		return false
	}
	return all || group == nil || v.timestamp == group[0].timestamp
}

func (x *search) gatherOwner(groups [][]version, composite, owner int64, all bool) ([][]version, error) {
	r, err := x.conn.query(`SELECT timestamp, idx, released FROM versions WHERE composite = ? AND owner = ? AND timestamp BETWEEN ? AND ?
		ORDER BY timestamp DESC, idx`, composite, owner, x.since, x.until)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var group []version
	for {
		ok, err := r.next()
		if err != nil {
			return nil, err
		}
		v := version{r.int(0), r.int(1), r.int(2) != 0}
		if !ok || !x.takes(group, v, all) {
			if len(group) > 0 {
				groups = append(groups, group)
			}
			return groups, nil
		}
		if err := x.spend(1); err != nil {
			return nil, err
		}
		group = append(group, v)
	}
}
