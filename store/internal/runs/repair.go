package runs

import (
	"bytes"
	"errors"
	"slices"
)

// IsSound reports whether a chunk of a run is what was written.
func (x *Index) IsSound(rows Rows, r Run, n int) (bool, error) {
	b, err := rows.Chunk(r.Number, n)
	if err != nil {
		return false, err
	}
	c, err := readChunk(&r, n, x.kinds[r.Kind].Tail, b)
	for more := true; err == nil && more; {
		more, err = c.next()
	}
	return err == nil, nil
}

// IsHeadSound reports whether the head of a run is what was written.
func (x *Index) IsHeadSound(rows Rows, r Run) (bool, error) {
	h, err := readHead(rows, &r)
	if errors.Is(err, ErrIncomplete) {
		return false, nil
	}
	return h != nil, err
}

// RewriteHead writes the head of a run again, if the run is still there.
func (x *Index) RewriteHead(rows Rows, r Run) error {
	for _, run := range x.head.sets[r.Kind].runs {
		if run.isSame(r) {
			return errors.Join(rows.DeleteHead(r.Number), run.write(rows, &run.Run))
		}
	}
	return nil
}

// Prepare derives the rows of a damaged chunk, so that [Index.Rewrite] need not. Readers call it.
func (v *View) Prepare(rows Rows, r Run, n int) error {
	for _, run := range v.sets[r.Kind].runs {
		if run.isSame(r) && n < run.Chunks {
			_, err := v.index.patch(rows, run, n)
			return err
		}
	}
	return nil
}

// Rewrite writes a damaged chunk again, if its run is still there.
func (x *Index) Rewrite(rows Rows, r Run, n int) error {
	for _, run := range x.head.sets[r.Kind].runs {
		if !run.isSame(r) || n >= run.Chunks {
			continue
		}
		list, err := x.patch(rows, run, n)
		if err != nil {
			return err
		}
		return x.writeChunk(rows, run, n, list)
	}
	return nil
}

// writeChunk writes a chunk with other rows in the place of one.
func (x *Index) writeChunk(rows Rows, run *loadedRun, n int, list [][]byte) error {
	if m := x.merge; m != nil && slices.Contains(m.from, run) {
		x.abandon()
	}
	x.stuck = false
	w := newChunkWriter(&run.Run, x.kinds[run.Kind].Tail, nil)
	w.buf = append(w.buf, 0, 0, 0, 0, byte(w.width))
	var last []byte
	for _, row := range list {
		w.appendRow(last, row)
		last = row
	}
	seal(run.place(n), w.buf)
	x.unpatch(&run.Run, n)
	return rows.PutChunk(run.Number, n, w.buf)
}

// chunkRows returns the rows of a chunk.
func (x *Index) chunkRows(rows Rows, run *loadedRun, n int) (list [][]byte, err error) {
	b, err := rows.Chunk(run.Number, n)
	if err != nil {
		return nil, err
	}
	c, err := readChunk(&run.Run, n, x.kinds[run.Kind].Tail, b)
	for err == nil {
		var more bool
		if more, err = c.next(); err == nil && !more {
			return list, nil
		}
		list = append(list, bytes.Clone(c.row))
	}
	list, err = x.patch(rows, run, n)
	return slices.Clone(list), err
}

// Put mends a record that lacks a row: it was damaged when its rows were derived. The row is the
// index's from now on.
func (x *Index) Put(rows Rows, kind int, number uint32, row []byte) error {
	s := &x.head.sets[kind]
	if number >= s.next {
		x.Add(kind, number, row)
		return nil
	}
	at := slices.IndexFunc(s.runs, func(r *loadedRun) bool { return number <= r.Last })
	run := s.runs[at]
	n, list := run.fences.find(row), [][]byte(nil)
	if run.Chunks > 0 {
		var err error
		if list, err = x.chunkRows(rows, run, n); err != nil {
			return err
		}
	}
	place, found := slices.BinarySearchFunc(list, row, bytes.Compare)
	if found {
		return nil
	}
	changed := &loadedRun{run.Run, &head{&filter{slices.Clone(run.words)}, run.fences}}
	changed.Rows++
	if key := x.kinds[kind].keyOf(row); !changed.has(key) {
		changed.filter.add(key)
		changed.Keys++
	}
	if run.Chunks == 0 {
		changed.Chunks = 1
		changed.fences = fences{}
		changed.fences.add(nil)
	}
	return x.change(rows, run, changed, n, slices.Insert(list, place, row))
}

// Drop removes a row that no record has.
func (x *Index) Drop(rows Rows, kind int, row []byte) error {
	if had, removed := x.head.sets[kind].recent.remove(newRecentRow(row, 0)); removed {
		x.changes = append(x.changes, change{kind: kind, row: had, removed: true})
	}
	for _, run := range x.head.sets[kind].runs {
		if run.Chunks == 0 {
			continue
		}
		n := run.fences.find(row)
		list, err := x.chunkRows(rows, run, n)
		if err != nil {
			return err
		}
		place, found := slices.BinarySearchFunc(list, row, bytes.Compare)
		if !found {
			continue
		}
		changed := &loadedRun{run.Run, run.head}
		changed.Rows--
		if err := x.change(rows, run, changed, n, slices.Delete(list, place, place+1)); err != nil {
			return err
		}
	}
	return nil
}

// change puts a run that differs in a chunk in the place of another one.
func (x *Index) change(rows Rows, run, by *loadedRun, n int, list [][]byte) error {
	if err := x.writeChunk(rows, run, n, list); err != nil {
		return err
	}
	if by.head != run.head {
		if err := rows.DeleteHead(run.Number); err != nil {
			return err
		}
		if err := by.write(rows, &by.Run); err != nil {
			return err
		}
	}
	if err := rows.PutRun(by.Run); err != nil {
		return err
	}
	return x.replace(rows, run.Kind, []*loadedRun{run}, by)
}

// Check reads a run as it is, and calls yield with each row and whether look-ups find it there. A
// [*DamagedError] ends it.
func (v *View) Check(rows Rows, r Run, yield func(row []byte, found bool) error) error {
	at := slices.IndexFunc(v.sets[r.Kind].runs, func(l *loadedRun) bool { return l.Run == r })
	run := v.sets[r.Kind].runs[at]
	kind := &v.index.kinds[r.Kind]
	c := runCursor{index: v.index, rows: rows, run: run}
	var last []byte
	for row, err := c.seek(nil); row != nil || err != nil; row, err = c.next() {
		if err != nil {
			return err
		}
		sorted := last == nil || bytes.Compare(last, row) < 0
		if err := yield(row, sorted && run.fences.has(c.n, row) && run.has(kind.keyOf(row))); err != nil {
			return err
		}
		last = append(last[:0], row...)
	}
	return nil
}
