package penalty

import "time"

const (
	// minorRate and minorBurst are the allowance for minor violations: three stalled streams at
	// once, and after that one in 80 seconds. An honest peer stalls while its own line or disk
	// does, and is then asked elsewhere anyway.
	minorRate, minorBurst = 0.1, 30
	// minorBan is the first ban for too many minor violations. It is long enough to be rid of the
	// peer, and short enough for one that only had a bad day.
	minorBan = time.Minute
	// firstBan is the first ban for a violation: its author mends the program, waits, and tries
	// again.
	firstBan = 15 * time.Second
	// longestBan bounds the doubling. A peer that goes on has cost ten bad answers in the first 2.1
	// hours by then, and costs one in 2 hours from then on.
	longestBan = 2 * time.Hour
	// pingTime is the time in which a peer that is there answers a ping.
	pingTime = 3 * time.Second
	// maxRejected is the number of invalid messages after which gossip reads no more from a peer.
	maxRejected = 3
	// maxPeers bounds the peers that are remembered, about 200 bytes each: more than a node has
	// connections, so that a ban does not end by reconnecting.
	maxPeers = 2048
	// Forgiveness is the time without a violation after which a peer's violations are forgotten.
	Forgiveness = time.Hour
)
