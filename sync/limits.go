package lfsync

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

// Limits of the wire. All nodes of a network must agree on them, so they change only with the protocols' version.
const (
	// maxAsked bounds the records that one request names: 2 KiB of request, 40 KiB of typical answers (600 bytes a
	// record), which passes a relay's 128 KiB with room to spare.
	maxAsked = 64
	// maxAncestors bounds how many ancestors a requester may have added: what one byte holds. With 64 asked for it
	// keeps an answer of typical records below 200 KiB and a chain of 20,000 below a hundred round trips.
	maxAncestors = 255
	// maxTips bounds the tips in an answer: 8 KiB. Honest concurrency is far below it; the newest are sent, so a
	// peer that left a thousand tips unlinked hides only older ones.
	maxTips = 256
	// maxItem bounds one item of an answer.
	maxItem = itemHead + protocol.MaxFrame
	// maxGossip bounds what GossipSub reads at once: the largest frame, its protobuf envelope and topic (some 100
	// bytes), and room for control messages to ride along. Larger batches are split by the sender, by this number.
	maxGossip = protocol.MaxFrame + 16<<10
)

// Limits of serving. A unit is one record looked up or one KiB sent, whichever is more: about 20 µs of work.
const (
	// serveRate is what one peer gets in a second: 4,096 records or 4 MiB. That is about what a two-core node can verify
	// and store in that time, and at most a tenth of a core for the one who serves.
	serveRate = 4096
	// serveBurst lets one whole answer of the largest kind through at once.
	serveBurst = 2 * serveRate
	// maxServed bounds the streams of one peer that are open at once, served or still silent: what the other side's scheduler opens
	// (maxPerPeer), a tips request, and as many again that it gave up while they still drain here.
	maxServed = 2 * (maxPerPeer + 1)
	// maxServedAll bounds the streams served at once, those whose request has come: they hold 32 × serveMemory = 3 MiB and a store reader each.
	maxServedAll = 32
	// maxBudgets is how many peers' rates are remembered, some 200 bytes each: more than a node has connections, so
	// that a peer does not get a new rate by reconnecting.
	maxBudgets = 2048
	// answerBytes ends an answer early, after the item that passes it: a MiB is 250 ms of a peer's rate, and
	// a requester asks again for the rest.
	answerBytes = 1 << 20
	// answerBytesLimited is the same on a relayed connection. Relays cut at 128 KiB a connection; with the request,
	// gossip and encryption on it too, half of that leaves two answers between cuts.
	answerBytesLimited = 48 << 10
	// serveMemory is what a served stream holds: one frame, encoded and decoded, and its buffers.
	serveMemory = 2*maxItem - maxItem/2
	// requestMemory is what a stream holds until its request has come: the largest request, raw and decoded.
	requestMemory = 2 * (requestHead + maxAsked*idSize)
	// serveTime ends a served stream: a MiB to a peer with 300 kbit/s takes 28 s.
	serveTime = 45 * time.Second
)

// Limits of fetching.
const (
	// fetchTime ends a request, whatever the responder does; it is shorter than serveTime, so that the requester
	// knows first. A responder that sends a byte a second holds one of maxRequests slots for that long, once.
	fetchTime = 40 * time.Second
	// itemTime is how long an item may take to begin or to end: 64 KiB at 100 kbit/s is 5 s.
	itemTime = 10 * time.Second
	// fetchBytes bounds the fetched records on their way into the store, of all answers together. Many at once share the
	// store's group commits: 8 MiB are 16 answers of the largest count and typical records of 600 bytes.
	fetchBytes = 8 << 20
	// fetchMemory is what a request holds besides: a frame, buffers, and the links of up to 319 records.
	fetchMemory = 256 << 10
	// maxKnownAncestors ends an answer early when so many added ancestors in a row turn out to be known: this side
	// asked for more than it lacked.
	maxKnownAncestors = 32
)

