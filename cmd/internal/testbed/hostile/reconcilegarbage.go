package hostile

import (
	"context"
	"encoding/binary"
	"math"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// reconcileGarbage breaks every rule of the messages in turn, in either role.
func reconcileGarbage(a *attacker) behavior {
	return behavior{
		attack: func(ctx context.Context, target peer.ID) error {
			return every(ctx, 200*time.Millisecond, 1000, func(i int) error {
				_ = a.with(ctx, target, "reconcile", func(s network.Stream) error {
					if _, err := s.Write(a.broken(i)); err != nil {
						return err
					}
					_, err := readMessage(s)
					return err
				})
				return nil
			})
		},
		reconcile: func(s network.Stream) error {
			if _, err := readMessage(s); err != nil {
				return err
			}
			if _, err := s.Write(a.broken(a.draw(100))); err != nil {
				return err
			}
			_, err := readMessage(s)
			return err
		},
	}
}

// broken is a frame that no correct peer sends.
func (a *attacker) broken(kind int) []byte {
	endless := func(mode byte) []byte { return append(appendBound([]byte{versionByte}, 0), mode) }
	switch kind % 8 {
	case 0:
		return a.noise(1 + a.draw(5000))
	case 1: // a length beyond reason
		return append(binary.BigEndian.AppendUint32(make([]byte, 8), math.MaxUint32), a.noise(100)...)
	case 2: // a list as long as its number says, and it says much
		return framed(appendVarint(endless(modeList), math.MaxUint64))
	case 3: // half a fingerprint
		return framed(append(endless(modePrint), a.noise(printSize/2)...))
	case 4: // an unknown mode
		return framed(endless(7))
	case 5: // a number without an end
		b := []byte{versionByte}
		for range 1000 {
			b = append(b, 0xff)
		}
		return framed(b)
	case 6: // something after infinity
		return framed(append(append(list(forever, nil), 0, 0, modePrint), a.noise(printSize)...))
	default: // nothing at all
		return framed(nil)
	}
}
