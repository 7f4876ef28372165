package lfsync

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

// Limits of fetched records on their way into the store.
const (
	// fetchBytes bounds the fetched records on their way into the store, of all answers together:
	// those that wait for a core, for an ancestor that is on its way too, or for the writer. It is
	// what all requests under way bring: 16 × 255 typical records, decoded
	// (recordMemory), are 6 MiB, so one slow answer rarely makes the others' records pending.
	fetchBytes = 8 << 20
	// recordMemory is what a record takes in memory besides its header and value: what they are
	// decoded into.
	recordMemory = 900
	// checksAhead is how many batches for each core wait to be verified or are: one on the core,
	// one for it to go on with. What else has come waits in the streams, and gossip waits for few.
	checksAhead = 2
	// maxPut and maxPutBytes bound the records put in one transaction: 40 ms of the writer, which
	// others wait for meanwhile.
	maxPut, maxPutBytes = 1024, 4 << 20
	// blockTime is how long a record waits in memory for an ancestor that is on its way: what a
	// slow request may take. Then it waits in the store, as pending.
	blockTime = 5 * time.Second
)

// Limits of what peers list and cannot send.
const (
	// maxWithheld is how many such records a peer may have: more than a disk damages before
	// somebody sees to it.
	maxWithheld   = 1024
	withheldPause = time.Hour
)

// Limits of comparing sets.
const (
	// maxMessage bounds a message of the reconcile protocol: 1,000 IDs, or the fingerprints of
	// 1,600 ranges. All nodes of a network must agree on it.
	maxMessage = 32 << 10
	// maxMessageLimited is how long this node makes its own on a relayed connection: 250 IDs. After
	// a cut what was listed and has not come is listed again, so little is listed ahead: with
	// roomLimited, a tenth of the 128 KiB between cuts.
	maxMessageLimited = 8 << 10
	// maxListed is up to how many records that the peer listed and that have not come a session
	// goes on: half a second of fetching, more than a session needs to list the next ones, and a
	// quarter of maxWanted. roomLimited is the same on a relayed connection.
	maxListed, roomLimited = 8192, 128
	// maxMessages bounds the messages of one side in a session: 512 list half a million records.
	// All nodes must agree on it.
	maxMessages = 512
	// sessionTime ends a session, on either side. It goes on later from where it was.
	sessionTime = 2 * time.Minute
	// sessionMemory is what a session holds: a message, read and decoded, the next one, and the
	// initiator's ranges.
	sessionMemory = 4*maxMessage + 700<<10
	// servingMemory is what a served session holds between messages; while one is answered,
	// serveMemory besides.
	servingMemory = 2 * maxMessage
	// messageUnit is how many bytes of messages are as much work as a unit of serving: eight
	// look-ups in the set.
	messageUnit = 256
	// maxSessions bounds our own sessions under way. More would ask the same of more peers.
	maxSessions = 4
	// maxAbsent bounds the peers that are remembered when they left, 200 bytes each, and memoryTime
	// how long it is of use how far a comparison had come.
	maxAbsent  = 1024
	memoryTime = 10 * time.Minute
	// deepListed is from how many listed records on a session is a long one, of which there is only
	// one at a time: less than a message's worth, fetched from several peers in a fraction of a
	// second.
	deepListed = 512
	// connectWait is how long the peer with the greater ID waits for the other one to begin, and
	// connectAgain how long after its coming a peer is compared with a second time: by then the
	// gossip mesh has grown (heartbeats are a second apart), and what was gossiped before passed
	// one of the two by.
	connectWait, connectAgain = 3 * time.Second, 3 * time.Second
	// paceMin and paceMax bound the time between comparisons with peers drawn by lot. An equal one
	// is 200 bytes with all that carries it: at paceMax 2.4 KB an hour each way, at paceMin what
	// gossip lost is here in 15 s.
	paceMin, paceMax = 15 * time.Second, 5 * time.Minute
	// soonAfter is how long after a session that it began and that found a difference a peer is
	// compared with by us; it doubles up to soonMax while that brings nothing: it is the one that
	// lacks records, and is fetching them.
	soonAfter, soonMax = 1 * time.Second, 1 * time.Minute
	// catchUpTime is how long a node may have fewer records than a peer before their agreement
	// ends. Gossip and fetching bring what is new in less.
	catchUpTime = 10 * time.Second
	// leadTime is for how long a session leads while others wait for it: some 100,000 records
	// listed. So a slow leader costs that time and no more.
	leadTime = 30 * time.Second
	// demandGap is the least time between two sessions with a peer on demand.
	demandGap = 100 * time.Millisecond
	// newsGap is the least time between two rounds of comparisons with all peers after catching up
	// with one. A node that hears no gossip catches up again and again: with 8 peers and 200 bytes
	// a comparison that is 320 bytes a second.
	newsGap = 5 * time.Second
	// roomTime is how long a session waits for room among the wanted records, well below stream.ItemTime,
	// after which the peer ends it; roomEvery is how often it looks.
	roomTime, roomEvery = 5 * time.Second, 20 * time.Millisecond
	// rescanAfter is after how long the store is read again that failed when the set was rebuilt.
	rescanAfter = 5 * time.Second
)

