package fetch

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

// Limits of the wire. All nodes of a network must agree on them, so they change only with the
// protocol's version.
const (
	// MaxAsked bounds the records that one request names: what one byte holds. That is 2 KiB of
	// request and 150 KiB of typical answers (600 bytes a record). With MaxPerPeer such requests
	// under way, a peer 50 ms away sends 20,000 records a second, more than two cores verify. A
	// relay's answer ends sooner, by answerBytesLimited.
	MaxAsked = 255
	// MaxAncestors bounds how many ancestors a requester may have added: what one byte holds. It
	// keeps a chain of 20,000 that nobody listed below a hundred round trips.
	MaxAncestors = 255
	// maxItem bounds one item of an answer.
	maxItem = itemHead + protocol.MaxFrame
)

// Limits of answering requests.
const (
	// payAtOnce is how many units are paid at a time: paying costs a lock.
	payAtOnce = 64
	// payPatience is how long an answer waits for its peer's rate before it ends early: what one
	// tick of the rate takes.
	payPatience = time.Second
	// lookedUpAtOnce is how many names are looked up together: a transaction costs as much as two
	// of them. With the largest records they take 1 MiB.
	lookedUpAtOnce = 16
	// answerBytes ends an answer early, after the item that passes it. The requester needs as long
	// to verify a MiB as the largest number of typical records. It asks again for the rest.
	answerBytes = 1 << 20
	// answerBytesLimited is the same on a relayed connection. Relays cut at 128 KiB a connection;
	// with the request, gossip and encryption on it too, half of that leaves two answers between
	// cuts.
	answerBytesLimited = 48 << 10
	// requestMemory is what a stream holds until its request has come: the largest request, raw and
	// decoded.
	requestMemory = 2 * (requestHead + MaxAsked*IDSize)
)

// Limits of requests.
const (
	// storeTime ends a store operation: a disk that does not answer for so long is broken.
	storeTime = 30 * time.Second
	// fetchMemory is what a request also holds: the largest frame, decoded, a batch, and the
	// links of up to 510 records.
	fetchMemory = 256 << 10
	// maxKnownAncestors ends an answer early when this many added ancestors turn out to be known
	// and none was new. Then this side asked for more than it lacked.
	maxKnownAncestors = 32
	// maxFetchBatch is how many fetched records are verified together. Signatures gain nothing
	// beyond 32 records; twice as many have the rest (locks, look-ups) done half as often, and take
	// a core 6 ms.
	maxFetchBatch = 64
	// maxFetchBatchBytes is the same for large ones.
	maxFetchBatchBytes = 1 << 20
)

// Limits of repairing what the disk damaged.
const (
	// repairEvery is the pace: a request of maxRepairAsked records, at most 128 KiB of typical
	// ones, a second.
	repairEvery    = time.Second
	maxRepairAsked = MaxAsked
	// repairAgain is the delay after which a peer is asked again for what it could not send.
	// repairRetry is the same for a peer that did not answer: it may have had no room.
	repairAgain = 10 * time.Minute
	repairRetry = 10 * time.Second
	// repairPatience is how long peers may take to come, and to answer, before a record is called
	// unavailable.
	repairPatience = time.Minute
)

// Limits of the planner.
const (
	// MaxWanted bounds the records wanted because peers listed them: 200 bytes each, 6 MiB. Half of
	// them are what comparisons may list ahead of fetching: 16,384 are a second of fetching, more
	// than a comparison needs to find the next. What does not fit is dropped, newest first, and
	// found again by Store.Missing or the next comparison when there is room.
	MaxWanted = 32768
	// maxNamed bounds the wanted records that only pending records name, and maxNamedEach those
	// that one peer's records name. Comparisons find them too, so a quarter of what may be listed
	// is enough, and four peers must lie to fill it.
	maxNamed, maxNamedEach = MaxWanted / 4, maxNamed / 4
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
	// MaxPerPeer bounds those to one peer. See MaxAsked.
	MaxPerPeer = 4
	// firstBatch is how many records a peer is asked for that is not known yet: 20 KiB.
	firstBatch = 32
	// minBatch is the least that a request is split down to when several peers are free: below it,
	// the request costs more than the records.
	minBatch = 8
	// missesLook is how many records are looked at for a peer that lacks most of what it is asked
	// for.
	missesLook = 256
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
	// retryMin and retryMax bound how long a record that no peer has waits. The least is what a
	// peer needs to receive it itself. The most costs little, however many such records there are
	// (32,768 in 10 minutes: 55 a second, 9 bytes each).
	retryMin, retryMax = 2 * time.Second, 10 * time.Minute
	// maxTries is after how many such waits (an hour) a record is given up.
	maxTries = 14
	// unavailableTime is how long it is not wanted again then, whatever links to it, unless a peer
	// says that it has it attached. maxUnavailable is how many are remembered, at 100 bytes. So a
	// record that links to what does not exist costs each peer 14 × 9 bytes in 6 hours.
	unavailableTime = 6 * time.Hour
	maxUnavailable  = 16384
	// pauseMin and pauseMax bound how long a peer is left alone that did not answer. The least is
	// for a stream reset by a full queue, the most for a peer that is not there.
	pauseMin, pauseMax = 1 * time.Second, 5 * time.Minute
	// refillEvery is how often the store is asked what pending records wait for.
	refillEvery = time.Minute
	// refillGap is the least time between two such questions when something was dropped: each costs
	// the store a query.
	refillGap = time.Second
	// refillDepth is how deep the store's missing records are supposed to be: they are the ends of
	// what was fetched.
	refillDepth = 3
)
