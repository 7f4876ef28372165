package runs

import (
	"context"
	"fmt"
)

// Run is a run as the database has it: the rows of the records from First to Last.
type Run struct {
	// Number is that of the run, from 1 to MaxRuns.
	Number      int
	Kind        int
	Level       int
	State       State
	First, Last uint32
	// Rows is how many rows it has, Keys how many different keys these begin with, and Chunks how
	// many chunks they are in. After repairs Rows and Keys may be wrong by a few.
	Rows, Keys, Chunks int
	// Blocks is the size of its filter.
	Blocks int
}

// State says what a run is good for.
type State int

// The states of a run.
const (
	Live     State = iota // it is looked up in
	Building              // a merge writes it
	Dead                  // its chunks are being deleted
)

// MaxRuns bounds the numbers of runs, all kinds together.
const MaxRuns = 1<<15 - 1

// placeShift is how many low bits of a place number the chunk.
const placeShift = 32

// place is where a chunk is: the run's number and the chunk's.
func (r *Run) place(n int) int64 { return int64(r.Number)<<placeShift | int64(n) }

// isSame reports whether two runs are of the same records.
func (r *Run) isSame(o Run) bool {
	return r.Number == o.Number && r.Kind == o.Kind && r.Level == o.Level && r.First == o.First && r.Last == o.Last
}

// Rows is what a transaction sees of the records, and of the tables that keep the runs.
type Rows interface {
	// RunsVersion returns the number that [Rows.SetRunsVersion] set last.
	RunsVersion() (int64, error)
	SetRunsVersion(version int64) error
	// Runs returns all runs.
	Runs() ([]Run, error)
	// PutRun adds a run, or changes the one of its number.
	PutRun(r Run) error
	DeleteRun(number int) error

	// Chunk returns a chunk of a run, nil where there is none.
	Chunk(run, n int) ([]byte, error)
	PutChunk(run, n int, chunk []byte) error
	// DeleteChunks deletes at most limit chunks of a run, and returns how many.
	DeleteChunks(run, limit int) (int, error)

	// Head calls read with the pieces of a run's head, in their order.
	Head(run int, read func(n int, piece []byte)) error
	PutHead(run, n int, piece []byte) error
	DeleteHead(run int) error

	// Last returns the last record that is indexed by a kind.
	Last(kind int) (uint32, error)
	// Derive yields the rows of some kinds that the records from first to last have. Those of a
	// record that is damaged may be missing. A row is the callee's.
	Derive(kinds []int, first, last uint32, yield func(kind int, number uint32, row []byte) error) error
	// Context ends when nobody waits for the transaction any more. Then Derive fails.
	Context() context.Context
	// Damaged is told of a damaged chunk by whoever reads it.
	Damaged(e *DamagedError)
}

// DamagedError says that the disk has changed a chunk, or lost it.
type DamagedError struct {
	Run   Run
	Chunk int
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("chunk %d of run %d of an index is damaged", e.Chunk, e.Run.Number)
}
