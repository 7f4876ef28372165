package pulse

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

const (
	// MaxPush bounds the pulses of a push. All nodes of a network must agree on it.
	MaxPush = 64
	// MaxAnswer bounds those of an answer: 470 KiB. All nodes must agree on it, too.
	MaxAnswer = 4096
	// buckets is how many parts a node's pulses have that are compared.
	buckets = 256
	// maxClaims is how many claims a node keeps a pulse of, at 500 bytes each: 63 MiB at most. At a
	// beat a minute these are 2,200 pulses a second, 10 to 20 % of a core.
	maxClaims = 1 << 17
	// peerRate is how many pulses of one peer are verified in a second, and peerBurst how many at
	// once. A peer may be the only one, so it is what all claims can have, and an answer or two.
	peerRate, peerBurst = 2200, 2 * MaxAnswer
	// lookupRate and lookupBurst are the same for pulses of records that have to be read first, at
	// 60 µs each. A claim's record is read once in factsTime.
	lookupRate, lookupBurst = 500, 2 * MaxAnswer
	// relayRate is how many pulses a minute go to a peer that is reached through a relay only. What
	// such a peer sends may come in bursts, so twice as many are taken at once.
	relayRate, relayBurst = 64, 2 * MaxPush
	// maxBudgets is how many peers' budgets are remembered, about 300 bytes each: more than a node
	// has connections.
	maxBudgets = 2048
	// factsTime is how long what was read of a record counts: a release may come meanwhile.
	factsTime = 10 * time.Minute
	// maxFacts is how many records are remembered that have no pulse in the book, 300 bytes each.
	maxFacts = 8192
	// maxWaiting is how many pulses may wait for a core.
	maxWaiting = 256
	// jitter bounds the random delay of a pulse that is handed in here.
	jitter = 500 * time.Millisecond
	// gatherTime is how long pulses for a relayed peer wait, so that they share a stream, which
	// costs 250 bytes by itself.
	gatherTime = 250 * time.Millisecond
	// retryPush is the pause before pulses are pushed again that a peer has not dealt with. It
	// doubles with each of maxRetries.
	retryPush  = time.Second
	maxRetries = 5
	// spentTime is how long they wait where the peer has had as many as it may.
	spentTime = 5 * time.Second
	// saveEvery is how often new pulses are written to the disk. A node that was killed has lost
	// those of that time, and gets them from its peers after settledAfter.
	saveEvery = 15 * time.Second
	// storeTime ends an operation of the store that a verdict depends on.
	storeTime = 30 * time.Second
	// streamMemory is what a served stream holds until its request has come: a question.
	streamMemory = 8 << 10
	// answerMemory is what an answer holds at either end.
	answerMemory = MaxAnswer * (protocol.MaxPulse + 1)
	// askTime bounds a question with its answer, and pushTime a push: relays may be slow.
	askTime, pushTime = 45 * time.Second, 20 * time.Second
	// pulseUnits is what a pulse costs its sender in units of serving. compareUnits is how many
	// pulses are compared for one, at 0.2 µs each.
	pulseUnits, compareUnits = 3, 64
	// answerRate is how often a second a peer's questions are answered, and answerBurst how often
	// at once. A node that starts empty asks once for each MaxAnswer of all pulses.
	answerRate, answerBurst = 0.1, 2 * maxClaims / MaxAnswer
)

// When peers are asked.
const (
	// settleTime is how old a pulse is that every node should have.
	settleTime = 10 * time.Second
	// askDelay is how long after its coming a peer is asked, at the earliest; at the latest it is
	// twice that.
	askDelay = time.Second
	// askEvery is the mean pause between two questions to random peers.
	askEvery = 10 * time.Minute
	// settledAfter is how long after a start the pulses from before it have certainly settled. A
	// node that was killed lacks those of its last saveEvery. So it asks once more the peers that
	// it asked earlier.
	settledAfter = settleTime + 5*time.Second
	// retryLeast is the pause before a peer is asked again that named pulses of records which are
	// not here, or did not answer. It doubles, up to the usual pause.
	retryLeast = 5 * time.Second
	// maxPeers bounds the peers that are remembered.
	maxPeers = 2048
)

// keepSeconds is how old a pulse may be that is kept, and pastSeconds one that is new. interval is
// the least time between two. compareSeconds is the part of keepSeconds that is compared: clocks
// differ about the rest.
const (
	keepSeconds    = uint64(protocol.PulseKeep / time.Second)
	pastSeconds    = uint64(protocol.PulsePast / time.Second)
	interval       = uint64(protocol.PulseInterval / time.Second)
	compareSeconds = keepSeconds - 3600
)
