package store

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// DamagedRecord is an attached record whose bytes the disk has changed, and that is not repaired
// yet.
type DamagedRecord struct {
	// ID is whole, but for a record that was damaged before the database kept IDs: then all but 8
	// bytes may be zero.
	ID    protocol.ID
	Index uint64
	// Part is what is damaged: "header" or "value".
	Part string
	// Unavailable says that no peer had it when all were asked last.
	Unavailable bool
}

// Damage is what is known of damage on the disk.
type Damage struct {
	// Records are damaged, by their index; at most 4,096 are known at a time.
	Records []DamagedRecord
	// Repaired counts the records repaired since the start, and Rows the rows of other tables that
	// were.
	Repaired, Rows uint64
	// Problems are kinds of damage to other tables that cannot be repaired.
	Problems []string
}

// damage remembers what was found. It is safe for concurrent use.
type damage struct {
	log *slog.Logger

	mu       sync.Mutex
	records  map[protocol.ID]*DamagedRecord
	unsaved  []int64         // indices that the table damaged does not have yet
	rows     map[string]bool // what was said of other tables
	runs     []runs.DamagedError
	problems map[string]int // by the round of the scrub in which they were seen last
	round    int
	repairs  uint64
	mended   uint64
	// sound tells from which repair on a reader sees the record with an index as it should be.
	sound map[uint64]uint64
	found chan struct{} // says that there is something new
	// changes counts what was repaired, for those who remember what they read.
	changes atomic.Uint64
	// changed is called when a damaged record was found: answers that rest on it are others now. It
	// must not call back; nil: nobody wants to know.
	changed func()
}

func newDamage(log *slog.Logger) *damage {
	return &damage{log: log, records: map[protocol.ID]*DamagedRecord{}, rows: map[string]bool{}, problems: map[string]int{}, sound: map[uint64]uint64{}, found: make(chan struct{}, 1)}
}

// note notes a damaged record, once. repairs is how many there were when the transaction began that
// has seen it. One from before the record's repair sees it as it was.
func (d *damage) note(e *DamagedError, repairs uint64) {
	if d == nil {
		return // a file that is only checked
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if repairs < d.sound[e.Index] {
		return
	}
	if known := d.records[e.ID]; known != nil || len(d.records) >= maxDamaged {
		e.Unavailable = known != nil && known.Unavailable
		return
	}
	r := &DamagedRecord{ID: e.ID, Index: e.Index, Part: "header"}
	if e.Record != nil {
		r.Part = "value"
	}
	d.records[e.ID] = r
	d.unsaved = append(d.unsaved, int64(e.Index))
	d.log.Error("this node's disk damaged a record; it is fetched from a peer", "record", e.ID, "part", r.Part)
	d.wake()
	if d.changed != nil {
		d.changed()
	}
}

// wake tells whoever waits; the caller holds the lock.
func (d *damage) wake() {
	select {
	case d.found <- struct{}{}:
	default:
	}
}

// noteIndex notes damage to what is derived from the records. The scrub repairs it.
func (d *damage) noteIndex(idx int64, what string) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.rows[what] {
		d.rows[what] = true
		d.log.Error("this node's disk damaged an index; it is rebuilt from the records", "what", what, "index", idx)
	}
}

// mend counts a row of an index that was rebuilt.
func (d *damage) mend(idx int64, what string) {
	d.noteIndex(idx, what)
	d.changes.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mended++
}

// repairCount returns how often something was repaired.
func (d *damage) repairCount() uint64 {
	if d == nil {
		return 0
	}
	return d.changes.Load()
}

// problem notes damage that cannot be repaired.
func (d *damage) problem(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.problems[what]; !known {
		if len(d.problems) >= maxDamageProblems {
			return
		}
		d.log.Error("this node's disk damaged what cannot be rebuilt: stop the node and run lf check", "what", what)
	}
	d.problems[what] = d.round
}

// nextRound forgets problems that a whole round of the scrub did not see: something was repaired
// since.
func (d *damage) nextRound() {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.problems, func(_ string, seen int) bool { return seen < d.round })
	d.round++
}

// repaired notes that the record with an index was repaired; index 0: none was. Transactions see
// that which begin after this number of repairs.
func (d *damage) repaired(idx int64, id protocol.ID, repairs uint64) {
	if idx == 0 {
		return
	}
	d.changes.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.records, func(_ protocol.ID, r *DamagedRecord) bool { return r.Index == uint64(idx) })
	if len(d.sound) >= maxDamaged { // at worst a record is repaired once more
		clear(d.sound)
	}
	d.sound[uint64(idx)] = repairs
	d.repairs++
	d.log.Info("repaired a record that the disk had damaged", "record", id)
}

// recovered forgets a record that is sound again, since what it is unpacked with was repaired. It
// reports whether the record was noted.
func (d *damage) recovered(idx int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	noted := len(d.records)
	maps.DeleteFunc(d.records, func(_ protocol.ID, r *DamagedRecord) bool { return r.Index == uint64(idx) })
	return len(d.records) < noted
}

// has reports whether a record is known to be damaged.
func (d *damage) has(id protocol.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.records[id] != nil
}

func (d *damage) anyUnsaved() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.unsaved) > 0
}

// takeUnsaved returns the indices that are to be saved.
func (d *damage) takeUnsaved() []int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	unsaved := d.unsaved
	d.unsaved = nil
	return unsaved
}

// Damage says what is known of damage on the disk.
func (s *Store) Damage() Damage {
	d := s.damage
	d.mu.Lock()
	defer d.mu.Unlock()
	known := Damage{Repaired: d.repairs, Rows: d.mended}
	for _, r := range d.records {
		known.Records = append(known.Records, *r)
	}
	slices.SortFunc(known.Records, func(a, b DamagedRecord) int { return int(int64(a.Index) - int64(b.Index)) })
	for p := range d.problems {
		known.Problems = append(known.Problems, p)
	}
	slices.Sort(known.Problems)
	return known
}

// DamageFound receives after damaged records were found. One at a time may receive from it.
func (s *Store) DamageFound() <-chan struct{} { return s.damage.found }

// Unavailable notes that all peers were asked for a damaged record, and none has it.
func (s *Store) Unavailable(id protocol.ID) {
	d := s.damage
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.records[id]; r != nil && !r.Unavailable {
		r.Unavailable = true
		d.log.Error("no peer has a record that this node's disk damaged", "record", id)
	}
}
