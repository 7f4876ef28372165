package runs

// Run is a run as the database has it: the entries of the numbers from First to Last.
type Run struct {
	// Number is that of the run, from 1 to MaxRuns.
	Number      int
	Kind        int
	Level       int
	State       State
	First, Last uint32
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

// entries returns how many entries the run has.
func (r *Run) entries() int { return int(r.Last-r.First) + 1 }

// placeShift is how many low bits of a key do not decide where its chunk is.
const placeShift = 16

// place is where a chunk is: the run's number, and the first 48 bits of the first key.
func (r *Run) place(key uint64) int64 { return int64(r.Number)<<48 | int64(key>>placeShift) }

// owns reports whether a place is in the run.
func (r *Run) owns(place int64) bool { return place>>48 == int64(r.Number) }

// keyAt is the key at a place.
func keyAt(place int64) uint64 { return uint64(place) << placeShift }

// End is the first place after the run.
func (r *Run) End() int64 { return int64(r.Number+1) << 48 }

// PlaceOf is the place of the chunk that begins at a key, and KeyAt the key of a place: 0 for one
// before the run.
func (r *Run) PlaceOf(key uint64) int64 { return r.place(key) }

// KeyAt is the inverse of PlaceOf.
func (r *Run) KeyAt(place int64) uint64 {
	if place < r.place(0) {
		return 0
	}
	return keyAt(place)
}

// Rows is what a transaction sees of the tables that keep the runs.
type Rows interface {
	// RunsVersion returns the number that [Rows.SetRunsVersion] set last.
	RunsVersion() (int64, error)
	SetRunsVersion(version int64) error
	// Runs returns all runs.
	Runs() ([]Run, error)
	// PutRun adds a run, or changes the one of its number.
	PutRun(r Run) error
	DeleteRun(number int) error

	// ChunkBefore returns the last chunk at or before a place, ChunkFrom the first at or after it.
	// found is false where there is none.
	ChunkBefore(place int64) (at int64, chunk []byte, found bool, err error)
	ChunkFrom(place int64) (at int64, chunk []byte, found bool, err error)
	PutChunk(place int64, chunk []byte) error
	// DeleteChunks deletes at most limit chunks from a place on, up to another one, and returns how
	// many.
	DeleteChunks(from, end int64, limit int) (int, error)

	// Filter calls read with the pieces of a run's filter.
	Filter(run int, read func(n int, piece []byte)) error
	PutFilter(run, n int, piece []byte) error
	DeleteFilter(run int) error
}

// Source yields the entries of a kind with the numbers from first to last, in their order. It reads
// them from what the index is of.
type Source func(kind int, first, last uint32, yield func(Entry) error) error
