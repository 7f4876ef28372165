package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

// healed is what it took two halves to become one.
type healed struct {
	records int           // that either half lacked
	linked  time.Duration // until all are connected again
	took    time.Duration // until all have all records, since the wire was whole
	usage   usage         // in that time
	least   int64         // bytes that had to be sent: what each node lacked, once
}

func (h healed) String() string {
	return fmt.Sprintf("%d records on each side, connected after %v, healed after %v; %d B had to be sent, payload %.2f of it; %v",
		h.records/2, h.linked, h.took, h.least, float64(h.usage.payload())/float64(h.least), h.usage)
}

// heal cuts the network into halves for a time, has a number of records written in each meanwhile,
// and makes it whole again.
func (w *world) heal(after time.Duration, records, size int) (h healed) {
	w.t.Helper()
	half := len(w.nodes) / 2
	sides := [][]*node{w.nodes[:half], w.nodes[half:]}
	w.set(func(c *conditions) { c.severed = halves(half) })
	began := time.Now()
	time.Sleep(time.Minute) // connections across have ended
	for i, side := range sides {
		bytes := w.writes(side, records, size, time.Millisecond)
		h.least += bytes * int64(len(sides[1-i]))
	}
	h.records = 2 * records
	time.Sleep(time.Until(began.Add(after)))
	before, began := w.used(usage{}), time.Now()
	w.set(func(c *conditions) { c.severed = nil })
	for _, n := range w.nodes {
		w.await(time.Minute, "node is connected again", n.connected)
	}
	h.linked = time.Since(began)
	h.took = w.agree(10 * time.Minute).Sub(began)
	h.usage = w.used(before)
	return h
}

// inSync waits until all running nodes say that they are in sync, and checks that they mean the
// same set.
func (w *world) inSync(atMost time.Duration) {
	w.t.Helper()
	var first *lfsync.SyncStatus
	for _, n := range w.nodes {
		if n.stop == nil {
			continue
		}
		ctx, done := context.WithTimeout(w.t.Context(), atMost)
		st, err := n.sync.WaitSynced(ctx)
		done()
		if err != nil || st.State != lfsync.StateSynced {
			w.t.Fatalf("node %d is not in sync: %+v, %v", n.index, st, err)
		}
		if first == nil {
			first = &st
		}
		if st.Fingerprint != first.Fingerprint || st.Count != first.Count {
			w.t.Errorf("node %d is in sync with another set: %d records and %d", n.index, st.Count, first.Count)
		}
	}
}

// settle waits until the gossip meshes have grown and first questions are answered.
func (w *world) settle() {
	time.Sleep(10 * time.Second)
	w.agree(time.Minute)
}

// ownRecords counts what a node has written.
func (n *node) ownRecords() (count int64) {
	all := must(all(n.store))(n.world.t)
	for _, r := range all {
		if r.Owner == protocol.OwnerOf(n.owner) {
			count++
		}
	}
	return count
}

// quiet is what a network in sync uses while nothing happens.
type quiet struct {
	nodes, lines int // lines: connections
	hours        float64
	usage        usage
}

// perLine returns what one node sends and receives over one of its connections, of these bytes, in
// an hour.
func (q quiet) perLine(bytes int64) float64 { return float64(bytes) / float64(q.lines) / q.hours }

// perNode returns what one node sends of these bytes in an hour, which is what it receives.
func (q quiet) perNode(bytes int64) float64 { return float64(bytes) / float64(q.nodes) / q.hours }

func (q quiet) String() string {
	s := fmt.Sprintf("%d nodes, %d connections: an hour costs a node %.0f B out and as much in, %.0f B both ways for each peer; of that",
		q.nodes, q.lines, q.perNode(q.usage.wire), q.perLine(q.usage.wire))
	for _, protocol := range slices.Sorted(maps.Keys(q.usage.by)) {
		s += fmt.Sprintf(" %s %.0f,", protocol, q.perLine(q.usage.by[protocol]))
	}
	return s + fmt.Sprintf(" QUIC, UDP and IP %.0f in %.0f datagrams", q.perLine(q.usage.wire-q.usage.payload()), q.perLine(q.usage.datagrams))
}

// idle has the nodes hold a number of records, waits until all know that all have them, and lets
// the time pass.
func (w *world) idle(records int, during time.Duration) quiet {
	w.history(w.nodes, records, 200)
	w.start()
	w.settle()
	time.Sleep(10 * time.Minute) // comparing becomes rarer while nothing differs
	before := w.used(usage{})
	time.Sleep(during)
	q := quiet{nodes: len(w.nodes), hours: during.Hours(), usage: w.used(before)}
	for _, n := range w.nodes {
		q.lines += len(n.host.Network().Conns())
	}
	q.lines /= 2
	return q
}
