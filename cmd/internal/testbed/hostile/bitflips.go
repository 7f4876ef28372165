package hostile

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// bitFlips is what bad memory or a broken router would do, only more often: nothing that it says is
// quite what it should be.
func bitFlips(a *attacker) behavior {
	return behavior{
		attack: func(ctx context.Context, target peer.ID) error {
			a.running.Go(func() { _ = a.learn(ctx, target) })
			a.running.Go(func() { _ = a.collect(ctx, target) })
			return every(ctx, 100*time.Millisecond, 1000, func(int) error {
				known := a.memory.named(maxMemory)
				if len(known) == 0 {
					return nil
				}
				id := known[a.draw(len(known))]
				if frame := a.memory.frame(id[:]); frame != nil {
					return a.publish(ctx, target, a.flip(frame))
				}
				return nil
			})
		},
		fetch: a.serveFlipped,
		reconcile: func(s network.Stream) error {
			return a.reconcile(s, func(round int, end uint64) []byte {
				named := a.memory.named(listed)
				for i := range named {
					if a.draw(4) == 0 {
						named[i] = protocol.ID(a.flip(named[i][:]))
					}
				}
				if round%2 == 1 {
					return a.flip(list(end, named))
				}
				return list(end, named)
			})
		},
	}
}

// serveFlipped answers a fetch with the records asked for, each with a bit wrong.
func (a *attacker) serveFlipped(s network.Stream) error {
	r, err := readRequest(s)
	if err != nil {
		return err
	}
	for _, id := range r.ids {
		item := []byte{lacking}
		if frame := a.memory.frame(id); frame != nil {
			item = appendItem(nil, a.flip(frame))
		}
		if _, err := s.Write(item); err != nil {
			return err
		}
	}
	return nil
}
