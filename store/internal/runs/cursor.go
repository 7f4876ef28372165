package runs

import (
	"bytes"
	"slices"
)

// runCursor goes through the rows of a run.
type runCursor struct {
	index *Index
	rows  Rows
	run   *loadedRun
	// mend has the rows of a damaged chunk derived. Without it damage is an error, and all chunks
	// are read again.
	mend bool

	n       int // the chunk
	chunk   chunkReader
	patch   [][]byte // what is left of the rows in place of the chunk
	patched bool
}

// seek goes to the first row that is not before another one, and returns it; nil: there is none.
func (c *runCursor) seek(row []byte) ([]byte, error) {
	if c.run.Chunks == 0 {
		return nil, nil
	}
	c.n = c.run.fences.find(row)
	if err := c.read(); err != nil {
		return nil, err
	}
	if !c.patched {
		more, err := c.chunk.seek(row)
		if err == nil && more {
			return c.chunk.row, nil
		}
		if err == nil {
			return c.next()
		}
		if err := c.fail(); err != nil {
			return nil, err
		}
	}
	at, _ := slices.BinarySearchFunc(c.patch, row, bytes.Compare)
	c.patch = c.patch[at:]
	return c.next()
}

// next returns the next row; nil: there is none.
func (c *runCursor) next() ([]byte, error) {
	for {
		row, err := c.nextHere()
		if err != nil || row != nil {
			return row, err
		}
		if c.n++; c.n >= c.run.Chunks {
			return nil, nil
		}
		if err := c.read(); err != nil {
			return nil, err
		}
	}
}

// nextHere returns the next row of the chunk; nil: there is none.
func (c *runCursor) nextHere() ([]byte, error) {
	if !c.patched {
		more, err := c.chunk.next()
		if err == nil && more {
			return c.chunk.row, nil
		}
		if err == nil {
			return nil, nil
		}
		if err := c.fail(); err != nil {
			return nil, err
		}
		at, found := slices.BinarySearchFunc(c.patch, c.chunk.row, bytes.Compare)
		if found {
			at++
		}
		c.patch = c.patch[at:]
	}
	if len(c.patch) == 0 {
		return nil, nil
	}
	row := c.patch[0]
	c.patch = c.patch[1:]
	return row, nil
}

// read begins with the chunk.
func (c *runCursor) read() error {
	row := c.chunk.row[:0]
	c.patched = false
	at := chunkOf{c.run, c.n}
	if b, ok := c.index.chunks.Get(at); ok && c.mend {
		c.chunk = readSound(&c.run.Run, c.index.kinds[c.run.Kind].Tail, b)
		c.chunk.row = row
		return nil
	}
	b, err := c.rows.Chunk(c.run.Number, c.n)
	if err != nil {
		return err
	}
	if c.chunk, err = readChunk(&c.run.Run, c.n, c.index.kinds[c.run.Kind].Tail, b); err != nil {
		return c.fail()
	}
	if c.chunk.row = row; c.mend {
		c.index.chunks.Add(at, b)
	}
	return nil
}

// fail goes on with derived rows in place of a chunk that is damaged.
func (c *runCursor) fail() (err error) {
	if !c.mend {
		e := &DamagedError{c.run.Run, c.n}
		c.rows.Damaged(e)
		return e
	}
	c.patch, err = c.index.patch(c.rows, c.run, c.n)
	c.patched = true
	return err
}

// patched names a chunk whose rows were derived.
type patched struct {
	kind, number, level int
	first, last         uint32
	chunk               int
}

func newPatched(r *Run, n int) patched { return patched{r.Kind, r.Number, r.Level, r.First, r.Last, n} }

// patch returns the rows that are to be in a damaged chunk. They are derived once, for all damaged
// chunks of the run and for all who wait.
func (x *Index) patch(rows Rows, run *loadedRun, n int) ([][]byte, error) {
	if list, known := x.patchOf(&run.Run, n); known {
		return list, nil
	}
	select {
	case x.deriving <- struct{}{}:
		defer func() { <-x.deriving }()
	case <-rows.Context().Done():
		return nil, rows.Context().Err()
	}
	if list, known := x.patchOf(&run.Run, n); known {
		return list, nil
	}
	broken := map[int][][]byte{n: nil}
	rows.Damaged(&DamagedError{run.Run, n})
	for other := range run.Chunks {
		sound, err := x.IsSound(rows, run.Run, other)
		if err != nil {
			return nil, err
		}
		if !sound && other != n {
			broken[other] = nil
			rows.Damaged(&DamagedError{run.Run, other})
		}
	}
	if err := rows.Derive([]int{run.Kind}, run.First, run.Last, func(_ int, _ uint32, row []byte) error {
		at := run.fences.find(row)
		if list, ok := broken[at]; ok {
			broken[at] = append(list, row)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for at, list := range broken {
		slices.SortFunc(list, bytes.Compare)
		x.patches[newPatched(&run.Run, at)] = slices.CompactFunc(list, bytes.Equal)
	}
	return x.patches[newPatched(&run.Run, n)], nil
}

func (x *Index) patchOf(r *Run, n int) (list [][]byte, known bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	list, known = x.patches[newPatched(r, n)]
	return list, known
}

// unpatch forgets the derived rows of a chunk, or of all chunks of a run where n is negative.
func (x *Index) unpatch(r *Run, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for p := range x.patches {
		if p == newPatched(r, p.chunk) && (n < 0 || p.chunk == n) {
			delete(x.patches, p)
		}
	}
}
