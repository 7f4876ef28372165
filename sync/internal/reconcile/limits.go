package reconcile

import (
	"time"
)

// Limits of what peers list and cannot send.
const (
	// MaxWithheld is how many such records a peer may have: more than a disk damages before
	// somebody sees to it.
	MaxWithheld   = 1024
	WithheldPause = time.Hour
)

// Limits of comparing sets.
const (
	// MaxMessage bounds a message of the reconcile protocol: 1,000 IDs, or the fingerprints of
	// 1,600 ranges. All nodes of a network must agree on it.
	MaxMessage = 32 << 10
	// maxMessageLimited is how long this node makes its own on a relayed connection: 250 IDs. After
	// a cut what was listed and has not come is listed again, so little is listed ahead. With
	// roomLimited it is a tenth of the 128 KiB between cuts.
	maxMessageLimited = 8 << 10
	// maxListed is how many listed records may be on their way for a session to go on. That is half
	// a second of fetching, more than a session needs to list the next ones. roomLimited is the
	// same on a relayed connection.
	maxListed, roomLimited = 8192, 128
	// MaxMessages bounds the messages of one side in a session: 512 list half a million records.
	// All nodes must agree on it.
	MaxMessages = 512
	// sessionTime ends a session, on either side. It goes on later from where it was.
	sessionTime = 2 * time.Minute
	// sessionMemory is what a session holds: a message, read and decoded, the next one, and the
	// initiator's ranges.
	sessionMemory = 4*MaxMessage + 700<<10
	// servingMemory is what a served session holds between messages; while one is answered,
	// serveMemory also.
	servingMemory = 2 * MaxMessage
	// messageUnit is how many bytes of messages are as much work as a unit of serving: eight
	// look-ups in the set.
	messageUnit = 256
	// maxSessions bounds our own sessions under way. More would ask the same of more peers.
	maxSessions = 4
	// maxAbsent bounds the peers that are remembered after they left, 200 bytes each. memoryTime is
	// how long it is of use how far a comparison had come.
	maxAbsent  = 1024
	memoryTime = 10 * time.Minute
	// A session is a long one if it has listed more than deepListed records, or if the peer has
	// deepSurplus records more than this node. It is one, too, if the next question takes more than
	// deepMessage bytes: the answer would list about as many. There is only one long session at a
	// time, because peers mostly list the same records. Three lists of 32 bytes a record are a
	// fifth of what fetching it takes. That many records are fetched in a fraction of a second.
	// deepMessage is what the ranges around a few records take that differ here and there.
	deepListed, deepSurplus, deepMessage = 128, 128, 4 << 10
	// connectWait is how long the peer with the greater ID waits for the other one to begin.
	// connectAgain is the delay after which a new peer is compared with a second time. By then the
	// gossip mesh has grown: heartbeats are a second apart. What was gossiped before passed one of
	// the two by.
	connectWait, connectAgain = 3 * time.Second, 3 * time.Second
	// intervalMin and intervalMax bound the time between comparisons with random peers. An equal
	// one is 200 bytes with all that carries it. At intervalMax that is 2.4 KB an hour each way. At
	// intervalMin what gossip lost is here in 15 s.
	intervalMin, intervalMax = 15 * time.Second, 5 * time.Minute
	// againDelay is the delay before we compare with a peer whose own session found a difference.
	// It doubles up to soonMax while that brings nothing: then the peer is the one that lacks
	// records, and is fetching them.
	againDelay, soonMax = 1 * time.Second, 1 * time.Minute
	// catchUpTime is how long a node may have fewer records than a peer before their agreement
	// ends. Gossip and fetching bring what is new in less.
	catchUpTime = 10 * time.Second
	// leadTime is for how long a session leads while others wait for it: about 100,000 records
	// listed. So a slow leader costs that time and no more.
	leadTime = 30 * time.Second
	// barrenTime is the same for a session after which nothing comes of what was listed: about what
	// one slow request takes. A peer that lists what nobody has keeps the others from listing no
	// longer than that.
	barrenTime = 5 * time.Second
	// demandGap is the least time between two sessions with a peer on demand.
	demandGap = 100 * time.Millisecond
	// newsGap is the least time between two rounds of comparisons with all peers after catching up
	// with one. A node that hears no gossip catches up again and again: with 8 peers and 200 bytes
	// a comparison that is 320 bytes a second.
	newsGap = 5 * time.Second
	// roomTime is how long a session waits for room among the wanted records. It is well below
	// stream.ItemTime, after which the peer ends the session. roomEvery is how often it looks.
	roomTime, roomEvery = 5 * time.Second, 20 * time.Millisecond
	// rescanAfter is after how long the store is read again that failed when the set was rebuilt.
	rescanAfter = 5 * time.Second
)

// Limits of pausing peers.
const (
	// pauseMin and pauseMax bound how long a peer is left alone that did not answer. The least is
	// for a stream reset by a full queue, the most for a peer that is not there.
	pauseMin, pauseMax = 1 * time.Second, 5 * time.Minute
)
