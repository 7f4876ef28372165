package clock

import (
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// estimates decides which peers are asked for their clock and when, and keeps what they said. It is
// pure: its owner tells it the time, by two clocks of this node. Elapsed never jumps. Wall is the
// one that records go by, in milliseconds since the epoch.
//
// A peer is asked soon after it came, and again after hours, since clocks run apart slowly. Of all
// peers no more than a few are asked: the median tells. When this node's own clock jumps, because
// somebody set it or the machine slept, what was measured is void.
type estimates struct {
	peers  map[peer.ID]*peerEstimate
	asking int
	// jitter returns a number in [0, 1).
	jitter        func() float64
	elapsed, wall int64 // at the last tick, in ms; wall is 0 before the first
}

// peerEstimate is what is known of one peer's clock.
type peerEstimate struct {
	here, asking bool
	tried        bool // asked once at least
	known        bool // it answered, not too long ago
	due, asked   time.Duration
	// atStart is what the peer's clock was when this node's elapsed time was 0, and uncertainty how
	// far off that may be, in ms.
	atStart, uncertainty int64
	read                 time.Duration
}

// Status is how this node's clock stands to those of its peers.
type Status struct {
	// Offset is how far the peers' clocks are ahead of this node's, or behind it if negative. It is
	// the median of those that answered; of an even number, the one in the middle that is nearer to
	// this node's. So it is off only when more than half say so. Error is by how much the
	// measurement itself may be wrong.
	Offset, Error time.Duration
	// Peers is how many answered, Silent how many were asked and did not.
	Peers, Silent int
}

func newEstimates(jitter func() float64) *estimates {
	return &estimates{peers: map[peer.ID]*peerEstimate{}, jitter: jitter}
}

// meet tells whether a peer is there that can be asked. Who was asked is remembered when it goes,
// and not asked again when it comes back.
func (c *estimates) meet(p peer.ID, here bool, now time.Duration) {
	k := c.peers[p]
	switch {
	case k != nil:
		k.here = here
		c.drop(p, k, now)
	case here && c.room(now):
		c.peers[p] = &peerEstimate{here: true, due: now + firstDelay + c.spread(firstDelay)}
	}
}

// room makes room for one more peer, if need be and possible.
func (c *estimates) room(now time.Duration) bool {
	for p, k := range c.peers {
		if len(c.peers) < maxPeers {
			break
		}
		if !k.here && !k.asking {
			delete(c.peers, p)
		}
	}
	return len(c.peers) < maxPeers
}

// drop forgets a peer of which nothing is worth knowing any more.
func (c *estimates) drop(p peer.ID, k *peerEstimate, now time.Duration) {
	if !k.here && !k.asking && !k.known && (!k.tried || now >= k.due) {
		delete(c.peers, p)
	}
}

func (c *estimates) spread(most time.Duration) time.Duration {
	return time.Duration(c.jitter() * float64(most))
}

// tick returns whom to ask now; each must be answered by read or failed.
func (c *estimates) tick(now time.Duration, wall int64) (ask []peer.ID) {
	jump := (wall - c.wall) - (now.Milliseconds() - c.elapsed)
	if c.wall != 0 && (jump > jumpLeast.Milliseconds() || -jump > jumpLeast.Milliseconds()) {
		c.void(now)
	}
	c.elapsed, c.wall = now.Milliseconds(), wall
	known := 0
	for p, k := range c.peers {
		k.known = k.known && now-k.read < keepTime
		if k.known {
			known++
		}
		c.drop(p, k, now)
	}
	for p, k := range c.peers {
		if k.here && !k.asking && now >= k.due && c.asking < clocksAtOnce && (k.known || known+c.asking < maxClocks) {
			k.asking, k.tried, k.asked = true, true, now
			c.asking++
			ask = append(ask, p)
		}
	}
	return ask
}

// void forgets what was measured before this node's clock jumped, and has it measured again.
func (c *estimates) void(now time.Duration) {
	for _, k := range c.peers {
		k.known = false
		if k.tried {
			k.due = min(k.due, max(k.asked+jumpPause, now)+c.spread(firstDelay))
		}
	}
}

// Reading is a peer's clock, in ms since the epoch, and when it was asked for and had come, by this
// node's elapsed time.
type Reading struct {
	Clock       uint64
	asked, came time.Duration
}

// read tells what a peer answered. It read its clock at some time in between, most probably in the
// middle.
func (c *estimates) read(p peer.ID, r Reading) {
	k := c.ended(p, r.came)
	if k == nil {
		return
	}
	middle := (r.asked + r.came) / 2
	k.known, k.read = true, r.came
	k.atStart = int64(r.Clock) - middle.Milliseconds()    // at most 2^53-1
	k.uncertainty = (r.came-r.asked).Milliseconds()/2 + 1 // clocks are read in whole milliseconds
}

// failed tells that a peer did not answer. What it said before stays.
func (c *estimates) failed(p peer.ID, now time.Duration) {
	if k := c.ended(p, now); k != nil {
		c.drop(p, k, now)
	}
}

func (c *estimates) ended(p peer.ID, now time.Duration) *peerEstimate {
	k := c.peers[p]
	if k == nil || !k.asking {
		return nil
	}
	c.asking--
	k.asking = false
	k.due = now + askEvery + c.spread(askEvery/4)
	return k
}

// mostOffset bounds an offset in ms, so that it is a duration: a hundred years.
const mostOffset = 100 * 365 * 24 * 3600 * 1000

// status sums up what peers said.
func (c *estimates) status(now time.Duration, wall int64) (s Status) {
	type measured struct{ offset, uncertainty int64 }
	var all []measured
	for _, k := range c.peers {
		switch {
		case k.known:
			all = append(all, measured{k.atStart + now.Milliseconds() - wall, k.uncertainty})
		case k.here && k.tried && !k.asking:
			s.Silent++
		}
	}
	if s.Peers = len(all); s.Peers == 0 {
		return s
	}
	slices.SortFunc(all, func(a, b measured) int { return int(max(-1, min(1, a.offset-b.offset))) })
	m := all[len(all)/2]
	if low := all[(len(all)-1)/2]; max(low.offset, -low.offset) < max(m.offset, -m.offset) {
		m = low
	}
	s.Offset = time.Duration(max(-mostOffset, min(mostOffset, m.offset))) * time.Millisecond
	s.Error = time.Duration(m.uncertainty) * time.Millisecond
	return s
}
