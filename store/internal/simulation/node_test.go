package simulation

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

// node is a store with a clock and a place in the network.
type node struct {
	*sim
	path  string
	store *store.Store
	clock atomic.Int64 // milliseconds; the store's writer reads it too
	skew  int64        // of the clock
	side  int
	// known are all records that the node was given and kept; order the attached ones as they
	// attached.
	known map[protocol.ID]bool
	order []*protocol.Record
	// linked says when a record was first seen linked by another one.
	linked map[protocol.ID]uint64
}

func (n *node) open() {
	n.t.Helper()
	var err error
	n.store, err = store.Open(n.path, n.Network, store.Options{Readers: 1, Clock: func() time.Time { return time.UnixMilli(n.clock.Load()) }})
	if err != nil {
		n.t.Fatal(err)
	}
}

// close ends a node, sound in every invariant.
func (n *node) close() {
	n.t.Helper()
	if _, err := n.store.Check(context.Background(), func(problem string) { n.t.Error("check:", problem) }); err != nil {
		n.t.Error("check:", err)
	}
	if err := n.store.Close(); err != nil {
		n.t.Error("close:", err)
	}
}

func (n *node) restart() {
	n.t.Helper()
	if err := n.store.Close(); err != nil {
		n.t.Fatal(err)
	}
	n.open()
}

func (n *node) time() uint64 { return uint64(n.clock.Load()) }

// receive puts records in the order given. It holds those ahead of the node's clock, and fetches
// what they turn out to lack.
func (n *node) receive(records ...*protocol.Record) {
	n.t.Helper()
	for _, r := range records {
		if n.known[r.ID()] {
			continue
		}
		until, err := n.HoldUntil(&r.Header, n.time())
		if err != nil {
			continue // too far ahead to be kept
		}
		if until > 0 {
			n.after(until-n.time(), func() { n.receive(r) })
			continue
		}
		n.put(r)
	}
}

func (n *node) put(r *protocol.Record) store.Result {
	n.t.Helper()
	result, err := n.store.Put(context.Background(), r, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	if result.Outcome == store.Refused {
		return result
	}
	n.sent[r.ID()] = r
	n.known[r.ID()] = true
	for _, id := range result.Attached {
		n.attached(n.sent[id])
	}
	for _, id := range result.Missing {
		n.after(round, func() { n.fetch(id) })
	}
	return result
}

func (n *node) attached(r *protocol.Record) {
	n.order = append(n.order, r)
	for _, l := range r.Links {
		if _, was := n.linked[l]; !was {
			n.linked[l] = n.now
		}
	}
}

// putAll puts many records, parents first and with nothing missing, several at a time: so that they
// share transactions.
func (n *node) putAll(records []*protocol.Record) {
	n.t.Helper()
	for chunk := range slices.Chunk(records, 250) {
		var wg sync.WaitGroup
		for _, r := range chunk {
			wg.Go(func() {
				if result, err := n.store.Put(context.Background(), r, 0); err != nil || result.Outcome == store.Refused {
					n.t.Errorf("put %s: %v, %v, %v", r.ID(), result.Outcome, result.Err, err)
				}
			})
		}
		wg.Wait()
		for _, r := range chunk {
			n.sent[r.ID()] = r
			n.known[r.ID()] = true
			n.attached(r)
		}
	}
}

// fetch gets a record from any node of this one's side that has it.
func (n *node) fetch(id protocol.ID) {
	for _, from := range n.nodes {
		if from.side == n.side && from.known[id] {
			n.receive(n.sent[id])
			return
		}
	}
}

// write does what a writer does who uses this node: it takes links, dates, signs, pays and
// publishes.
func (n *node) write(s statement) *protocol.Record {
	n.t.Helper()
	links := n.links(int(n.Params().MinLinks))
	s.links, s.at = links.ids, max(n.time(), links.newest)
	r := n.make(s)
	n.publish(n, r)
	if !n.known[r.ID()] {
		n.t.Fatalf("a node refused what was made with its own links")
	}
	return r
}

type links struct {
	ids    []protocol.ID
	newest uint64
}

func (n *node) links(count int) links {
	n.t.Helper()
	l, err := n.store.Links(context.Background(), store.LinksQuery{Count: count, Now: n.time()})
	if err != nil {
		n.t.Fatal(err)
	}
	return links{l.IDs, l.Newest}
}

func (n *node) stats() store.Stats {
	n.t.Helper()
	stats, err := n.store.Stats(context.Background())
	if err != nil {
		n.t.Fatal(err)
	}
	return stats
}

func (n *node) tips() []protocol.ID {
	n.t.Helper()
	tips, err := n.store.Tips(context.Background(), 100_000)
	if err != nil {
		n.t.Fatal(err)
	}
	return tips
}

// claims writes a claim on a name: a datum whose value says whose it is.
func (n *node) claims(who person, name string, effort uint32) *protocol.Record {
	n.t.Helper()
	return n.write(statement{by: who, name: name, value: []byte("of " + who.name), effort: effort})
}

// weight is what a node says.
func (n *node) weight(r *protocol.Record) uint64 {
	n.t.Helper()
	_, info, err := n.store.Get(context.Background(), r.ID())
	if err != nil {
		n.t.Fatal(err)
	}
	return info.Weight
}

// stacked is what the weight of a record must be, by walking over all that a node has attached.
func (n *node) stacked(r *protocol.Record) uint64 {
	above := map[protocol.ID]bool{r.ID(): true}
	sum := uint64(max(1, r.Effort()))
	for _, x := range n.order { // parents first
		if slices.ContainsFunc(x.Links, func(l protocol.ID) bool { return above[l] }) {
			above[x.ID()] = true
			sum += uint64(max(1, x.Effort()))
		}
	}
	return sum
}

// mustWeigh compares a node's weights with what is stacked.
func (n *node) mustWeigh(records ...*protocol.Record) {
	n.t.Helper()
	for _, r := range records {
		if have, want := n.weight(r), n.stacked(r); have != want {
			n.t.Errorf("weight %d of %s, want %d", have, r.ID(), want)
		}
	}
}
