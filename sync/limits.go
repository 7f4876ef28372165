package lfsync

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

// Limits of the wire. All nodes of a network must agree on them, so they change only with the
// protocols' version.
const (
	// maxAsked bounds the records that one request names: what one byte holds. That is 2 KiB of
	// request and 150 KiB of typical answers (600 bytes a record), and with maxPerPeer such
	// requests under way a peer 50 ms away sends 20,000 records a second: more than two cores
	// verify. A relay's answer ends sooner, by answerBytesLimited.
	maxAsked = 255
	// maxAncestors bounds how many ancestors a requester may have added: what one byte holds. It
	// keeps a chain of 20,000 that nobody listed below a hundred round trips.
	maxAncestors = 255
	// maxItem bounds one item of an answer.
	maxItem = itemHead + protocol.MaxFrame
	// maxGossip bounds what GossipSub reads at once: the largest frame, its protobuf envelope and
	// topic (some 100 bytes), and room for control messages to ride along. Larger batches are split
	// by the sender, by this number.
	maxGossip = protocol.MaxFrame + 16<<10
)

// Limits of answering requests.
const (
	// payAtOnce is how many units are paid at a time: paying costs a lock.
	payAtOnce = 64
	// payPatience is how long an answer waits for its peer's rate before it ends early: what one tick
	// of the rate takes.
	payPatience = time.Second
	// answerBytes ends an answer early, after the item that passes it: a MiB takes the requester as
	// long to verify as the largest number of typical records, and it asks again for the rest.
	answerBytes = 1 << 20
	// answerBytesLimited is the same on a relayed connection. Relays cut at 128 KiB a connection; with
	// the request, gossip and encryption on it too, half of that leaves two answers between cuts.
	answerBytesLimited = 48 << 10
	// requestMemory is what a stream holds until its request has come: the largest request, raw and
	// decoded.
	requestMemory = 2 * (requestHead + maxAsked*idSize)
)

// Limits of fetching.
const (
	// fetchBytes bounds the fetched records on their way into the store, of all answers together:
	// those that wait for a core, for an ancestor that is on its way too, or for the writer. It is
	// what all requests under way bring: maxRequests × maxAsked typical records, decoded
	// (parcelBytes), are 6 MiB, so one slow answer rarely makes the others' records pending.
	fetchBytes = 8 << 20
	// parcelBytes is what a record takes in memory besides its header and value: what they are
	// decoded into.
	parcelBytes = 900
	// fetchMemory is what a request holds besides: the largest frame, decoded, a batch, and the
	// links of up to 510 records.
	fetchMemory = 256 << 10
	// maxKnownAncestors ends an answer early when so many added ancestors turn out to be known and
	// none was news: this side asked for more than it lacked.
	maxKnownAncestors = 32
	// maxFetchBatch is how many fetched records are verified together. Signatures gain nothing
	// beyond 32 records; twice as many have the rest (locks, look-ups) done half as often, and take
	// a core 6 ms.
	maxFetchBatch = 64
	// maxFetchBatchBytes is the same for large ones.
	maxFetchBatchBytes = 1 << 20
	// checksAhead is how many batches for each core wait to be verified or are: one on the core,
	// one for it to go on with. What else has come waits in the streams, and gossip waits for few.
	checksAhead = 2
	// maxPut and maxPutBytes bound the records put in one transaction: 40 ms of the writer, which
	// others wait for meanwhile.
	maxPut, maxPutBytes = 1024, 4 << 20
	// blockTime is how long a record waits in memory for an ancestor that is on its way: what a
	// slow request may take. Then it waits in the store, as pending.
	blockTime = slowTime
)

// Limits of what peers list and cannot send.
const (
	// maxWithheld is how many such records a peer may have: more than a disk damages before
	// somebody sees to it.
	maxWithheld   = 1024
	withheldPause = time.Hour
)

// Limits of repairing what the disk damaged.
const (
	// repairEvery is the pace: a request of maxRepairAsked records, at most 128 KiB of typical
	// ones, a second.
	repairEvery    = time.Second
	maxRepairAsked = maxAsked
	// repairAgain is the delay after which a peer is asked again for what it could not send.
	// repairRetry is the same for a peer that did not answer: it may have had no room.
	repairAgain = 10 * time.Minute
	repairRetry = 10 * time.Second
	// repairPatience is how long peers may take to come, and to answer, before a record is called
	// unavailable.
	repairPatience = time.Minute
)

