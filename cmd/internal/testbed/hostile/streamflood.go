package hostile

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// streamFlood opens a hundred streams a second, of both protocols. A third of them is silent, a
// third carries half a request, and the rest asks and does not read the answer. It holds all of
// them as long as the target lets it.
func streamFlood(a *attacker) behavior {
	return behavior{attack: func(ctx context.Context, target peer.ID) error {
		return every(ctx, 10*time.Millisecond, 10_000, func(i int) error {
			s, err := a.open(ctx, target, []string{"fetch", "reconcile"}[i%2])
			if err != nil {
				return nil //nolint:nilerr // turned away, which is what it is about
			}
			var first []byte
			switch i % 3 {
			case 0:
				first = []byte{1}
			case 1:
				first = appendRequest(nil, a.memory.named(1), 0)
			}
			a.running.Go(func() { a.hold(ctx, target, s, first) })
			return nil
		})
	}}
}

// hold keeps a stream open until the target resets it, or the connection ends.
func (a *attacker) hold(ctx context.Context, target peer.ID, s network.Stream, first []byte) {
	defer func() { _ = s.Reset() }()
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	_, err := s.Write(first)
	for buffer := make([]byte, 1024); err == nil; {
		_, err = s.Read(buffer)
	}
	a.stream(target, err)
}
