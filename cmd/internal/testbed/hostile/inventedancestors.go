package hostile

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// gossipInventedAncestors has its targets keep records that will never attach, and look for
// ancestors that nobody has. Each record is valid and paid for, so gossip passes it on. It names as
// many ancestors as there may be. The targets may lose no more than a bounded place for it, and a
// few requests.
func gossipInventedAncestors(a *attacker) behavior {
	return behavior{attack: func(ctx context.Context, target peer.ID) error {
		return every(ctx, 10*time.Millisecond, 5000, func(int) error {
			links := make([]protocol.ID, protocol.MaxLinks)
			for i := range links {
				links[i] = protocol.ID(a.noise(idSize))
			}
			r, err := a.author.nameless(links)
			if err != nil {
				return err
			}
			return a.publish(ctx, target, r.EncodeFrame())
		})
	}}
}
