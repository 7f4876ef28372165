package stream

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

// Limits of serving. A unit is one record looked up or UnitBytes sent, whichever is more: 15 to 20
// µs of work.
//
// One who starts empty must get all there is as fast as two cores verify it, 20,000 records a
// second, also from a single peer. One who asks for the sake of asking must not take a core. So a
// peer may take the whole set at full speed, about twice, and from then on ServeRate. All together
// never get more than serveRateAll.
const (
	UnitBytes = 4 << 10
	// ServeRate is what one peer gets in a second without end: 7 % of a core.
	ServeRate = 4096
	// ServeBurst is what one peer gets at once, however small the set is: half a million units, 10
	// s of a core. Of a larger set it gets serveRecord units a record. To fetch one takes one, or
	// more if it is larger than UnitBytes, and to have it listed an eighth. What a peer got is
	// forgotten at ServeRate.
	ServeBurst, serveRecord = 1 << 19, 2
	// serveRateAll bounds what all peers get in a second, about 70 % of a core. That is 20,000
	// records, with as much to spare for comparing and for a second peer that starts empty.
	serveRateAll = 40_000
	// CompareBurst is how many units of comparing a peer gets without fetching or delivering a
	// record. That is 1 MiB of messages, a tenth of a second of a core.
	CompareBurst = 1 << 12
	// CompareRate is what it gets in a second from then on, an eighth of a percent of a core.
	CompareRate = 64
	// CompareEarned is what a record that it fetches or delivers is worth. To list one takes an
	// eighth of a unit, so it may fetch 31 of 32 from others.
	CompareEarned = 4
	// CompareRateAll bounds what all peers together get in a second before they fetch or deliver: a
	// tenth of a core, however many identities somebody has. A newcomer fetches as soon as the
	// first message has listed something.
	CompareRateAll = serveRateAll / 8
	// MaxServed bounds the streams of one peer that are open at once, served or still silent. The
	// other side opens 4 fetch requests and a comparison, and as many again that it gave up while
	// they still drain here.
	MaxServed = 10
	// MaxServedAll bounds the streams served at once, those whose request has come: they hold 32 ×
	// serveMemory = 9 MiB and a store reader each. A peer gets a second place only while more than
	// half are free: the others are for peers that have none.
	MaxServedAll = 32
	// maxBudgets is how many peers' rates are remembered, about 200 bytes each. It is more than a
	// node has connections, so a peer does not get a new rate by reconnecting.
	maxBudgets = 2048
	// ServeBuffer gathers small items: an encryption and a system call for a hundred of them.
	ServeBuffer = 64 << 10
	// serveMemory is what a served stream holds: one frame, encoded and decoded, its buffer, and up
	// to 510 records' links.
	serveMemory = 2*(protocol.MaxFrame+5) + ServeBuffer + 96<<10
	// ServeTime ends a served stream: a MiB to a peer with 300 kbit/s takes 28 s.
	ServeTime = 45 * time.Second
	// ItemTime is how long an item may take to begin or to end: 64 KiB at 100 kbit/s is 5 s.
	ItemTime = 10 * time.Second
)

// BackOff doubles from least, as often as it is told, up to most.
func BackOff(least, most time.Duration, times int) time.Duration {
	for ; times > 0 && least < most; times-- {
		least *= 2
	}
	return min(least, most)
}
