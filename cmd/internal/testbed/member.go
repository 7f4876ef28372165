package testbed

import (
	"context"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
)

// member is a node in a run: its machine, and what has been seen of it.
type member struct {
	node    *Node
	machine machine
	reading sync.Mutex // held while the books read what it has

	mu     sync.Mutex
	door   Door // nil while it is down; hostile ones have none
	up     bool
	clock  time.Duration
	latest reading
	earned traffic // of runs before this one
	course []Point
	runs   []Interval
}

// reading is what a node said of itself.
type reading struct {
	at          time.Duration
	attached    uint64
	pending     uint64
	peers       int
	state       string
	fingerprint string
	traffic     traffic // since the node's start
}

// traffic is what a node has received and sent, in bytes.
type traffic struct{ in, out uint64 }

func (t traffic) plus(u traffic) traffic  { return traffic{t.in + u.in, t.out + u.out} }
func (t traffic) minus(u traffic) traffic { return traffic{t.in - u.in, t.out - u.out} }

// Point is how many records a node had attached at a moment of the run.
type Point struct {
	At       float64 `json:"at"` // seconds
	Attached uint64  `json:"attached"`
}

// Interval is a piece of a run, in seconds.
type Interval struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// began notes that the node runs, and returns the number of the run.
func (m *member) began(door Door, at time.Duration) (run int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.door, m.up = door, true
	m.runs = append(m.runs, Interval{at.Seconds(), -1})
	return len(m.runs)
}

// over notes that the node does not run any more.
func (m *member) over(at time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(at)
}

// died notes that a run has ended, and reports whether that is news. Who waits for the end of a run
// may hear of it when the next has begun.
func (m *member) died(run int, at time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return run == len(m.runs) && m.end(at)
}

// end ends the run, if there is one; the caller holds the lock.
func (m *member) end(at time.Duration) bool {
	was := m.up
	m.door, m.up = nil, false
	if was {
		m.runs[len(m.runs)-1].To = at.Seconds()
		m.earned, m.latest.traffic = m.earned.plus(m.latest.traffic), traffic{}
		m.latest.peers, m.latest.fingerprint, m.latest.state = 0, "", ""
	}
	return was
}

// access returns the door, nil while the node is down.
func (m *member) access() Door {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.door
}

func (m *member) isUp() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up
}

// seen returns the last reading, and the traffic of all runs.
func (m *member) seen() (reading, traffic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.latest, m.earned.plus(m.latest.traffic)
}

// look asks the node how it is.
func (m *member) look(ctx context.Context, clock func() time.Duration) error {
	door := m.access()
	if door == nil {
		return nil
	}
	status, err := door.Status(ctx)
	if err != nil {
		return err
	}
	m.note(door, status, clock())
	return nil
}

func (m *member) note(door Door, s *api.Status, at time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.door != door {
		return // of a run that has ended
	}
	m.latest = readingOf(s, at)
	if n := len(m.course); n == 0 || m.course[n-1].Attached != m.latest.attached {
		m.course = append(m.course, Point{at.Seconds(), m.latest.attached})
	}
}

// reached is when the node had as many records as it has now, and has kept them since.
func (m *member) reached() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.course) == 0 {
		return 0
	}
	return time.Duration(m.course[len(m.course)-1].At * float64(time.Second))
}

func (m *member) setClock(offset time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = offset
}

func (m *member) offset() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock
}
