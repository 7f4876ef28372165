package clock

import "time"

// Limits of reading peers' clocks. A reading is 300 bytes with all that carries it.
const (
	// firstDelay is how long after its coming a peer is asked, at the earliest; at the latest it is
	// twice that. What two nodes do first when they meet is over then.
	firstDelay = 2 * time.Second
	// askEvery is the pause until a peer is asked again: a clock that nobody sets runs a second a
	// day wrong. keepTime is how long an answer counts: one renewal may fail.
	askEvery, keepTime = 4 * time.Hour, 10 * time.Hour
	// maxClocks is how many peers' answers are wanted: half of them and one must lie to be
	// believed. clocksAtOnce of them are asked at a time.
	maxClocks, clocksAtOnce = 16, 4
	// jumpLeast is the jump of this node's clock that makes measurements void, far above what NTP
	// corrects by slewing between two ticks. jumpPause is the least time between two questions to a
	// peer then: a clock may be set again and again.
	jumpLeast, jumpPause = time.Second, time.Minute
	// maxPeers bounds the peers that are remembered, 150 bytes each: more than a node has
	// connections.
	maxPeers = 2048
	// memory is what a stream holds on either side: next to nothing.
	memory = 1 << 10
)
