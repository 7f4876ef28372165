package runs

import (
	"cmp"
	"container/heap"
	"errors"
	"math"
	"slices"
)

// Begin begins a transaction of the writer, which sees a view.
func (x *Index) Begin(v *View) {
	x.head, x.began, x.added, x.marks = v, v, 0, x.marks[:0]
	for i := range v.sets {
		x.marks = append(x.marks, v.sets[i].recent.len())
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !slices.Contains(x.views, v) {
		x.views = append(x.views, v)
	}
}

// Head returns the view that the writer's transaction sees.
func (x *Index) Head() *View { return x.head }

// Add adds an entry, whose number is the kind's next one.
func (x *Index) Add(kind int, e Entry) {
	x.head.sets[kind].recent.add(x.trim(kind, e))
	x.added++
}

// Work is the end of the writer's transaction. It writes what is recent as a run where there is
// enough of it, and goes on with a merge in proportion to what was added.
func (x *Index) Work(rows Rows) error {
	if x.untidy {
		if err := x.tidy(rows); err != nil {
			return err
		}
	}
	for kind := range x.head.sets {
		if x.head.sets[kind].recent.len() >= x.tuning.Recent {
			if err := x.flush(rows, kind); err != nil {
				return err
			}
		}
	}
	return x.proceed(rows, x.added*x.tuning.Rate)
}

// Flush writes all that is recent as runs, so that a start need not read it.
func (x *Index) Flush(rows Rows) error {
	for kind := range x.head.sets {
		if x.head.sets[kind].recent.len() > 0 {
			if err := x.flush(rows, kind); err != nil {
				return err
			}
		}
	}
	return nil
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
	for i, n := range x.marks {
		x.began.sets[i].recent.truncate(n)
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

// change makes a new version of the head, with other runs of a kind.
func (x *Index) change(rows Rows, kind int, change func(s *set)) error {
	v := &View{index: x, version: x.head.version + 1, sets: slices.Clone(x.head.sets)}
	v.sets[kind].runs = slices.Clone(v.sets[kind].runs)
	change(&v.sets[kind])
	if err := rows.SetRunsVersion(v.version); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.views, x.head = append(x.views, v), v
	return nil
}

// flush writes what is recent as a run.
func (x *Index) flush(rows Rows, kind int) error {
	list := x.head.sets[kind].recent.sorted()
	number, err := x.freeNumber(rows)
	if err != nil {
		return err
	}
	r := Run{Number: number, Kind: kind, First: list[0].Number, Last: list[0].Number}
	for _, e := range list {
		r.First, r.Last = min(r.First, e.Number), max(r.Last, e.Number)
	}
	w, err := x.newRunWriter(r, rows)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := w.add(e); err != nil {
			return err
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	return x.change(rows, kind, func(s *set) {
		s.runs, s.recent = append(s.runs, &loadedRun{r, w.filter}), newRecent()
	})
}

// runWriter writes the entries of a run in the order of their keys.
type runWriter struct {
	Run
	*filter
	chunks *chunkWriter
	rows   Rows
}

// newRunWriter begins a run. What the disk kept of another one with its number goes.
func (x *Index) newRunWriter(r Run, rows Rows) (*runWriter, error) {
	w := &runWriter{Run: r, filter: newFilter(r.entries()), rows: rows}
	w.chunks = newChunkWriter(&w.Run, x.kinds[r.Kind], func(place int64, chunk []byte) error { return w.rows.PutChunk(place, chunk) })
	_, err := rows.DeleteChunks(r.place(0), r.End(), math.MaxInt)
	return w, errors.Join(err, rows.DeleteFilter(r.Number))
}

func (w *runWriter) add(e Entry) error {
	w.filter.add(e.Key)
	return w.chunks.add(e)
}

// end writes what is left, and the run's own row.
func (w *runWriter) end() error {
	if err := w.chunks.flush(0); err != nil {
		return err
	}
	if err := w.pieces(w.Number, func(n int, piece []byte) error { return w.rows.PutFilter(w.Number, n, piece) }); err != nil {
		return err
	}
	return w.rows.PutRun(w.Run)
}

// merge makes one run of several.
type merge struct {
	from []*loadedRun
	*runWriter
	cursors cursors
}

// cursors is a heap of cursors by their next entry.
type cursors []*nextEntry

type nextEntry struct {
	Entry
	cursor
}

func (c cursors) Len() int           { return len(c) }
func (c cursors) Less(i, j int) bool { return compare(c[i].Entry, c[j].Entry) < 0 }
func (c cursors) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *cursors) Push(any)          {} // none is added
func (c *cursors) Pop() any {
	*c = (*c)[:len(*c)-1]
	return nil
}

// proceed merges about this many entries, and deletes what older merges left.
func (x *Index) proceed(rows Rows, entries int) error {
	for entries > 0 {
		if len(x.dead) > 0 {
			done, err := x.bury(rows, entries)
			if err != nil {
				return err
			}
			entries -= done
			continue
		}
		if x.merge == nil {
			begun, err := x.beginMerge(rows)
			if err != nil || !begun {
				return ignoreDamage(err, x)
			}
		}
		done, err := x.merge.step(rows, entries)
		if err != nil {
			return ignoreDamage(err, x)
		}
		if entries -= done; len(x.merge.cursors) == 0 {
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
	x.merge, x.untidy, x.stuck = nil, true, true
	return nil
}

// Repaired says that damage was repaired: merges go on.
func (x *Index) Repaired() { x.stuck = false }

// buriedAtOnce is how many entries' worth of work it is to delete a chunk.
const buriedAtOnce = 256

// bury deletes some chunks of the first run that is dead.
func (x *Index) bury(rows Rows, entries int) (done int, err error) {
	r, limit := x.dead[0], (entries+buriedAtOnce-1)/buriedAtOnce
	n, err := rows.DeleteChunks(r.place(0), r.End(), limit)
	if err != nil {
		return 0, err
	}
	if n == limit {
		return n * buriedAtOnce, nil
	}
	x.dead = x.dead[1:]
	return (n + 1) * buriedAtOnce, errors.Join(rows.DeleteFilter(r.Number), rows.DeleteRun(r.Number))
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
	first, last := from[0].Run, from[len(from)-1].Run
	r := Run{Number: number, Kind: first.Kind, Level: first.Level + 1, State: Building, First: first.First, Last: last.Last}
	if err := rows.PutRun(r); err != nil {
		return false, err
	}
	r.State = Live
	w, err := x.newRunWriter(r, rows)
	if err != nil {
		return false, err
	}
	m := &merge{from: from, runWriter: w}
	x.merge = m
	for _, in := range from {
		c := &nextEntry{cursor: cursor{run: in.Run, rows: rows}}
		e, more, err := c.next()
		if err != nil {
			return false, err
		}
		if c.Entry = e; more {
			m.cursors = append(m.cursors, c)
		}
	}
	heap.Init(&m.cursors)
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

// step merges some entries.
func (m *merge) step(rows Rows, entries int) (done int, err error) {
	m.rows = rows
	for ; done < entries && len(m.cursors) > 0; done++ {
		c := m.cursors[0]
		if err := m.add(c.Entry); err != nil {
			return done, err
		}
		c.rows = rows
		e, more, err := c.next()
		if err != nil {
			return done, err
		}
		if more {
			c.Entry = e
			heap.Fix(&m.cursors, 0)
		} else {
			heap.Remove(&m.cursors, 0)
		}
	}
	return done, nil
}

// endMerge puts the merged run in the place of those that it was made of.
func (x *Index) endMerge(rows Rows) error {
	m := x.merge
	x.merge = nil
	if err := m.end(); err != nil {
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
	return x.change(rows, m.Kind, func(s *set) {
		at := slices.Index(s.runs, m.from[0])
		s.runs = slices.Replace(s.runs, at, at+len(m.from), &loadedRun{m.Run, m.filter})
	})
}
