package p2p

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
)

// maxBans bounds the peers that are refused, about 100 bytes each. An attacker with thousands of
// identities can only have older bans forgotten earlier.
const maxBans = 4096

// bans are the peers that are refused for a while, because they did not behave or because the user
// has parted from them. The gater asks it about every connection. The zero value is ready, and
// refuses nobody.
type bans struct {
	mu    sync.RWMutex
	until map[peer.ID]time.Time
}

// allow reports whether a connection with a peer may be. A nil one allows every one.
func (b *bans) allow(p peer.ID) bool {
	if b == nil {
		return true
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	return !time.Now().Before(b.until[p])
}

// listedBans is how many of the peers that are refused are named to who asks.
const listedBans = 16

// facts counts the peers that are refused now, and names those that are refused for longest.
func (b *bans) facts(now time.Time) api.BannedPeers {
	list := []api.Ban{}
	b.mu.RLock()
	for p, until := range b.until {
		if now.Before(until) {
			list = append(list, api.Ban{Peer: p.String(), Until: api.Millis(until)})
		}
	}
	b.mu.RUnlock()
	slices.SortFunc(list, func(x, y api.Ban) int { return cmp.Or(cmp.Compare(y.Until, x.Until), cmp.Compare(x.Peer, y.Peer)) })
	return api.BannedPeers{Count: len(list), Peers: list[:min(len(list), listedBans)]}
}

// add refuses a peer for so long at least, and ends its connections, which it does not wait for.
func (b *bans) add(n network.Network, p peer.ID, d time.Duration) {
	b.refuse(p, time.Now().Add(d))
	go func() { _ = n.ClosePeer(p) }() // it may be gone already
}

// refuse refuses a peer until a time at least. Its connections stay.
func (b *bans) refuse(p peer.ID, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until == nil {
		b.until = make(map[peer.ID]time.Time)
	}
	if len(b.until) >= maxBans {
		b.makeRoom(time.Now())
	}
	if until.After(b.until[p]) {
		b.until[p] = until
	}
}

// end is when a peer is no longer refused, in the past or zero if it is not.
func (b *bans) end(p peer.ID) time.Time {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.until[p]
}

// lift lets a peer connect again.
func (b *bans) lift(p peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.until, p)
}

// makeRoom forgets bans that are over. If there are none, it forgets the one that ends first.
func (b *bans) makeRoom(now time.Time) {
	var first peer.ID
	for p, t := range b.until {
		if t.Before(now) {
			delete(b.until, p)
		} else if first == "" || t.Before(b.until[first]) {
			first = p
		}
	}
	if len(b.until) >= maxBans {
		delete(b.until, first)
	}
}
