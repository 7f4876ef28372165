package lfsync

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
)

// The clock protocol, version 1. Its name is "/lf/<network>/clock/1", with the CID of the network
// ID in base32. Whoever opens a stream closes its side at once, and is answered with
//
//	clock = milliseconds since the Unix epoch (8 bytes, big-endian, below 2^53)
//
// by the responder, which then closes its own side.

// clockService names the clock protocol to the resource manager and in metrics.
const clockService = "lf.clock"

// clockSize is an answer's length.
const clockSize = 8

func clockProtocol(n *protocol.Network) libprotocol.ID {
	return streamProtocol(n, "clock")
}

// serveClock answers with this node's clock. It takes none of the places that all peers share: it
// needs neither the store nor a core.
func (s *Sync) serveClock(ctx context.Context, v *visit) error {
	deadline := s.itemDeadline(ctx)
	if err := v.SetDeadline(deadline); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	switch n, err := v.Read(make([]byte, 1)); {
	case n > 0:
		return guilty("a question for the clock that says more")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("wait for the question: %w", err)
	}
	if err := v.pay(ctx, 1); err != nil {
		return err
	}
	if _, err := v.Write(binary.BigEndian.AppendUint64(nil, s.now())); err != nil {
		return fmt.Errorf("send the clock: %w", err)
	}
	return nil
}

// parseClock reads an answer.
func parseClock(b []byte) (uint64, error) {
	ms := binary.BigEndian.Uint64(b)
	if ms > protocol.MaxTimestamp {
		return 0, guilty("a clock that shows %d", ms)
	}
	return ms, nil
}