// Limits of the scheduler.
const (
	// maxWanted bounds the wanted records: 200 bytes each. What does not fit is dropped, newest first, and found
	// again by Store.Missing when there is room.
	maxWanted = 4096
	// maxRequests bounds the requests under way: 16 × fetchMemory = 4 MiB.
	maxRequests = 16
	// maxPerPeer bounds those to one peer: one being answered, one already under way, which hides the round trip.
	maxPerPeer = 2
	// minBatch is the least that a request is split down to when several peers are free: below it, the request costs
	// more than the records.
	minBatch = 8
	// requestTime is after how long a request is given up and its records asked elsewhere: a little more than
	// fetchTime, which normally ends it.
	requestTime = fetchTime + 5*time.Second
	// gossipGrace is how long an ancestor that a gossiped record lacks is waited for before it is asked for: gossip
	// delivers out of order, by the length of a validation or two.
	gossipGrace = 250 * time.Millisecond
	// retryMin and retryMax bound how long a record that no peer has waits: from what a peer needs to receive it itself
	// to what costs nothing however many such records there are (4,096 in 10 minutes: 7 a second).
	retryMin, retryMax = 2 * time.Second, 10 * time.Minute
	// maxRounds is after how many such waits (an hour) a record is forgotten. Store.Missing names it again if a
	// pending record still waits for it.
	maxRounds = 14
	// pauseMin and pauseMax bound how long a peer is left alone that did not answer: from a stream reset by a full
	// queue to a peer that is not there.
	pauseMin, pauseMax = 1 * time.Second, 5 * time.Minute
	// faultPause is the same after a fault. It bounds what a faulty peer costs to one bad answer in that time.
	faultPause = 15 * time.Minute
	// tipsEvery is how often one of the peers, in turn, is asked for its tips: what finds the records that gossip lost
	// and nobody linked. 8 KiB at most, in 30 s.
	tipsEvery = 30 * time.Second
	// tipsAgain is how long after its coming a peer is asked for its tips a second time: by then the gossip mesh has
	// grown (heartbeats are a second apart), and what was gossiped before passed one of the two by.
	tipsAgain = 3 * time.Second
	// refillEvery is how often the store is asked what pending records wait for.
	refillEvery = time.Minute
	// refillDepth is how deep the store's missing records are supposed to be: they are the ends of what was fetched.
	refillDepth = 3
	// tipsDepth is the same for the unknown tips of a peer: it has them, so most likely we were away.
	tipsDepth = 2
	// tickEvery drives the machine: a quarter of retryMin's scale, 5 wake-ups a second.
	tickEvery = 200 * time.Millisecond
)

// Limits of comparing sets.
const (
	// maxMessage bounds a message of the reconcile protocol: 1,000 IDs, or the fingerprints of 1,600 ranges. All nodes of a
	// network must agree on it.
	maxMessage = 32 << 10
	// maxMessageLimited is how long this node makes its own on a relayed connection: 250 IDs. After a cut what was listed and
	// has not come is listed again, so little is listed ahead: with roomLimited, a tenth of the 128 KiB between cuts.
	maxMessageLimited = 8 << 10
	// roomLimited is up to how many wanted records a session on a relayed connection goes on.
	roomLimited = 128
	// maxMessages bounds the messages of one side in a session: 512 list half a million records. All nodes must agree on it.
	maxMessages = 512
	// sessionTime ends a session, on either side. It goes on later from where it was.
	sessionTime = 2 * time.Minute
	// sessionMemory is what a session holds: a message, read and decoded, the next one, and the initiator's ranges.
	sessionMemory = 4*maxMessage + 700<<10
	// servingMemory is what a served session holds between messages; while one is answered, serveMemory besides.
	servingMemory = 2 * maxMessage
	// messageUnit is how many bytes of messages are as much work as a unit of serving: eight look-ups in the set.
	messageUnit = 256
	// maxSessions bounds our own sessions under way. More would ask the same of more peers.
	maxSessions = 4
	// maxAbsent bounds the peers that are remembered when they left, 200 bytes each, and memoryTime how long it is of use
	// how far a comparison had come.
	maxAbsent  = 1024
	memoryTime = 10 * time.Minute
	// deepListed is from how many listed records on a session is a long one, of which there is only one at a time: less
	// than a message's worth, fetched from several peers in a fraction of a second.
	deepListed = 512
	// connectWait is how long the peer with the greater ID waits for the other one to begin, and connectAgain how long
	// after its coming a peer is compared with a second time: by then the gossip mesh has grown (heartbeats are a second
	// apart), and what was gossiped before passed one of the two by.
	connectWait, connectAgain = 3 * time.Second, 3 * time.Second
	// paceMin and paceMax bound the time between comparisons with peers drawn by lot. An equal one is 200 bytes with all
	// that carries it: at paceMax 2.4 KB an hour each way, at paceMin what gossip lost is here in 15 s.
	paceMin, paceMax = 15 * time.Second, 5 * time.Minute
	// soonAfter is how long after a session that it began and that found a difference a peer is compared with by us; it
	// doubles up to soonMax while that brings nothing: it is the one that lacks records, and is fetching them.
	soonAfter, soonMax = 1 * time.Second, 1 * time.Minute
	// leadTime is for how long a session leads while others wait for it: some 100,000 records listed. So a slow leader costs
	// that time and no more.
	leadTime = 30 * time.Second
	// demandGap is the least time between two sessions with a peer on demand.
	demandGap = 100 * time.Millisecond
	// newsGap is the least time between two rounds of comparisons with all peers after catching up with one. A node that hears
	// no gossip catches up again and again: with 8 peers and 200 bytes a comparison that is 320 bytes a second.
	newsGap = 5 * time.Second
	// roomTime is how long a session waits for room among the wanted records, well below itemTime, after which the peer
	// ends it; roomEvery is how often it looks.
	roomTime, roomEvery = 5 * time.Second, 20 * time.Millisecond
	// rescanAfter is after how long the store is read again that failed when the set was rebuilt.
	rescanAfter = 5 * time.Second
)

