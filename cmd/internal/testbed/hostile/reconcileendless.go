package hostile

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// reconcileEndless answers each message with fingerprints of ranges that it makes up, so that there
// is always one more to compare, in either role.
func reconcileEndless(a *attacker) behavior {
	return behavior{
		attack: func(ctx context.Context, target peer.ID) error {
			return every(ctx, time.Second, 600, func(int) error {
				_ = a.with(ctx, target, "reconcile", func(s network.Stream) error {
					for {
						if _, err := s.Write(framed(a.prints())); err != nil {
							return err
						}
						if _, err := readMessage(s); err != nil {
							return err
						}
					}
				})
				return nil
			})
		},
		reconcile: func(s network.Stream) error { return a.reconcile(s, func(int, uint64) []byte { return a.prints() }) },
	}
}

// prints is a message of random fingerprints of ranges up to about now.
func (a *attacker) prints() []byte {
	const ranges = 400
	b := []byte{versionByte}
	step := int(time.Now().UnixMilli() / ranges)
	for i := range ranges {
		if i == ranges-1 {
			b = appendBound(b, 0)
		} else {
			b = appendBound(b, uint64(1+a.draw(step))) // positive
		}
		b = append(append(b, modePrint), a.noise(printSize)...)
	}
	return b
}
