package graph

import (
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/lf-store/lf/internal/mapped"
	"github.com/lf-store/lf/store/internal/dag"
)

// Config says where a graph is kept, and what it can be made of again.
type Config struct {
	Path string // "": on the heap alone
	// Records yields what the database has committed of the records after one index and up to
	// another, in their order. It may be called from any goroutine.
	Records func(after, upTo int) iter.Seq2[dag.Record, error]
	// Broken is told why the file cannot be used or written. The graph goes on in any case.
	Broken func(error)
	// Least is the number of records from which on a file is kept, and Every is how many may come
	// between two checkpoints.
	Least, Every int
	// Memory is how many bytes of the process's own memory the file may hold between two
	// checkpoints, roughly; 0: any.
	Memory int64
	// Heap, ReadOnly and Volatile are those of [mapped.Config].
	Heap, ReadOnly, Volatile bool
}

// Graph is a [dag.DAG] in a file. One goroutine may change it while any number read.
type Graph struct {
	c       Config
	current atomic.Pointer[core]

	mu    sync.Mutex   // held while something changes, also by who makes a broken graph again
	base  int          // records at the last checkpoint
	since []dag.Record // those after them, where there is a file
	due   int          // number of records at which the next checkpoint is due
	// looked is the number of records when Due looked at the memory.
	looked int
}

// core is a graph with its file; nil: on the heap.
type core struct {
	dag  *dag.DAG
	file *mapped.File
}

// New makes a graph without records, on the heap.
func New() *Graph {
	g := new(Graph)
	g.current.Store(&core{dag: dag.New()})
	return g
}

// InScratch makes a graph without records in a file that nothing remembers, so that it takes hardly
// any memory of the process itself. Whoever uses the graph does so within the file's Guard. The
// caller holds the file meanwhile, and closes it.
func InScratch(path string) (*Graph, *mapped.File, error) {
	file, err := mapped.Scratch(mapped.Config{Path: path, Layout: dag.Layout()})
	if err != nil {
		return nil, nil, err
	}
	g := new(Graph)
	if err := file.Guard(func() { g.current.Store(&core{dag: dag.In(file)}) }); err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return g, file, nil
}

// Begin makes a graph without records on the heap. It moves into a file when it is large enough.
func Begin(c Config) *Graph {
	g := New()
	g.c, g.due = c, c.Least
	return g
}

// hasFile reports whether the graph may be written to a file.
func (g *Graph) hasFile() bool { return g.c.Path != "" && !g.c.ReadOnly }