// Limits of pausing peers.
const (
	// pauseMin and pauseMax bound how long a peer is left alone that did not answer: from a stream
	// reset by a full queue to a peer that is not there.
	pauseMin, pauseMax = 1 * time.Second, 5 * time.Minute
	// faultPause is how long a peer is not compared with that broke a protocol, at least.
	faultPause = 15 * time.Second
)

// Limits of admission and of gossip.
const (
	// maxGossip bounds what GossipSub reads at once: the largest frame, its protobuf envelope and
	// topic (some 100 bytes), and room for control messages to ride along. Larger batches are split
	// by the sender, by this number.
	maxGossip = protocol.MaxFrame + 16<<10
	// gossipGrace is how long an ancestor that a gossiped record lacks is waited for before it is
	// asked for: gossip delivers out of order, by the length of a validation or two.
	gossipGrace = 250 * time.Millisecond
	// tickEvery drives the machine: a quarter of retryMin's scale, 5 wake-ups a second.
	tickEvery = 200 * time.Millisecond
	// maxExchanged bounds the signed addresses of a peer that is named to others: a dozen addresses
	// at relays take less, and GossipSub names 16 peers at once.
	maxExchanged = 1 << 10
	// maxRecent is how many records that came in lately are remembered: what gossip can deliver in
	// the time it remembers message IDs itself (2 minutes) at 60 a second; 100 bytes each.
	maxRecent = 8192
	// maxRefused is how many records that can never be valid are remembered, so that they are not
	// fetched again because a pending record links to them; 200 bytes each.
	maxRefused = 4096
	// gossipWorkers validate gossip. Most of a worker's time is spent in waiting for up to two
	// group commits, 20 ms on a plain disk, so there are many: they pass 12,800 records a second,
	// above what two cores verify.
	gossipWorkers = 256
	// gossipQueueBytes bounds the frames that wait for a worker. Divided by the network's largest
	// frame, it gives the queue's length: 8 MiB hold 385 frames of the default network, 120 of one
	// with the largest values.
	gossipQueueBytes = 8 << 20
	// maxBatch is how many records are verified together: more gain next to nothing, and these take
	// 5 ms.
	maxBatch = 32
	// maxUnpaidEach bounds the gossiped records of one peer that are checked or stored at a time
	// and not known to be paid. They cost their maker nothing, and the others have most of the
	// workers, whoever sends such.
	maxUnpaidEach = gossipWorkers / 4
	// maxWaiting bounds the gossiped records that wait for a core to check them. PubSubOptions has
	// no more workers than that; it matters where a PubSub was made without them.
	maxWaiting = gossipWorkers
	// storeTime ends a store operation that a peer's answer depends on: a disk that does not answer
	// for so long is broken, and the peer has gone.
	storeTime = 30 * time.Second
	// releaseEvery is how often held records are looked at; their time comes to the millisecond,
	// their use does not.
	releaseEvery = 5 * time.Second
)

// gossipQueue is how many frames wait for a gossip worker.
func gossipQueue(n *protocol.Network) int {
	largest := protocol.MaxHeader + int(max(n.Params().MaxValue, protocol.MaxCertificateValue)) + 16
	return gossipQueueBytes / largest
}
