package hostile

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// gossipGarbage costs its targets a decoding each, and a signature where the rest is right. The
// three first messages should be all that they read of it.
func gossipGarbage(a *attacker) behavior {
	return behavior{attack: func(ctx context.Context, target peer.ID) error {
		return every(ctx, 50*time.Millisecond, 2000, func(i int) error {
			message := a.noise(1 + a.draw(2000))
			if i%2 == 1 {
				r, err := a.author.record()
				if err != nil {
					return err
				}
				h := r.Header
				h.Signature[a.draw(len(h.Signature))] ^= 1
				if message, err = forged(h, r); err != nil {
					return err
				}
			}
			return a.publish(ctx, target, message)
		})
	}}
}
