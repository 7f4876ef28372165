package node

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/node/api"
)

// maxShunned bounds the peers that are refused, some 100 bytes each. Who has a thousand identities
// costs the most a node can do about identities: others are forgotten the earlier.
const maxShunned = 4096

// shunned are the peers that are refused for a while because they did not behave. The gater asks it
// about every connection. The zero value is ready, and refuses nobody.
type shunned struct {
	mu    sync.RWMutex
	until map[peer.ID]time.Time
}

// allow reports whether a connection with a peer may be. A nil shunned allows every one.
func (s *shunned) allow(p peer.ID) bool {
	if s == nil {
		return true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return !time.Now().Before(s.until[p])
}

// listShunned is how many of the peers that are refused are named to who asks.
const listShunned = 16

// facts counts those who are refused now, and names some, those that are refused for longest.
func (s *shunned) facts(now time.Time) api.ShunnedPeers {
	list := []api.Shunned{}
	s.mu.RLock()
	for p, until := range s.until {
		if now.Before(until) {
			list = append(list, api.Shunned{Peer: p.String(), Until: millis(until)})
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(list, func(a, b api.Shunned) int { return cmp.Or(cmp.Compare(b.Until, a.Until), cmp.Compare(a.Peer, b.Peer)) })
	return api.ShunnedPeers{Count: len(list), Peers: list[:min(len(list), listShunned)]}
}

// add refuses a peer for so long at least, and ends its connections, which it does not wait for.
func (s *shunned) add(n network.Network, p peer.ID, d time.Duration) {
	now := time.Now()
	s.mu.Lock()
	if s.until == nil {
		s.until = make(map[peer.ID]time.Time)
	}
	if len(s.until) >= maxShunned {
		s.makeRoom(now)
	}
	if until := now.Add(d); until.After(s.until[p]) {
		s.until[p] = until
	}
	s.mu.Unlock()
	go func() { _ = n.ClosePeer(p) }() // it may be gone already
}

// makeRoom forgets who has served its time, or else the one who would have first.
func (s *shunned) makeRoom(now time.Time) {
	var first peer.ID
	for p, t := range s.until {
		if t.Before(now) {
			delete(s.until, p)
		} else if first == "" || t.Before(s.until[first]) {
			first = p
		}
	}
	if len(s.until) >= maxShunned {
		delete(s.until, first)
	}
}
