package p2p

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-datastore"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/lf-store/lf/internal/strictjson"
)

// knownKey is where the known peers are in the datastore.
var knownKey = datastore.NewKey("/lf/known-peers")

// KnownPeers remembers, across restarts, the peers of this network that the node was connected to.
// A node that had peers finds the network again when its seeds are gone. libp2p's peerstore in a
// database is no substitute. It is deprecated, writes whenever a connection changes, and forgets a
// peer's addresses half an hour after the peer has left.
type KnownPeers struct {
	host  *Host
	store datastore.Datastore
	log   *slog.Logger

	mu    sync.Mutex
	peers map[peer.ID]knownPeer
}

// knownPeer is one peer as it is stored. Seen is in milliseconds since the epoch.
type knownPeer struct {
	ID        peer.ID  `json:"id"`
	Addresses []string `json:"addresses"`
	Seen      int64    `json:"seen"`
}

// LoadKnownPeers loads what is stored.
func LoadKnownPeers(ctx context.Context, h *Host, store datastore.Datastore) (*KnownPeers, error) {
	k := &KnownPeers{host: h, store: store, log: h.config.Logger, peers: map[peer.ID]knownPeer{}}
	if err := k.load(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// Run saves what is known now and then, and when its context ends. The host must still be up then.
func (k *KnownPeers) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookForNewEvery)
	defer ticker.Stop()
	saved := time.Now()
	for {
		select {
		case <-ctx.Done():
			return k.save(context.WithoutCancel(ctx), time.Now())
		case now := <-ticker.C:
			if now.Sub(saved) < saveKnownEvery && !k.strangers() {
				continue
			}
			saved = now
			if err := k.save(ctx, now); err != nil && ctx.Err() == nil {
				k.log.Warn("cannot save the known peers", "error", err)
			}
		}
	}
}

// strangers reports whether few peers are known, and a connected one is not among them. A node with
// few peers must not lose them all to a crash in its first minutes.
func (k *KnownPeers) strangers() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.peers) < fewKnown && slices.ContainsFunc(k.host.Network().Peers(), func(p peer.ID) bool {
		_, known := k.peers[p]
		return !known && k.host.Speaks(p) && len(k.addresses(p)) > 0
	})
}

// load reads what was stored; what cannot be read is worth a line in the log and no more.
func (k *KnownPeers) load(ctx context.Context) error {
	data, err := k.store.Get(ctx, knownKey)
	if errors.Is(err, datastore.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load the known peers: %w", err)
	}
	var list []knownPeer
	if err := strictjson.Unmarshal(data, &list, strictjson.IgnoreUnknown); err != nil {
		k.log.Warn("the known peers are damaged: the node begins without them", "error", err)
		return nil
	}
	for _, p := range list {
		k.peers[p.ID] = p
	}
	return nil
}

func (k *KnownPeers) save(ctx context.Context, now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.meet(now) {
		return nil
	}
	list := make([]knownPeer, 0, len(k.peers))
	for _, p := range k.peers {
		list = append(list, p)
	}
	// Whom the node met last it finds again most probably.
	slices.SortFunc(list, func(a, b knownPeer) int { return cmp.Or(cmp.Compare(b.Seen, a.Seen), cmp.Compare(a.ID, b.ID)) })
	for len(list) > maxKnown {
		delete(k.peers, list[len(list)-1].ID)
		list = list[:len(list)-1]
	}
	data, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("encode the known peers: %w", err)
	}
	if err := k.store.Put(ctx, knownKey, data); err != nil {
		return fmt.Errorf("save the known peers: %w", err)
	}
	return nil
}

// meet takes in the peers that are connected now, and reports whether there are any.
func (k *KnownPeers) meet(now time.Time) bool {
	met := false
	for _, id := range k.host.Network().Peers() {
		if !k.host.Speaks(id) {
			continue
		}
		p := knownPeer{ID: id, Seen: now.UnixMilli(), Addresses: k.addresses(id)}
		if len(p.Addresses) > 0 {
			k.peers[id] = p
			met = true
		}
	}
	return met
}

// addresses are those of a connected peer that may be dialed.
func (k *KnownPeers) addresses(p peer.ID) (list []string) {
	for _, a := range k.host.Peerstore().Addrs(p) {
		if len(list) < maxKnownAddrs && k.host.MayDial(a) {
			list = append(list, a.String())
		}
	}
	return list
}

// Count is how many peers are known.
func (k *KnownPeers) Count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.peers)
}

// List returns the known peers with those of their addresses that may be dialed.
func (k *KnownPeers) List() []peer.AddrInfo {
	k.mu.Lock()
	defer k.mu.Unlock()
	var infos []peer.AddrInfo
	for _, p := range k.peers {
		info := peer.AddrInfo{ID: p.ID}
		for _, s := range p.Addresses {
			if a, err := ma.NewMultiaddr(s); err == nil && k.host.MayDial(a) {
				info.Addrs = append(info.Addrs, a)
			}
		}
		if len(info.Addrs) > 0 {
			infos = append(infos, info)
		}
	}
	return infos
}
