package runs

import "slices"

// Broken returns the range of keys that the chunk with a key has, until not included; until 0 is
// the end. broken says that the chunk is damaged or lost.
func (r *Run) Broken(rows Rows, key uint64) (from, until uint64, broken bool, err error) {
	at, b, found, err := rows.ChunkBefore(r.place(key))
	if err != nil {
		return 0, 0, false, err
	}
	if found && r.owns(at) {
		from = keyAt(at)
		if c, bad := readChunk(at, b); bad == nil {
			if c.next == 0 || c.next > key {
				return from, c.next, c.find(^uint64(0), func(uint32) bool { return true }) != nil, nil
			}
			from = c.next
		}
	}
	at, _, found, err = rows.ChunkFrom(r.place(from) + 1)
	if found && r.owns(at) {
		until = keyAt(at)
	}
	return from, until, true, err
}

// Repair writes the chunks of a range of keys again, which has these entries. It reports whether
// the run is still there.
func (x *Index) Repair(rows Rows, r Run, from, until uint64, entries []Entry) (bool, error) {
	list, err := rows.Runs()
	if err != nil || !slices.Contains(list, r) {
		return false, err
	}
	for i, e := range entries {
		entries[i] = x.trim(r.Kind, e)
	}
	slices.SortFunc(entries, compare)
	w := newChunkWriter(&r, x.kinds[r.Kind], rows.PutChunk)
	w.reset(from)
	for _, e := range entries {
		if err := w.add(e); err != nil {
			return true, err
		}
	}
	x.stuck = false
	return true, w.flush(until)
}

// Runs returns the runs of a kind in the order of their numbers, and the first number after them.
func (v *View) Runs(kind int) (list []Run, next uint32) {
	next = 1
	for _, r := range v.sets[kind].runs {
		list, next = append(list, r.Run), r.Last+1
	}
	return list, next
}

// Check reads a run, chunk by chunk, and calls yield with each entry and whether the run's filter
// lets it be found. A [*DamagedError] ends it.
func (v *View) Check(rows Rows, r Run, yield func(e Entry, filtered bool) error) error {
	at := slices.IndexFunc(v.sets[r.Kind].runs, func(l *loadedRun) bool { return l.Run == r })
	for c := (cursor{run: r, rows: rows}); ; {
		e, more, err := c.next()
		if err != nil || !more {
			return err
		}
		if err := yield(e, v.sets[r.Kind].runs[at].has(e.Key)); err != nil {
			return err
		}
	}
}