// Open makes the graph of the n records in the database. It takes the file, if known says that the
// database remembers its stamp, and else the database's own rows. An error is that of Records.
func Open(c Config, n int, known func(mapped.Stamp) bool) (*Graph, error) {
	g := &Graph{c: c}
	err := g.open(n, known, func(*mapped.File) error { return nil })
	if errors.Is(err, mapped.ErrNone) {
		err = g.load(n)
	} else if broken, ok := errors.AsType[*mapped.BrokenError](err); ok {
		c.Broken(broken)
		err = g.load(n)
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// OpenFile is Open for a check. It compares all of the file with its hashes, and makes nothing
// again. The error is [mapped.ErrNone] where there is no file.
func OpenFile(c Config, n int, known func(mapped.Stamp) bool) (*Graph, error) {
	g := &Graph{c: c}
	if err := g.open(n, known, (*mapped.File).Verify); err != nil {
		return nil, err
	}
	return g, nil
}

func (c Config) file() mapped.Config {
	return mapped.Config{Path: c.Path, Layout: dag.Layout(), Heap: c.Heap, ReadOnly: c.ReadOnly, Volatile: c.Volatile}
}

// open takes the graph of the file and adds what is not in it.
func (g *Graph) open(n int, known func(mapped.Stamp) bool, verify func(*mapped.File) error) error {
	if g.c.Path == "" {
		return mapped.ErrNone
	}
	file, stamp, rest, err := mapped.Open(g.c.file(), func(s mapped.Stamp) bool { return s.Index <= uint64(n) && known(s) })
	if err != nil {
		return err
	}
	if err := verify(file); err != nil {
		return errors.Join(err, file.Close())
	}
	d, err := dag.Restore(file, rest)
	if err != nil {
		return errors.Join(&mapped.BrokenError{Path: g.c.Path, Reason: err.Error()}, file.Close())
	}
	g.base = int(stamp.Index)
	g.due = g.base + g.c.Every
	if broken := file.Guard(func() { err = g.follow(d, n) }); broken != nil {
		err = errors.Join(broken, file.Close())
		g.since = nil
	}
	if err == nil {
		g.current.Store(&core{d, file})
	}
	return err
}

// follow adds the records from the last checkpoint on to the graph of the file.
func (g *Graph) follow(d *dag.DAG, n int) error {
	if d.Len() != g.base {
		panic(&mapped.BrokenError{Path: g.c.Path, Reason: fmt.Sprintf("it has %d records, want %d", d.Len(), g.base)})
	}
	for r, err := range g.c.Records(g.base, n) {
		if err == nil {
			err = d.Check(&r)
		}
		if err != nil {
			return fmt.Errorf("record %d: %w", d.Len()+1, err)
		}
		r = clone(r)
		d.Add(r.Parents, r.Placement, r.Work)
		g.since = append(g.since, r)
	}
	return nil
}

// load makes the graph of the database's rows.
func (g *Graph) load(n int) error {
	c, err := g.build(g.c.Records(0, n), n)
	if err != nil {
		return err
	}
	g.base, g.since = c.dag.Len(), nil
	g.due = max(g.base, g.c.Least)
	g.current.Store(c)
	return nil
}

// build makes a graph of n records: in a file, or where that is not worth it or fails, on the heap.
func (g *Graph) build(records iter.Seq2[dag.Record, error], n int) (*core, error) {
	if g.hasFile() && n >= g.c.Least {
		c, err := g.buildFile(records)
		if err == nil {
			return c, nil
		}
		if _, ok := errors.AsType[*mapped.BrokenError](err); !ok {
			return nil, err
		}
		g.c.Broken(err)
	}
	d, err := dag.Load(records)
	return &core{dag: d}, err
}

func (g *Graph) buildFile(records iter.Seq2[dag.Record, error]) (*core, error) {
	file, err := mapped.Create(g.c.file())
	if err != nil {
		return nil, &mapped.BrokenError{Path: g.c.Path, Reason: err.Error()}
	}
	scratch, err := mapped.Scratch(mapped.Config{Path: g.c.Path + "-scratch", Heap: g.c.Heap})
	if err != nil {
		return nil, errors.Join(&mapped.BrokenError{Path: g.c.Path, Reason: err.Error()}, file.Close())
	}
	var d *dag.DAG
	broken := file.Guard(func() {
		if e := scratch.Guard(func() { d, err = dag.LoadIn(file, scratch, records) }); e != nil {
			panic(e)
		}
	})
	if err = errors.Join(broken, err, scratch.Close()); err != nil {
		return nil, errors.Join(err, file.Close(), g.c.file().Remove())
	}
	return &core{d, file}, nil
}

// Replace makes the graph again of records that say what it is now.
func (g *Graph) Replace(records iter.Seq2[dag.Record, error]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.current.Load().dag.Len()
	var since []dag.Record
	c, err := g.build(func(yield func(dag.Record, error) bool) {
		idx := 0
		since = nil
		for r, err := range records {
			if idx++; err == nil && idx > g.base {
				since = append(since, clone(r))
			}
			if !yield(r, err) {
				return
			}
		}
	}, n)
	if err != nil {
		return err
	}
	g.since = since
	g.current.Store(c)
	return nil
}

func clone(r dag.Record) dag.Record {
	r.Parents = append([]dag.Index(nil), r.Parents...)
	r.Mergeset = append([]dag.Index(nil), r.Mergeset...)
	return r
}

// mend makes the graph again whose file broke, unless that was done already.
func (g *Graph) mend(broken *core, why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current.Load() == broken {
		g.mendLocked(why)
	}
}

func (g *Graph) mendLocked(why error) {
	g.c.Broken(why)
	old := g.current.Load()
	n := g.base + len(g.since)
	c, err := g.build(func(yield func(dag.Record, error) bool) {
		for r, err := range g.c.Records(0, g.base) {
			if !yield(r, err) {
				return
			}
		}
		for _, r := range g.since {
			if !yield(r, nil) {
				return
			}
		}
	}, n)
	if err == nil && c.dag.Len() != n {
		err = fmt.Errorf("the database has %d of %d records", c.dag.Len(), n)
	}
	if err != nil {
		panic(fmt.Errorf("the graph cannot be made again of the database: %w, after %w", err, why))
	}
	g.due = min(g.due, n)
	_ = old.file.Close() // it is broken
	g.current.Store(c)
}

// Add adds a record where Place put it and returns its index. It keeps the slices.
func (g *Graph) Add(parents []dag.Index, p dag.Placement, work uint64) (i dag.Index) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.change(func(d *dag.DAG) { i = d.Add(parents, p, work) })
	if g.current.Load().file != nil {
		g.since = append(g.since, dag.Record{Parents: parents, Work: work, Placement: p})
	}
	return i
}

// Truncate forgets the records above n: those of a batch that was taken back.
func (g *Graph) Truncate(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.change(func(d *dag.DAG) { d.Truncate(n) })
	if g.current.Load().file != nil {
		g.since = g.since[:min(len(g.since), max(0, n-g.base))]
	}
}

// change changes the graph. What broke in the middle of a change is made again as before it.
func (g *Graph) change(do func(*dag.DAG)) {
	for {
		c := g.current.Load()
		if c.file == nil {
			do(c.dag)
			return
		}
		err := c.file.Guard(func() { do(c.dag) })
		if err == nil {
			return
		}
		g.mendLocked(err)
	}
}

// ask runs a question, again where the graph must be made again first.
func (g *Graph) ask(question func(*dag.DAG)) {
	for {
		c := g.current.Load()
		if c.file == nil {
			question(c.dag)
			return
		}
		err := c.file.Guard(func() { question(c.dag) })
		if err == nil {
			return
		}
		g.mend(c, err)
	}
}