// Limits of patience with peers.
const (
	// nuisanceRate and nuisanceBurst are how much nuisance is borne: five stalled streams at once, and after that one a minute. An honest
	// peer stalls while its own line or disk does, and is then asked elsewhere anyway.
	nuisanceRate, nuisanceBurst = 0.1, 30
	// nuisancePause is for how long a peer is refused that was a nuisance too often: long enough to be rid of it, short enough for
	// one that only had a bad day. faultPause is the same for one that broke a protocol. Each further time doubles them up to dropMost.
	nuisancePause, dropMost = time.Minute, 2 * time.Hour
	// maxRejected is the invalid messages after which gossip reads no more of a peer's.
	maxRejected = 3
)

// Limits of the door and of gossip.
const (
	// maxRecent is how many records that came in lately are remembered: what gossip can deliver in the time it
	// remembers message IDs itself (2 minutes) at 60 a second; 100 bytes each.
	maxRecent = 8192
	// maxRefused is how many records that can never be valid are remembered, so that they are not fetched again
	// because a pending record links to them; 200 bytes each.
	maxRefused = 4096
	// gossipWorkers validate gossip. Most of a worker's time is spent in waiting for up to two group commits, 20 ms on a
	// plain disk, so there are many: they pass 12,800 records a second, above what two cores verify.
	gossipWorkers = 256
	// gossipQueueBytes bounds the frames that wait for a worker. Divided by the network's largest frame, it gives
	// the queue's length: 8 MiB hold 385 frames of the default network, 120 of one with the largest values.
	gossipQueueBytes = 8 << 20
	// maxBatch is how many records are verified together: more gain next to nothing, and these take 5 ms.
	maxBatch = 32
	// maxWaiting bounds the gossiped records that wait for a core to check them. PubSubOptions has no more
	// workers than that; it matters where a PubSub was made without them.
	maxWaiting = gossipWorkers
	// storeTime ends a store operation that a peer's answer depends on: a disk that does not answer for so long
	// is broken, and the peer has gone.
	storeTime = 30 * time.Second
	// releaseEvery is how often held records are looked at; their time comes to the millisecond, their use does not.
	releaseEvery = 5 * time.Second
)

// gossipQueue is how many frames wait for a gossip worker.
func gossipQueue(n *protocol.Network) int {
	largest := protocol.MaxHeader + int(max(n.Params().MaxValue, protocol.MaxCertificateValue)) + 16
	return gossipQueueBytes / largest
}
