package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// usage is what all nodes together have used so far, or in some time.
type usage struct {
	datagrams, wire int64            // sent, with IP and UDP headers
	by              map[string]int64 // payload sent in streams, by protocol
	// gossiped messages that came for the first time, and again
	delivered, duplicates int64
}

// used returns what was used since an earlier usage; the zero one is the beginning.
func (w *world) used(before usage) usage {
	u := usage{
		datagrams: w.wire.datagrams.Load() - before.datagrams, wire: w.wire.bytes.Load() - before.wire,
		by:        make(map[string]int64),
		delivered: -before.delivered, duplicates: -before.duplicates,
	}
	for _, n := range w.nodes {
		for protocol, bytes := range n.traffic.sentBy() {
			u.by[protocol] += bytes
		}
		u.delivered += n.gossip.delivered.Load()
		u.duplicates += n.gossip.duplicates.Load()
	}
	for protocol, bytes := range before.by {
		u.by[protocol] -= bytes
	}
	return u
}

// payload is what all streams carried.
func (u usage) payload() (sum int64) {
	for _, bytes := range u.by {
		sum += bytes
	}
	return sum
}

func (u usage) String() string {
	var parts []string
	for _, protocol := range slices.Sorted(maps.Keys(u.by)) {
		if u.by[protocol] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", protocol, u.by[protocol]))
		}
	}
	return fmt.Sprintf("%d B on the wire in %d datagrams; in streams %s B; %d gossiped, %d again", u.wire, u.datagrams,
		strings.Join(parts, ", "), u.delivered, u.duplicates)
}
