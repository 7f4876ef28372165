package lfsync

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

// Limits of fetched records on their way into the store.
const (
	// fetchBytes bounds the fetched records on their way into the store, of all answers together.
	// They wait for a core, for an ancestor that is on its way too, or for the writer. It is what
	// all requests under way bring: 16 × 255 typical records, decoded (recordMemory), are 6 MiB, so
	// one slow answer rarely makes the others' records pending.
	fetchBytes = 8 << 20
	// recordMemory is what a record takes in memory apart from its header and value: what they are
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

// Limits of admission and of gossip.
const (
	// maxGossip bounds what GossipSub reads at once: the largest frame, its protobuf envelope and
	// topic (about 100 bytes), and room for control messages to ride along. Larger batches are
	// split by the sender, by this number.
	maxGossip = protocol.MaxFrame + 16<<10
	// gossipGrace is the delay before an ancestor that a gossiped record lacks is asked for. Gossip
	// delivers out of order, by the length of a validation or two.
	gossipGrace = 250 * time.Millisecond
	// tickEvery drives the machine: a quarter of retryMin's scale, 5 wake-ups a second.
	tickEvery = 200 * time.Millisecond
	// maxExchanged bounds the signed addresses of a peer that is named to others. A dozen addresses
	// at relays take less, and GossipSub names 16 peers at once.
	maxExchanged = 1 << 10
	// maxRecent is how many records that came in lately are remembered, at 100 bytes each. Gossip
	// can deliver as many, at 60 a second, in the time it remembers message IDs itself (2 minutes).
	maxRecent = 8192
	// maxRefused is how many records that can never be valid are remembered, at 200 bytes each.
	// They are not fetched again because a pending record links to them.
	maxRefused = 4096
	// gossipWorkers validate gossip. A worker spends most of its time waiting for up to two group
	// commits, 20 ms on a plain disk. So there are many: they pass 12,800 records a second, above
	// what two cores verify.
	gossipWorkers = 256
	// gossipQueueBytes bounds the frames that wait for a worker. Divided by the network's largest
	// frame, it gives the queue's length: 8 MiB hold 385 frames of the default network, 120 of one
	// with the largest values.
	gossipQueueBytes = 8 << 20
	// offersAtOnce bounds the messages that one offer (IHAVE) names. A message is offered in three
	// heartbeats. So all are offered where there are up to 42 a second, and else some of them.
	// Comparisons bring what gossip leaves out. An offer takes 4 KiB. A node that comes is sent one
	// or two by each peer.
	offersAtOnce = 128
	// offerTime is how long a message that one peer was asked for is not asked of others that offer
	// it. It is offered again for longer. maxOffers is how many are remembered, 150 bytes each.
	offerTime = 1500 * time.Millisecond
	maxOffers = 4096
	// awayTime is how long offers of records are ignored after a node has caught up. Until then
	// peers also offer what it got by fetching (three heartbeats, and one to spare).
	awayTime = 4 * time.Second
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
	// writePauseMin and writePauseMax bound the pause before fetched records are given again to a
	// store that could not write. A try costs the disk little, and the pause delays the rest.
	writePauseMin, writePauseMax = time.Second, 8 * time.Second
	// storeTime ends a store operation that a peer's answer depends on. A disk that does not answer
	// for that long is broken, and the peer has gone.
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
