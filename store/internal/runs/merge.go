package runs

import (
	"bytes"
	"errors"
)

// merge makes one run of several.
type merge struct {
	from []*loadedRun
	*runWriter
	cursors cursors
}

// cursors is a heap of cursors by their next row. The standard library's takes longer: it
// knows neither the rows nor how they begin.
type cursors []*nextRow

// nextRow is a cursor at a row, which begins with order.
type nextRow struct {
	order uint64
	row   []byte
	runCursor
}

// step goes to the next row, and reports whether there is one.
func (n *nextRow) step() (more bool, err error) {
	n.row, err = n.next()
	n.order = orderOf(n.row)
	return n.row != nil, err
}

func (n *nextRow) isBefore(o *nextRow) bool {
	return n.order < o.order || n.order == o.order && bytes.Compare(n.row, o.row) < 0
}

// settle moves the cursor at a place down to where it belongs.
func (c cursors) settle(at int) {
	moved := c[at]
	for {
		child := 2*at + 1
		if child >= len(c) {
			break
		}
		if child+1 < len(c) && c[child+1].isBefore(c[child]) {
			child++
		}
		if !c[child].isBefore(moved) {
			break
		}
		c[at], at = c[child], child
	}
	c[at] = moved
}

// begin makes a heap of cursors in no order.
func (c cursors) begin() {
	for at := len(c)/2 - 1; at >= 0; at-- {
		c.settle(at)
	}
}

// dropFirst removes the cursor with the first row.
func (c *cursors) dropFirst() {
	last := len(*c) - 1
	(*c)[0] = (*c)[last]
	if *c = (*c)[:last]; last > 0 {
		c.settle(0)
	}
}

// proceed merges about this many rows, and deletes what older merges left.
func (x *Index) proceed(rows Rows, count int) error {
	for count > 0 {
		if len(x.dead) > 0 {
			done, err := x.bury(rows, count)
			if err != nil {
				return err
			}
			count -= done
			continue
		}
		if x.merge == nil {
			begun, err := x.beginMerge(rows)
			if err != nil || !begun {
				return ignoreDamage(err, x)
			}
		}
		done, err := x.merge.step(rows, count)
		if err != nil {
			return ignoreDamage(err, x)
		}
		if count -= max(done, 1); len(x.merge.cursors) == 0 {
			if err := x.endMerge(rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// ignoreDamage gives up a merge that met damage: records do not wait for its repair.
func ignoreDamage(err error, x *Index) error {
	if !errors.As(err, new(*DamagedError)) {
		return err
	}
	x.abandon()
	x.stuck = true
	return nil
}

// abandon gives up a merge. What it wrote is deleted.
func (x *Index) abandon() { x.merge, x.untidy = nil, true }

// bury deletes some chunks of the first run that is dead. To delete a chunk is as much work as to
// merge half of its rows.
func (x *Index) bury(rows Rows, count int) (done int, err error) {
	r := x.dead[0]
	worth := r.Rows/max(r.Chunks, 1)/2 + 1
	limit := (count + worth - 1) / worth
	n, err := rows.DeleteChunks(r.Number, limit)
	if err != nil {
		return 0, err
	}
	if n == limit {
		return n * worth, nil
	}
	x.dead = x.dead[1:]
	x.unpatch(&r, -1)
	return (n + 1) * worth, errors.Join(rows.DeleteHead(r.Number), rows.DeleteRun(r.Number))
}

// beginMerge begins with the lowest level that has enough runs, if there is one.
func (x *Index) beginMerge(rows Rows) (begun bool, err error) {
	from := x.nextMerge()
	if from == nil || x.stuck {
		return false, nil
	}
	number, err := x.freeNumber(rows)
	if err != nil {
		return false, err
	}
	first, last, keys := from[0].Run, from[len(from)-1].Run, 0
	for _, r := range from {
		keys += r.Keys
	}
	r := Run{Number: number, Kind: first.Kind, Level: first.Level + 1, State: Building, First: first.First, Last: last.Last}
	if err := rows.PutRun(r); err != nil {
		return false, err
	}
	w, err := x.newRunWriter(r, keys, rows)
	if err != nil {
		return false, err
	}
	m := &merge{from: from, runWriter: w}
	x.merge = m
	for _, in := range from {
		c := &nextRow{runCursor: runCursor{index: x, rows: rows, run: in}}
		if c.row, err = c.seek(nil); err != nil {
			return false, err
		}
		if c.order = orderOf(c.row); c.row != nil {
			m.cursors = append(m.cursors, c)
		}
	}
	m.cursors.begin()
	return true, nil
}

// nextMerge returns the runs that are to be merged next, which follow each other.
func (x *Index) nextMerge() (best []*loadedRun) {
	for kind := range x.head.sets {
		list := x.head.sets[kind].runs
		for from := 0; from < len(list); {
			to := from
			for to < len(list) && list[to].Level == list[from].Level {
				to++
			}
			if to-from >= x.tuning.Fanout && (best == nil || list[from].Level < best[0].Level) {
				best = list[from : from+x.tuning.Fanout]
			}
			from = to
		}
	}
	return best
}

// step merges some rows. Of equal ones the first is kept.
func (m *merge) step(rows Rows, count int) (done int, err error) {
	m.rows = rows
	for ; done < count && len(m.cursors) > 0; done++ {
		c := m.cursors[0]
		if m.chunks.rows == 0 || !bytes.Equal(m.chunks.last, c.row) {
			if err := m.add(c.row); err != nil {
				return done, err
			}
		}
		c.rows = rows
		more, err := c.step()
		switch {
		case err != nil:
			return done, err
		case more:
			m.cursors.settle(0)
		default:
			m.cursors.dropFirst()
		}
	}
	return done, nil
}

// endMerge puts the merged run in the place of those that it was made of.
func (x *Index) endMerge(rows Rows) error {
	m := x.merge
	x.merge = nil
	m.rows = rows
	made, err := m.end()
	if err != nil {
		return err
	}
	for _, in := range m.from {
		in := in.Run
		in.State = Dead
		if err := rows.PutRun(in); err != nil {
			return err
		}
		x.dead = append(x.dead, in)
	}
	return x.replace(rows, made.Kind, m.from, made)
}
