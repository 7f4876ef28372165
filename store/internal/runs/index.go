package runs

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Tuning is how an index is divided. It changes no answer; tests make it small.
type Tuning struct {
	// Recent is how many rows of a kind are kept in memory before they are written as a run: at
	// about 100 bytes each.
	Recent int
	// Fanout is how many runs of a level become one of the next.
	Fanout int
	// Rate is how many rows a transaction merges for each one that it adds. It must exceed the
	// number of levels, or runs would pile up.
	Rate int
}

// DefaultTuning has four levels at ten million records, and at most 27 runs of a kind.
var DefaultTuning = Tuning{Recent: 1 << 14, Fanout: 8, Rate: 12}

// Index is what all transactions share: the runs of each version that one of them may see. One
// writer at a time calls what changes it; readers take a [View].
type Index struct {
	kinds  []Kind
	tuning Tuning

	mu    sync.RWMutex
	views []*View // of the last versions, the newest last
	// patches are the rows of damaged chunks that nobody has repaired yet.
	patches map[patched][][]byte
	// deriving is taken by who derives rows for patches. That takes long in a large run, and the
	// others may want the same.
	deriving chan struct{}
	// chunks are those that were looked up in lately.
	chunks *lru.Cache[chunkOf, []byte]

	// The rest is the writer's.
	merge *merge
	dead  []Run // what is to be deleted
	stuck bool  // a merge met damage: none begins until that is repaired
	// untidy says that the tables may have a run that is being built by nobody.
	untidy bool

	head    *View // as the transaction sees it
	began   *View
	changes []change // what the transaction did to what is recent
	added   int      // how many rows it added
}

// change is a row that a transaction added to what is recent, or removed from it.
type change struct {
	kind    int
	row     recentRow
	removed bool
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
	next   uint32       // the first record after them
	recent *recent
}

type loadedRun struct {
	Run
	*head
}

// keptViews is how many versions are known without reading the tables. A version lasts for some
// thousand records, and a transaction keeps its view. So a reader rarely asks for an older one.
// Each may have rows of its own in memory.
const keptViews = 2

// ErrIncomplete says that the tables do not have all runs: the index must be built again.
var ErrIncomplete = errors.New("runs of an index are missing")

// chunkOf names a chunk. A run that is changed is another one.
type chunkOf struct {
	run *loadedRun
	n   int
}

// keptChunks is how many chunks are remembered: 8 MiB.
const keptChunks = 1 << 11

func newChunks() *lru.Cache[chunkOf, []byte] {
	c, err := lru.New[chunkOf, []byte](keptChunks)
	if err != nil {
		panic(err) // only a size below 1 is an error
	}
	return c
}

// New returns an index of some kinds.
func New(kinds []Kind, tuning Tuning) *Index {
	return &Index{kinds: kinds, tuning: tuning, untidy: true, patches: map[patched][][]byte{}, deriving: make(chan struct{}, 1), chunks: newChunks()}
}

// View returns the view of the version that a transaction sees. One that is not known any more is
// read from the tables, and what is in memory alone is derived.
func (x *Index) View(rows Rows) (*View, error) {
	version, err := rows.RunsVersion()
	if err != nil {
		return nil, err
	}
	if v := x.known(version); v != nil {
		return v, nil
	}
	v, err := x.load(version, rows)
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

func (x *Index) newView(version int64) *View {
	v := &View{index: x, version: version, sets: make([]set, len(x.kinds))}
	for kind := range v.sets {
		v.sets[kind] = set{next: 1, recent: x.newRecent(kind)}
	}
	return v
}

func (x *Index) newRecent(kind int) *recent { return newRecent(&x.kinds[kind], x.tuning.Recent) }

// load reads a view from the tables.
func (x *Index) load(version int64, rows Rows) (*View, error) {
	v := x.newView(version)
	list, err := rows.Runs()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Run) int { return cmp.Compare(a.First, b.First) })
	for _, r := range list {
		if r.State != Live {
			continue
		}
		if r.Kind < 0 || r.Kind >= len(x.kinds) || r.Number < 1 || r.Number > MaxRuns || r.Last < r.First || r.First != v.sets[r.Kind].next {
			return nil, ErrIncomplete
		}
		if last, err := rows.Last(r.Kind); err != nil {
			return nil, err
		} else if r.Last > last {
			return nil, ErrIncomplete
		}
		h, err := loadHead(rows, &r, &x.kinds[r.Kind])
		if err != nil {
			return nil, err
		}
		s := &v.sets[r.Kind]
		s.runs, s.next = append(s.runs, &loadedRun{r, h}), r.Last+1
	}
	return v, v.derive(rows)
}

// derive makes the rows that are in no run. Most often that is for all kinds the same records.
func (v *View) derive(rows Rows) error {
	type gap struct{ first, last uint32 }
	gaps := map[gap][]int{}
	for kind := range v.sets {
		last, err := rows.Last(kind)
		if err != nil {
			return err
		}
		g := gap{v.sets[kind].next, last}
		if g.last+1 < g.first {
			return ErrIncomplete
		}
		gaps[g] = append(gaps[g], kind)
	}
	for g, kinds := range gaps {
		if g.last < g.first {
			continue
		}
		if err := rows.Derive(kinds, g.first, g.last, func(kind int, number uint32, row []byte) error {
			v.sets[kind].recent.add(newRecentRow(row, number))
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// InMemory returns a view of the version that a transaction sees, derived as a whole. It is for who
// cannot write where the tables lack some of the runs.
func (x *Index) InMemory(rows Rows) (*View, error) {
	version, err := rows.RunsVersion()
	if err != nil {
		return nil, err
	}
	v := x.newView(version)
	if err := v.derive(rows); err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.views = append(x.views, v)
	return v, nil
}

// Runs returns the runs of a kind in the order of their records, and the first record after them.
func (v *View) Runs(kind int) (list []Run, next uint32) {
	for _, r := range v.sets[kind].runs {
		list = append(list, r.Run)
	}
	return list, v.sets[kind].next
}

// All is the last record for who sees all that there are.
const All = math.MaxUint32

// Kinds returns how many kinds the index has.
func (x *Index) Kinds() int { return len(x.kinds) }
