package hostile

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/lf-store/lf/protocol"
)

// reconcileBogusIDs has its targets look for records that are not there, and fills the list of what
// they want.
func reconcileBogusIDs(a *attacker) behavior {
	bogus := func(end uint64) []byte {
		made := make([]protocol.ID, listed)
		for i := range made {
			made[i] = protocol.ID(a.noise(idSize))
		}
		return list(end, made)
	}
	return behavior{
		attack: func(ctx context.Context, target peer.ID) error {
			return every(ctx, time.Second, 600, func(int) error {
				_ = a.with(ctx, target, "reconcile", func(s network.Stream) error { return a.askWith(s, bogus(aboutNow())) })
				return nil
			})
		},
		reconcile: func(s network.Stream) error {
			return a.reconcile(s, func(_ int, end uint64) []byte { return bogus(end) })
		},
	}
}

// askWith begins to reconcile with a message, and reads the answer.
func (a *attacker) askWith(s network.Stream, message []byte) error {
	if _, err := s.Write(framed(message)); err != nil {
		return err
	}
	if _, err := readMessage(s); err != nil {
		return err
	}
	return s.CloseWrite()
}
