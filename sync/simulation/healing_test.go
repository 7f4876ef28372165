package simulation

import (
	"fmt"
	"time"

	"github.com/lf-store/lf/protocol"
)

// healed is what it took two halves to become one.
type healed struct {
	records     int           // that either half lacked
	took        time.Duration // since the wire was whole
	usage       usage         // in that time
	least, idle int64         // bytes that had to be sent, and bytes that would have been sent anyway
}

func (h healed) String() string {
	return fmt.Sprintf("%d records on each side, healed in %v; %d B had to be sent, payload %.2f of it; %v",
		h.records/2, h.took, h.least, float64(h.usage.payload())/float64(h.least), h.usage)
}

// heal cuts the network into halves for so long, has so many records written in each meanwhile, and makes it whole again.
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
	h.took = w.agree(10 * time.Minute).Sub(began)
	h.usage = w.used(before)
	return h
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
