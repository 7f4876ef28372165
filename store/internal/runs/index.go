package runs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Tuning is how an index is divided. It changes no answer; tests make it small.
type Tuning struct {
	// Recent is how many entries are kept in memory before they are written as a run: at about 50
	// bytes each.
	Recent int
	// Fanout is how many runs of a level become one of the next.
	Fanout int
	// Rate is how many entries a transaction merges for each one that it adds. It must exceed the
	// number of levels, or runs would pile up.
	Rate int
}

// DefaultTuning has three levels at ten million entries, and at most 20 runs.
var DefaultTuning = Tuning{Recent: 1 << 15, Fanout: 8, Rate: 12}

// Index is what all transactions share: the runs of each version that one of them may see. One
// writer at a time calls what changes it; readers take a [View].
type Index struct {
	kinds  []uint // how many low bits of each kind's keys are dropped
	tuning Tuning

	mu    sync.RWMutex
	views []*View // of the last versions, the newest last

	// The rest is the writer's.
	merge *merge
	dead  []Run // what is to be deleted
	stuck bool  // a merge met damage: none begins until that is repaired
	// untidy says that the tables may have a run that is being built by nobody.
	untidy bool

	head  *View // as the transaction sees it
	began *View
	marks []int // how many recent entries there were when it began
	added int   // how many it added
}

// View is the index as one version of the database has it. It is safe for concurrent use, with the
// rows of a transaction that sees this version.
type View struct {
	index   *Index
	version int64
	sets    []set
}

// set is one kind's part of a view.
type set struct {
	runs   []*loadedRun // by their numbers
	recent *recent
}

type loadedRun struct {
	Run
	*filter
}

// keptViews is how many versions are known without reading the tables. A version lasts for some
// thousand records: a reader rarely sees an older one.
const keptViews = 8

// DamagedError says that the disk has changed a chunk, or lost it.
type DamagedError struct {
	Run Run
	// At is a key in the chunk that is damaged.
	At uint64
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("a chunk of run %d of an index is damaged", e.Run.Number)
}

// ErrIncomplete says that the tables do not have all runs: the index must be built again.
var ErrIncomplete = errors.New("runs of an index are missing")

// New returns an index with kinds of these many bits.
func New(bits []int, tuning Tuning) *Index {
	x := &Index{tuning: tuning, untidy: true}
	for _, b := range bits {
		x.kinds = append(x.kinds, uint(64-b))
	}
	return x
}

// View returns the view of the version that a transaction sees. One that is not known any more is
// read from the tables, and what is in memory alone from source. last returns the last number of a
// kind.
func (x *Index) View(rows Rows, source Source, last func(kind int) (uint32, error)) (*View, error) {
	version, err := rows.RunsVersion()
	if err != nil {
		return nil, err
	}
	if v := x.known(version); v != nil {
		return v, nil
	}
	v, err := x.load(version, rows, source, last)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.views) == 0 { // later ones come from the writer
		x.views = append(x.views, v)
	}
	return v, nil
}

func (x *Index) known(version int64) *View {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, v := range x.views {
		if v.version == version {
			return v
		}
	}
	return nil
}

// load reads a view from the tables.
func (x *Index) load(version int64, rows Rows, source Source, last func(kind int) (uint32, error)) (*View, error) {
	v := &View{index: x, version: version, sets: make([]set, len(x.kinds))}
	list, err := rows.Runs()
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.State != Live {
			continue
		}
		if r.Kind < 0 || r.Kind >= len(x.kinds) || r.Number < 1 || r.Number > MaxRuns || r.Last < r.First {
			return nil, ErrIncomplete
		}
		f, err := x.loadFilter(r, rows)
		if err != nil {
			return nil, err
		}
		v.sets[r.Kind].runs = append(v.sets[r.Kind].runs, &loadedRun{r, f})
	}
	for kind := range v.sets {
		s := &v.sets[kind]
		slices.SortFunc(s.runs, func(a, b *loadedRun) int { return cmp.Compare(a.First, b.First) })
		next := uint32(1)
		for _, r := range s.runs {
			if r.First != next {
				return nil, ErrIncomplete
			}
			next = r.Last + 1
		}
		end, err := last(kind)
		if err != nil {
			return nil, err
		}
		if end+1 < next {
			return nil, ErrIncomplete
		}
		s.recent = newRecent()
		if err := source(kind, next, end, func(e Entry) error {
			s.recent.add(x.trim(kind, e))
			return nil
		}); err != nil {
			return nil, err
		}
		if s.recent.len() != int(end+1-next) {
			return nil, ErrIncomplete
		}
	}
	return v, nil
}

