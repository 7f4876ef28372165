package hostile

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// gossipInventedAncestors has its targets keep records that will never attach, and look for ancestors that nobody has. Each
// record is valid and paid for, so gossip passes it on: the targets may lose no more than a bounded place for it, and a few requests.
func gossipInventedAncestors(a *attacker) behavior {
	return behavior{attack: func(ctx context.Context, target peer.ID) error {
		return every(ctx, 20*time.Millisecond, 5000, func(int) error {
			r, err := a.author.record(protocol.ID(a.noise(idSize)), protocol.ID(a.noise(idSize)), protocol.ID(a.noise(idSize)))
			if err != nil {
				return err
			}
			return a.publish(ctx, target, r.EncodeFrame())
		})
	}}
}
