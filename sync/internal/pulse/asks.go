package pulse

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// asks says whom to ask for pulses, and when: each peer soon after it came, and then now and then.
// One is asked at a time, so that what the first one brings need not come from the next. It is
// pure: its owner tells it the time.
type asks struct {
	peers  map[peer.ID]*askedPeer
	asking bool
	random func() float64 // in [0, 1)
}

type askedPeer struct {
	due   time.Duration
	tries int // since it last brought all that it named
}

func newAsks(random func() float64) *asks {
	return &asks{peers: map[peer.ID]*askedPeer{}, random: random}
}

// meet tells whether a peer can be asked.
func (a *asks) meet(p peer.ID, here bool, now time.Duration) {
	switch known := a.peers[p]; {
	case !here:
		delete(a.peers, p)
	case known == nil && len(a.peers) < maxPeers:
		a.peers[p] = &askedPeer{due: now + askDelay + a.spread(askDelay)}
	}
}

func (a *asks) spread(most time.Duration) time.Duration {
	return time.Duration(a.random() * float64(most))
}

// next returns the peer to ask now. It must be answered by done.
func (a *asks) next(now time.Duration) (p peer.ID, ok bool) {
	if a.asking {
		return "", false
	}
	var due time.Duration
	for id, known := range a.peers {
		if known.due <= now && (!ok || known.due < due) {
			p, due, ok = id, known.due, true
		}
	}
	a.asking = ok
	return p, ok
}

// done tells how asking a peer went. It is incomplete where the peer named pulses of records that
// are not here yet, or did not answer.
func (a *asks) done(p peer.ID, complete bool, now time.Duration) {
	a.asking = false
	known := a.peers[p]
	if known == nil {
		return
	}
	pause := askEvery * time.Duration(len(a.peers))
	switch {
	case complete && now < settledAfter:
		known.tries = 0
		pause = settledAfter - now
	case complete:
		known.tries = 0
	default:
		retry := retryLeast << min(known.tries, 10)
		known.tries++
		pause = min(pause, retry)
	}
	known.due = now + pause + a.spread(pause)
}
