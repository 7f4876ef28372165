package simulation

import (
	"context"
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
	// known are all records that the node was given and kept; order the attached ones as they attached.
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

// receive puts records in the order given. It holds those ahead of the node's clock, and fetches what they turn out to lack.
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
		r := n.sent[id]
		n.order = append(n.order, r)
		for _, l := range r.Links {
			if _, was := n.linked[l]; !was {
				n.linked[l] = n.now
			}
		}
	}
	for _, id := range result.Missing {
		n.after(round, func() { n.fetch(id) })
	}
	return result
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

// write does what a writer does who uses this node: it takes links, dates, signs, pays and publishes.
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
	ids, newest, err := n.store.Links(context.Background(), count, n.time())
	if err != nil {
		n.t.Fatal(err)
	}
	return links{ids, newest}
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
