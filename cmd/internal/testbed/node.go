package testbed

import (
	"context"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
)

// node is a node in a run: its machine, and what it has said of itself.
type node struct {
	spec    *Node
	machine machine
	reading sync.Mutex // held while the ledger reads what the node has

	mu             sync.Mutex
	client         NodeAPI // nil while it is down; hostile ones have none
	up             bool
	clock          time.Duration
	status         nodeStatus
	earlierTraffic traffic // of runs before this one
	course         []Point
	runs           []Interval
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

// markUp notes that the node runs, and returns the number of the run.
func (m *node) markUp(client NodeAPI, at time.Duration) (run int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.client, m.up = client, true
	m.runs = append(m.runs, Interval{at.Seconds(), -1})
	return len(m.runs)
}

// markDown notes that the node does not run any more.
func (m *node) markDown(at time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.markDownLocked(at)
}

// runEnded notes that a run has ended, and reports whether that is news. The end of a run may be
// noticed after the next has begun.
func (m *node) runEnded(run int, at time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return run == len(m.runs) && m.markDownLocked(at)
}

// markDownLocked ends the run, if there is one. The caller holds the lock.
func (m *node) markDownLocked(at time.Duration) bool {
	was := m.up
	m.client, m.up = nil, false
	if was {
		m.runs[len(m.runs)-1].To = at.Seconds()
		m.earlierTraffic, m.status.traffic = m.earlierTraffic.plus(m.status.traffic), traffic{}
		m.status.peers, m.status.fingerprint, m.status.state = 0, "", ""
	}
	return was
}

// api returns the node's API, nil while the node is down.
func (m *node) api() NodeAPI {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.client
}

func (m *node) isUp() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up
}

// lastStatus returns the last status, and the traffic of all runs.
func (m *node) lastStatus() (nodeStatus, traffic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status, m.earlierTraffic.plus(m.status.traffic)
}

// refresh asks the node for its status.
func (m *node) refresh(ctx context.Context, clock func() time.Duration) error {
	client := m.api()
	if client == nil {
		return nil
	}
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	m.store(client, status, clock())
	return nil
}

func (m *node) store(client NodeAPI, s *api.Status, at time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client != client {
		return // of a run that has ended
	}
	m.status = newNodeStatus(s, at)
	if n := len(m.course); n == 0 || m.course[n-1].Attached != m.status.attached {
		m.course = append(m.course, Point{at.Seconds(), m.status.attached})
	}
}

// lastGain is when the node came to have as many records as it has now.
func (m *node) lastGain() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.course) == 0 {
		return 0
	}
	return time.Duration(m.course[len(m.course)-1].At * float64(time.Second))
}

func (m *node) setClock(offset time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = offset
}

func (m *node) offset() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock
}