// Limits of the scheduler.
const (
	// maxWanted bounds the records wanted because peers listed them: 200 bytes each, 6 MiB. Half of
	// them are what comparisons may list ahead of fetching: 16,384 are a second of fetching, more
	// than a comparison needs to find the next. What does not fit is dropped, newest first, and
	// found again by Store.Missing or the next comparison when there is room.
	maxWanted = 32768
	// maxNamed bounds the wanted records that only pending records name, and maxNamedEach those
	// that one peer's records name. Comparisons find them too, so a quarter of what may be listed
	// is enough, and four peers must lie to fill it.
	maxNamed, maxNamedEach = maxWanted / 4, maxNamed / 4
	// namesRate and maxNamesAtOnce limit how often a peer is asked for a name that it did not list.
	// They also limit how many names that lead nowhere one peer's pending records may add. At this
	// rate all of maxNamed can be asked for maxTries times in the hour that it takes to give them
	// up. It costs the asked peer 300 bytes and less than a millisecond a second. Filling a gap in
	// a chain takes one name for each round trip.
	namesRate, maxNamesAtOnce = 32, 1024
	// namesTogether is how many such names wait until the allowance is there for all of them: a
	// request every four seconds.
	namesTogether = 4 * namesRate
	// maxRefill is how many the store is asked for at a time.
	maxRefill = 4096
	// maxRequests bounds the requests under way: 16 × fetchMemory = 4 MiB.
	maxRequests = 16
	// maxPerPeer bounds those to one peer. See maxAsked.
	maxPerPeer = 4
	// firstBatch is how many records a peer is asked for that is not known yet: 20 KiB.
	firstBatch = 32
	// minBatch is the least that a request is split down to when several peers are free: below it,
	// the request costs more than the records.
	minBatch = 8
	// barrenLook is how many records are looked at for a peer that lacks most of what it is asked
	// for.
	barrenLook = 256
	// maxListers is how many of those who listed a record are remembered; one would do to ask, a
	// few to blame.
	maxListers = 4
	// requestTime is after how long a request is given up and its records asked elsewhere: 150 KiB
	// at 30 kbit/s. A responder that sends a byte a second holds one of maxRequests slots for that
	// long, once.
	requestTime = 40 * time.Second
	// slowTime is the same where another peer has nothing to do: what others wait for goes to it.
	slowTime = 5 * time.Second
	// fastTime is how long a request should take: those to slow peers are made smaller, so that the
	// takeover above is rare.
	fastTime = 1 * time.Second
	// gossipGrace is how long an ancestor that a gossiped record lacks is waited for before it is
	// asked for: gossip delivers out of order, by the length of a validation or two.
	gossipGrace = 250 * time.Millisecond
	// retryMin and retryMax bound how long a record that no peer has waits: from what a peer needs
	// to receive it itself to what costs little however many such records there are (32,768 in 10
	// minutes: 55 a second, 9 bytes each).
	retryMin, retryMax = 2 * time.Second, 10 * time.Minute
	// maxTries is after how many such waits (an hour) a record is given up.
	maxTries = 14
	// hopelessTime is for how long it is not wanted again then, whatever links to it, unless a peer
	// says that it has it attached; and maxHopeless how many are remembered, at 100 bytes. So a
	// record that links to what does not exist costs each peer 14 × 9 bytes in 6 hours.
	hopelessTime = 6 * time.Hour
	maxHopeless  = 16384
	// pauseMin and pauseMax bound how long a peer is left alone that did not answer: from a stream
	// reset by a full queue to a peer that is not there.
	pauseMin, pauseMax = 1 * time.Second, 5 * time.Minute
	// refillEvery is how often the store is asked what pending records wait for.
	refillEvery = time.Minute
	// refillGap is the least time between two such questions when something was dropped: each costs
	// the store a query.
	refillGap = time.Second
	// refillDepth is how deep the store's missing records are supposed to be: they are the ends of
	// what was fetched.
	refillDepth = 3
	// tickEvery drives the machine: a quarter of retryMin's scale, 5 wake-ups a second.
	tickEvery = 200 * time.Millisecond
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

// faultPause is how long a planner leaves a peer alone that broke a protocol.
const faultPause = 15 * time.Second

// Limits of the door and of gossip.
const (
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
