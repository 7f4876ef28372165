package outbox

import (
	"fmt"
	"sync"
	"time"

	"github.com/lf-store/lf/internal/linelog"
	"github.com/lf-store/lf/protocol"
)

const (
	// Kept is how long a record is handed in again. Nobody waits for it any more after that.
	Kept = 24 * time.Hour
	// minPause and maxPause bound the time between two tries. It doubles with each.
	minPause = time.Second
	maxPause = 5 * time.Minute
)

// Limits bound what waits. Where it is too much, the client that has most in the box loses its
// oldest record.
type Limits struct {
	Records int
	Bytes   int // of all frames
}

// DefaultLimits are those of a proxy.
var DefaultLimits = Limits{Records: 1024, Bytes: 16 << 20}

// Record is a finished record that too few nodes have.
type Record struct {
	ID     protocol.ID
	Frame  []byte
	Client string // who had it written

	at    time.Time // when it came
	due   time.Time // for the next try
	pause time.Duration
	taken bool // somebody is handing it in
}

// Outbox is the box. Its methods are safe for concurrent use.
type Outbox struct {
	limits Limits
	now    func() time.Time

	mu      sync.Mutex
	file    *linelog.File
	records map[protocol.ID]*Record
	bytes   int
	lost    uint64
	changed chan struct{} // closed at the next change
}

// Open reads the box in a file. There need not be one yet. All records in it are due. now is the
// clock. The caller must Close it.
func Open(path string, limits Limits, now func() time.Time) (*Outbox, error) {
	o := &Outbox{limits: limits, now: now, records: map[protocol.ID]*Record{}, changed: make(chan struct{})}
	var err error
	if o.file, err = linelog.Open(path, maxLine, o.replay); err != nil {
		return nil, fmt.Errorf("the outbox: %w", err)
	}
	return o, nil
}

// Close closes the file.
func (o *Outbox) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.file.Close()
}

// Len counts the records.
func (o *Outbox) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.records)
}

// Waiting counts the records, and tells since when the oldest one waits.
func (o *Outbox) Waiting() (count int, oldest time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.records {
		if oldest.IsZero() || r.at.Before(oldest) {
			oldest = r.at
		}
	}
	return len(o.records), oldest
}

// Lost counts the records that were given up before enough nodes had them.
func (o *Outbox) Lost() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lost
}

// Hold puts a record into the box. The caller hands it in and must call Later or Done. Hold returns
// when the record is on disk.
func (o *Outbox) Hold(client string, id protocol.ID, frame []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r, ok := o.records[id]; ok {
		r.taken = true
		return nil
	}
	r := &Record{ID: id, Frame: frame, Client: client, at: o.now(), taken: true}
	o.add(r)
	return o.note(lineOf(r), true)
}

// add puts a record in, and makes room for it.
func (o *Outbox) add(r *Record) {
	for len(o.records) > 0 && (len(o.records) >= o.limits.Records || o.bytes+len(r.Frame) > o.limits.Bytes) {
		o.remove(o.least())
		o.lost++
	}
	o.records[r.ID] = r
	o.bytes += len(r.Frame)
}

// least is the oldest record of the client that has most bytes in the box.
func (o *Outbox) least() *Record {
	has := map[string]int{}
	for _, r := range o.records {
		has[r.Client] += len(r.Frame)
	}
	var least *Record
	for _, r := range o.records {
		switch {
		case least == nil, has[r.Client] > has[least.Client], r.Client == least.Client && r.at.Before(least.at):
			least = r
		}
	}
	return least
}

func (o *Outbox) remove(r *Record) {
	delete(o.records, r.ID)
	o.bytes -= len(r.Frame)
}

// Next returns the record that is due. The caller hands it in and calls Later or Done. Where none
// is due, wait is the time until one is, negative where the box is empty. changed is closed when
// that may have changed.
func (o *Outbox) Next() (due *Record, wait time.Duration, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	for _, r := range o.records {
		if !r.taken && (due == nil || r.due.Before(due.due)) {
			due = r
		}
	}
	switch {
	case due == nil:
		return nil, -1, o.changed
	case due.due.After(now):
		return nil, due.due.Sub(now), o.changed
	}
	due.taken = true
	copied := *due
	return &copied, 0, o.changed
}

// Later says that too few nodes have a record yet. It reports whether the record was in the box,
// and whether it is tried again: one that is too old is given up.
func (o *Outbox) Later(id protocol.ID) (again, was bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, ok := o.records[id]
	switch {
	case !ok:
		return false, false, nil
	case o.now().Sub(r.at) > Kept:
		o.lost++
		return false, true, o.drop(r)
	}
	r.pause = min(max(2*r.pause, minPause), maxPause)
	r.taken, r.due = false, o.now().Add(r.pause)
	close(o.changed)
	o.changed = make(chan struct{})
	return true, true, nil
}

// Done takes a record out, and reports whether it was in. lost says that it was given up: all nodes
// refuse it.
func (o *Outbox) Done(id protocol.ID, lost bool) (was bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, ok := o.records[id]
	if !ok {
		return false, nil
	}
	if lost {
		o.lost++
	}
	return true, o.drop(r)
}

func (o *Outbox) drop(r *Record) error {
	o.remove(r)
	return o.note(line{ID: r.ID, Done: true}, false)
}
