package watch

import "time"

const (
	// maxStreams bounds the streams of a node.
	maxStreams = 32 << 10
	// maxPlaces bounds the composite keys of all streams together, at about half a kilobyte each.
	// Strangers may have half of them.
	maxPlaces = 400_000

	// askedAtOnce is how many keys the store is asked for in one transaction, and slowlyAtOnce how
	// many of those that can wait.
	askedAtOnce  = 256
	slowlyAtOnce = 64
	// maxCame bounds the versions that are kept until their keys are asked about, at two kilobytes
	// each. maxCameEach is the bound of one key.
	maxCame     = 1024
	maxCameEach = 4
	// listedAtOnce is how many answers a stream reads at once. They are in memory until the watcher
	// has taken them.
	listedAtOnce = 100
	// readersAtOnce is how many streams read at a time. The store has other readers to serve.
	readersAtOnce = 2

	// slowRest is how many times as long as a portion of what can wait the pause after it is, and
	// maxPause bounds that pause.
	slowRest = 3
	maxPause = 100 * time.Millisecond
	// tick is how often settings and the state of the synchronization are looked at.
	tick = time.Second
	// maxClaimants is how many claimants of a key are known by name: as many as an explanation
	// lists.
	maxClaimants = 100
)
