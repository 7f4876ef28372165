package testbed

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/lf-store/lf/protocol"
)

// recordLedger notes which records were acknowledged and where, and what each node has attached.
type recordLedger struct {
	genesis map[protocol.ID]bool

	mu       sync.Mutex
	acked    map[protocol.ID]acknowledgment
	order    []protocol.ID          // in which they were acknowledged
	sizes    map[protocol.ID]uint64 // bytes of frames, of all records met
	holdings map[string]*holding
	bytes    uint64 // of all that was acknowledged
}

// holding is what a node has attached, in its local order. A node that is wiped begins another.
type holding struct {
	ids  []protocol.ID
	has  map[protocol.ID]bool
	life int // how often it was wiped
}

// acknowledgment is the node that acknowledged a record, and in which of its lives.
type acknowledgment struct {
	node string
	life int
}

// mark is a moment in a node's holding.
type mark struct{ life, length int }

func newRecordLedger(n *protocol.Network) *recordLedger {
	b := &recordLedger{
		genesis: map[protocol.ID]bool{}, acked: map[protocol.ID]acknowledgment{}, sizes: map[protocol.ID]uint64{}, holdings: map[string]*holding{},
	}
	for _, r := range n.Genesis() {
		b.genesis[r.ID()] = true
		b.sizes[r.ID()] = uint64(len(r.EncodeFrame()))
	}
	return b
}

// acknowledge notes that a node has taken a record.
func (b *recordLedger) acknowledge(id protocol.ID, at string, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.acked[id]; !known {
		b.order = append(b.order, id)
		b.bytes += uint64(size) // a length
	}
	b.acked[id] = acknowledgment{at, b.holding(at).life}
	b.sizes[id] = uint64(size) // a length
}

// totals counts what was acknowledged: records, and their bytes.
func (b *recordLedger) totals() (records int, bytes uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.order), b.bytes
}

func (b *recordLedger) holding(node string) *holding {
	h := b.holdings[node]
	if h == nil {
		h = &holding{has: map[protocol.ID]bool{}}
		b.holdings[node] = h
	}
	return h
}

// wiped forgets what a node had.
func (b *recordLedger) wiped(node string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holdings[node] = &holding{has: map[protocol.ID]bool{}, life: b.holding(node).life + 1}
}

// read asks a node for what it has attached since the last read. Two reads of one node must not run
// at the same time.
func (b *recordLedger) read(ctx context.Context, node string, client NodeAPI) error {
	b.mu.Lock()
	h := b.holding(node)
	from := uint64(len(h.ids)) + 1
	b.mu.Unlock()
	for from > 0 {
		page, err := client.AttachedSet(ctx, from)
		if err != nil {
			return fmt.Errorf("ask %s for its records: %w", node, err)
		}
		if page.Next != 0 && uint64(page.Next) <= from {
			return fmt.Errorf("ask %s for its records: after %d comes %d", node, from, page.Next)
		}
		if err := b.addPage(h, page.IDs); err != nil {
			return fmt.Errorf("ask %s for its records: %w", node, err)
		}
		from = uint64(page.Next)
	}
	return b.measure(ctx, node, client)
}

func (b *recordLedger) addPage(h *holding, page []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range page {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != len(protocol.ID{}) {
			return fmt.Errorf("%q is no record's ID", text)
		}
		id := protocol.ID(raw)
		if !h.has[id] {
			h.ids, h.has[id] = append(h.ids, id), true
		}
	}
	return nil
}

// measure learns the sizes of records that the testbed has not made: hostile nodes make some.
func (b *recordLedger) measure(ctx context.Context, node string, client NodeAPI) error {
	b.mu.Lock()
	var unknown []protocol.ID
	for _, id := range b.holding(node).ids {
		if _, known := b.sizes[id]; !known {
			unknown = append(unknown, id)
		}
	}
	b.mu.Unlock()
	for _, id := range unknown {
		info, err := client.Record(ctx, id)
		if err != nil {
			return fmt.Errorf("ask %s for a record: %w", node, err)
		}
		b.mu.Lock()
		b.sizes[id] = uint64(len(info.Frame))
		b.mu.Unlock()
	}
	return nil
}

// mark is the present moment in a node's holding.
func (b *recordLedger) mark(node string) mark {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holding(node)
	return mark{h.life, len(h.ids)}
}

// gain counts what a node has attached since a moment. lacked and bytes are the part that its peers
// had to send: what was not written at the node itself.
func (b *recordLedger) gain(node string, since mark) (records, lacked int, bytes uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holding(node)
	if h.life != since.life {
		since.length = 0
	}
	for _, id := range h.ids[min(since.length, len(h.ids)):] {
		if b.genesis[id] {
			continue
		}
		records++
		// what it wrote before it was wiped comes from others
		if b.acked[id] != (acknowledgment{node, h.life}) {
			lacked++
			bytes += b.sizes[id]
		}
	}
	return records, lacked, bytes
}

// lacks counts the records that a node lacks of those that were acknowledged at the nodes in from
// (nil: at any node).
func (b *recordLedger) lacks(node string, from map[string]bool) (missing int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holding(node)
	for id, at := range b.acked {
		if (from == nil || from[at.node]) && !h.has[id] {
			missing++
		}
	}
	return missing
}

// differ counts the records that only one of two nodes has.
func (b *recordLedger) differ(a, c string) (only int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x, y := b.holding(a), b.holding(c)
	for id := range x.has {
		if !y.has[id] {
			only++
		}
	}
	for id := range y.has {
		if !x.has[id] {
			only++
		}
	}
	return only
}

// lost are the acknowledged records that none of some nodes has.
func (b *recordLedger) lost(nodes []string) (ids []protocol.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, id := range b.order {
		for _, n := range nodes {
			if b.holding(n).has[id] {
				continue next
			}
		}
		ids = append(ids, id)
	}
	return ids
}