// InMemory returns a view of the version that a transaction sees, made from source alone. It is for
// who cannot write where the tables lack some of the runs.
func (x *Index) InMemory(rows Rows, source Source, last func(kind int) (uint32, error)) (*View, error) {
	version, err := rows.RunsVersion()
	if err != nil {
		return nil, err
	}
	v := &View{index: x, version: version, sets: make([]set, len(x.kinds))}
	for kind := range v.sets {
		r := newRecent()
		v.sets[kind].recent = r
		end, err := last(kind)
		if err != nil {
			return nil, err
		}
		if err := source(kind, 1, end, func(e Entry) error {
			r.add(x.trim(kind, e))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.views = append(x.views, v)
	return v, nil
}

// trim drops the bits of a key that do not count.
func (x *Index) trim(kind int, e Entry) Entry {
	e.Key = e.Key >> x.kinds[kind] << x.kinds[kind]
	return e
}

// loadFilter reads a run's filter, or makes it again from its chunks.
func (x *Index) loadFilter(r Run, rows Rows) (*filter, error) {
	f, sound := newFilter(r.entries()), 0
	if err := rows.Filter(r.Number, func(n int, piece []byte) {
		if f.readPiece(r.Number, n, piece) {
			sound++
		}
	}); err != nil {
		return nil, err
	}
	if sound == (len(f.words)+filterPiece-1)/filterPiece {
		return f, nil
	}
	f = newFilter(r.entries())
	for c := (cursor{run: r, rows: rows}); ; {
		e, more, err := c.next()
		if err != nil || !more {
			if errors.As(err, new(*DamagedError)) {
				for i := range f.words { // anything may be in it, until it is repaired
					f.words[i] = ^uint64(0)
				}
				err = nil
			}
			return f, err
		}
		f.add(e.Key)
	}
}

// Find calls yield with the numbers that a key may lead to, until yield returns false. They are
// those of all hashes that begin like it in the bits that count. There may be some that the
// transaction does not see. A [*DamagedError] says that there may be others.
func (v *View) Find(rows Rows, kind int, key uint64, yield func(number uint32) (more bool, err error)) error {
	s := &v.sets[kind]
	key = v.index.trim(kind, Entry{Key: key}).Key
	for _, n := range s.recent.find(key) {
		if more, err := yield(n); err != nil || !more {
			return err
		}
	}
	for i := len(s.runs) - 1; i >= 0; i-- { // the newest first
		if !s.runs[i].has(key) {
			continue
		}
		numbers, err := s.runs[i].Run.find(rows, key)
		if err != nil {
			return err
		}
		for _, n := range numbers {
			if more, err := yield(n); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

// find returns the numbers of a key in a run.
func (r *Run) find(rows Rows, key uint64) (numbers []uint32, err error) {
	at, b, found, err := rows.ChunkBefore(r.place(key))
	if err != nil {
		return nil, err
	}
	if !found || !r.owns(at) {
		return nil, &DamagedError{*r, key}
	}
	c, err := readChunk(at, b)
	if err == nil && c.next != 0 && c.next <= key {
		err = errChunk // the one that it would be in is lost
	}
	if err == nil {
		err = c.find(key, func(n uint32) bool {
			numbers = append(numbers, n)
			return true
		})
	}
	if err != nil {
		return nil, &DamagedError{*r, key}
	}
	return numbers, nil
}

// cursor reads the entries of a run in the order of their keys.
type cursor struct {
	run   Run
	rows  Rows
	begun bool
	chunk chunkReader
	first uint64 // where the chunk begins
}

// next returns the next entry; more is false after the last.
func (c *cursor) next() (e Entry, more bool, err error) {
	for {
		if c.begun {
			if e, more, err = c.chunk.entry(); err != nil {
				return e, false, &DamagedError{c.run, c.first}
			}
			if more || c.chunk.next == 0 {
				return e, more, nil
			}
			c.first = c.chunk.next
		}
		if err := c.read(); err != nil {
			return e, false, err
		}
	}
}

// read reads the chunk that begins at first.
func (c *cursor) read() error {
	at, b, found, err := c.rows.ChunkFrom(c.run.place(c.first))
	if err != nil {
		return err
	}
	if !found || at != c.run.place(c.first) {
		return &DamagedError{c.run, c.first}
	}
	if c.chunk, err = readChunk(at, b); err != nil {
		return &DamagedError{c.run, c.first}
	}
	c.begun = true
	return nil
}
