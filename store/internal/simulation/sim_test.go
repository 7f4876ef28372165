package simulation

import (
	"container/heap"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lf-store/lf/protocol"
)

// round is a gossip round: the longest, in milliseconds, that a record takes from its writer to any
// node.
const round = 1000

// sim is a network of nodes on virtual time. A record that is published reaches each node of the
// publisher's side after a delay of its own, up to a round. So records overtake each other and come
// before their parents.
type sim struct {
	t tester
	*world
	dir    string
	now    uint64
	events events
	count  uint64 // of events, to keep the order of those at one time
	nodes  []*node
	// sent are all records ever published, by their IDs: what a node can fetch from others of its
	// side.
	sent map[protocol.ID]*protocol.Record
}

// newSim makes a network of a number of nodes.
func newSim(t testing.TB, nodes int, change func(*protocol.Params)) *sim {
	t.Helper()
	return simOf(t, newWorld(t, change), nodes)
}

func simOf(t tester, w *world, nodes int) *sim {
	t.Helper()
	s := &sim{t: t, world: w, dir: tempDir(t), now: start, sent: map[protocol.ID]*protocol.Record{}}
	for range nodes {
		s.join()
	}
	return s
}

// tempDir is in memory where the system has such a place: what is tested here is not the disk.
func tempDir(t tester) string {
	t.Helper()
	place := "/dev/shm"
	if _, err := os.Stat(place); err != nil {
		place = ""
	}
	dir, err := os.MkdirTemp(place, "lf-simulation")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// join adds a node with an empty store.
func (s *sim) join() *node {
	n := &node{sim: s, known: map[protocol.ID]bool{}, linked: map[protocol.ID]uint64{}}
	n.path = filepath.Join(s.dir, fmt.Sprintf("%d.db", len(s.nodes)))
	n.clock.Store(int64(s.now))
	n.open()
	s.t.Cleanup(n.close)
	s.nodes = append(s.nodes, n)
	return n
}

// event is something that happens at a time.
type event struct {
	at, order uint64
	do        func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// after has something happen later.
func (s *sim) after(delay uint64, do func()) {
	s.count++
	heap.Push(&s.events, event{s.now + delay, s.count, do})
}

// run lets so much time pass.
func (s *sim) run(duration uint64) {
	end := s.now + duration
	for len(s.events) > 0 && s.events[0].at <= end {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		s.tick()
		e.do()
	}
	s.now = end
	s.tick()
}

// settle lets time pass until everything that was sent has come.
func (s *sim) settle() {
	for len(s.events) > 0 {
		s.run(s.events[0].at - s.now)
	}
}

func (s *sim) tick() {
	for _, n := range s.nodes {
		n.clock.Store(int64(s.now) + n.skew)
	}
}

// latency is a delay drawn at random: most records are quick, the slowest take a round.
func (s *sim) latency() uint64 { return 50 + s.rng.Uint64N(round-50) }

// publish sends a record to every node of a node's side, itself included, which has it at once. Of
// several, each goes its own way.
func (s *sim) publish(from *node, records ...*protocol.Record) {
	for _, r := range records {
		s.sent[r.ID()] = r
		from.receive(r)
		for _, to := range s.nodes {
			if to != from {
				s.after(s.latency(), func() { s.deliver(from, to, r) })
			}
		}
	}
}

// deliver hands a record over unless there is no way between the two nodes now.
func (s *sim) deliver(from, to *node, r *protocol.Record) {
	if from.side == to.side {
		to.receive(r)
	}
}

// partition cuts the network: nodes from the i-th on are apart from those before.
func (s *sim) partition(i int) {
	for j, n := range s.nodes {
		n.side = 0
		if j >= i {
			n.side = 1
		}
	}
}

// heal joins the sides again and gives every node what it lacks: parents first, or in any order.
func (s *sim) heal(parentsFirst bool) {
	for _, n := range s.nodes {
		n.side = 0
	}
	var all []*protocol.Record
	seen := map[protocol.ID]bool{}
	// each node's own order has parents first, and so has one after the other
	for _, n := range s.nodes {
		for _, r := range n.order {
			if !seen[r.ID()] {
				seen[r.ID()], all = true, append(all, r)
			}
		}
	}
	if !parentsFirst {
		s.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	for _, n := range s.nodes {
		lacks := slices.DeleteFunc(slices.Clone(all), func(r *protocol.Record) bool { return n.known[r.ID()] })
		if parentsFirst && n.stats().Pending == 0 {
			n.putAll(lacks)
		} else {
			n.receive(lacks...)
		}
	}
}

// load has honest people write steadily until a time: one record each interval, at a random node of
// those given.
func (s *sim) load(interval, until uint64, at []*node, write func(n *node) *protocol.Record) {
	if s.now >= until {
		return
	}
	s.after(interval, func() {
		if s.now < until {
			write(at[s.rng.IntN(len(at))])
			s.load(interval, until, at, write)
		}
	})
}

// plain writes an ordinary record without a claim.
func (s *sim) plain(n *node) *protocol.Record {
	return n.write(statement{by: s.person("somebody"), kind: filler})
}

// busy has honest people write this number of ordinary records a round, for some rounds, at any of
// the nodes.
func (s *sim) busy(perRound, rounds uint64, at ...*node) {
	if at == nil {
		at = s.nodes
	}
	s.load(round/perRound, s.now+rounds*round, at, s.plain)
}
