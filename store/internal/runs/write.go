package runs

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// Begin begins a transaction of the writer, which sees a view.
func (x *Index) Begin(v *View) {
	x.head, x.began, x.added, x.changes = v, v, 0, x.changes[:0]
	x.mu.Lock()
	defer x.mu.Unlock()
	if !slices.Contains(x.views, v) {
		x.views = append(x.views, v)
	}
}

// Head returns the view that the writer's transaction sees.
func (x *Index) Head() *View { return x.head }

// Add adds a row of a record, which is after all records in runs. The row is the index's from now
// on. Whether another record has it does not matter.
func (x *Index) Add(kind int, number uint32, row []byte) {
	x.added++
	r := newRecentRow(row, number)
	if x.head.sets[kind].recent.add(r) {
		x.changes = append(x.changes, change{kind: kind, row: r})
	}
}

// Work is the end of the writer's transaction, after which last is the last record. It writes what
// is recent as runs where there is enough of it, and goes on with a merge in proportion to what was
// added.
func (x *Index) Work(rows Rows, last uint32) error {
	if x.untidy {
		if err := x.tidy(rows); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(x.head.sets, func(s set) bool { return s.recent.len() >= x.tuning.Recent }) {
		if err := x.Flush(rows, last); err != nil {
			return err
		}
	}
	return x.proceed(rows, x.added*x.tuning.Rate)
}

// Flush writes all that is recent as runs, one of each kind, so that a start need not derive it.
func (x *Index) Flush(rows Rows, last uint32) error {
	v := x.successor()
	for kind := range v.sets {
		s := &v.sets[kind]
		if s.next > last {
			continue
		}
		r, err := x.flush(rows, kind, s, last)
		if err != nil {
			return err
		}
		s.runs, s.next, s.recent = append(slices.Clone(s.runs), r), last+1, x.newRecent(kind)
	}
	return x.follow(rows, v)
}

// flush writes what is recent of a kind as a run.
func (x *Index) flush(rows Rows, kind int, s *set, last uint32) (*loadedRun, error) {
	number, err := x.freeNumber(rows)
	if err != nil {
		return nil, err
	}
	w, err := x.newRunWriter(Run{Number: number, Kind: kind, First: s.next, Last: last}, s.recent.len(), rows)
	if err != nil {
		return nil, err
	}
	if err := s.recent.each(w.add); err != nil {
		return nil, err
	}
	return w.end()
}

// Commit says that the writer's transaction was committed.
func (x *Index) Commit() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n := len(x.views) - keptViews; n > 0 {
		x.views = slices.Delete(x.views, 0, n)
	}
	x.began = nil
}

// Rollback says that the writer's transaction was undone. Without one nothing happens.
func (x *Index) Rollback() {
	if x.began == nil {
		return
	}
	for _, c := range slices.Backward(x.changes) {
		if recent := x.began.sets[c.kind].recent; c.removed {
			recent.add(c.row)
		} else {
			recent.remove(c.row)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.views = slices.DeleteFunc(x.views, func(v *View) bool { return v.version > x.began.version })
	x.head, x.began, x.merge, x.dead, x.untidy = x.began, nil, nil, nil, true
}

// Forget drops all that is in memory: the tables were changed by somebody else.
func (x *Index) Forget() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.views, x.merge, x.dead, x.untidy, x.stuck = nil, nil, nil, true, false
	clear(x.patches)
}

// tidy finds the runs that are to be deleted, those that nobody goes on to build among them.
func (x *Index) tidy(rows Rows) error {
	list, err := rows.Runs()
	if err != nil {
		return err
	}
	x.dead = nil
	for _, r := range list {
		if r.State == Building && x.merge == nil {
			r.State = Dead
			if err := rows.PutRun(r); err != nil {
				return err
			}
		}
		if r.State == Dead {
			x.dead = append(x.dead, r)
		}
	}
	x.untidy = false
	return nil
}

// freeNumber returns the number of a new run.
func (x *Index) freeNumber(rows Rows) (int, error) {
	list, err := rows.Runs()
	if err != nil {
		return 0, err
	}
	slices.SortFunc(list, func(a, b Run) int { return cmp.Compare(a.Number, b.Number) })
	free := 1
	for _, r := range list {
		if r.Number > free {
			break
		}
		free = r.Number + 1
	}
	if free > MaxRuns {
		return 0, errors.New("an index has too many runs")
	}
	return free, nil
}

// successor is a view after the head, which is still the same.
func (x *Index) successor() *View {
	return &View{index: x, version: x.head.version + 1, sets: slices.Clone(x.head.sets)}
}

// follow puts another view in the place of the head.
func (x *Index) follow(rows Rows, v *View) error {
	if err := rows.SetRunsVersion(v.version); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.views, x.head = append(x.views, v), v
	return nil
}

// replace makes a new head, with another run in the place of some that follow each other.
func (x *Index) replace(rows Rows, kind int, from []*loadedRun, by *loadedRun) error {
	for _, at := range x.chunks.Keys() {
		if slices.Contains(from, at.run) {
			x.chunks.Remove(at)
		}
	}
	v := x.successor()
	s := &v.sets[kind]
	at := slices.Index(s.runs, from[0])
	s.runs = slices.Replace(slices.Clone(s.runs), at, at+len(from), by)
	return x.follow(rows, v)
}

// runWriter writes the rows of a run in their order.
type runWriter struct {
	run    Run
	kind   *Kind
	filter *filter
	chunks *chunkWriter
	rows   Rows
	key    uint64 // of the last row
}

// newRunWriter begins a run of a number of keys at most. What the disk kept of another one with its
// number goes.
func (x *Index) newRunWriter(r Run, keys int, rows Rows) (*runWriter, error) {
	w := &runWriter{run: r, kind: &x.kinds[r.Kind], filter: foldable(keys), rows: rows}
	w.chunks = newChunkWriter(&w.run, w.kind.Tail, func(n int, chunk []byte) error { return w.rows.PutChunk(r.Number, n, chunk) })
	_, err := rows.DeleteChunks(r.Number, math.MaxInt)
	return w, errors.Join(err, rows.DeleteHead(r.Number))
}

func (w *runWriter) add(row []byte) error {
	if key := w.kind.keyOf(row); key != w.key || w.chunks.rows == 0 {
		w.filter.add(key)
		w.key = key
		w.run.Keys++
	}
	return w.chunks.add(row)
}

// end writes what is left, and the run's own row.
func (w *runWriter) end() (*loadedRun, error) {
	if err := w.chunks.flush(); err != nil {
		return nil, err
	}
	w.filter.fold(w.run.Keys)
	r := &w.run
	r.State, r.Rows, r.Chunks, r.Blocks = Live, w.chunks.rows, w.chunks.chunks, len(w.filter.words)/blockWords
	h := &head{w.filter, w.chunks.fences}
	if err := h.write(w.rows, r); err != nil {
		return nil, err
	}
	return &loadedRun{*r, h}, w.rows.PutRun(*r)
}
