package push

import "time"

const (
	// MaxPushed bounds the records that one announcement names: 2 KiB, and 38 KiB when all are
	// wanted (600 bytes a record). All nodes of a network must agree on it.
	MaxPushed = 64
	// MaxQueue bounds the announcements that wait for one peer: the ones to come, and as many again
	// while others are under way. Comparing brings the rest.
	MaxQueue = 2 * MaxPushed
	// MaxBytes bounds the bytes that wait for one peer, and what one announcement can make us send.
	// It is what relays let through at once (128 KiB), less what else passes. It holds the largest
	// frame.
	MaxBytes = 96 << 10
	// gatherTime is how long a record waits before it is announced. Gossip takes as long from one
	// node to the next, so the peer has the record by then if a neighbor has it. Records that are
	// written one after the other share a stream, which costs about 250 bytes by itself.
	gatherTime = 50 * time.Millisecond
	// yieldTime is the same for the one of two nodes that has the other one announce what both
	// heard of. It is gatherTime, and as long as an announcement takes through most relays, 150 ms.
	yieldTime = 200 * time.Millisecond
	// MaxKnown is how many records are remembered for each relayed peer as known to it, 100 bytes
	// each: four announcements.
	MaxKnown = 4 * MaxPushed
	// requestTime is how long a record that one peer was asked for is not asked of another that
	// announces it. A record comes through a relay in a fraction of that. A peer that announces and
	// does not deliver delays a record that much, and all those that do together no more.
	requestTime = time.Second
	// maxRequests is how many pending requests are remembered, 200 bytes each: 64 announcements of
	// which all is wanted. Above it a record may come twice.
	maxRequests = 64 * MaxPushed
	// maxLooks is how often an announcement is looked at while others bring what it names. After
	// the first wait most of it is here.
	maxLooks = 3
	// rejectTime is how long a record that came and was not stored is not asked for again. It lay
	// too far ahead of the clock, or a queue was full. Gossip does not take it again for as long (2
	// minutes). maxRejected is how many are remembered, 100 bytes each.
	rejectTime  = 2 * time.Minute
	maxRejected = 1024
	// recordUnits is what a pushed record costs its sender, in units of serving: a check and a
	// store are ten look-ups. An announced one costs one.
	recordUnits = 10
	// pushTime bounds one push: relays may be slow, and a queue waits for it.
	pushTime = 20 * time.Second
	// storeTime ends a store operation that a peer's answer depends on. A disk that does not answer
	// for that long is broken, and the peer has gone.
	storeTime = 30 * time.Second
	// announcementMemory is what a served stream holds until the announcement has come: its IDs,
	// raw and decoded, and as many names of a fetch request.
	announcementMemory = 16 << 10
)
