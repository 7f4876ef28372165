package lfsync

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"github.com/lf-store/lf/protocol"
)

// The push protocol, version 1. Its name is "/lf/<network>/push/1", with the CID of the network ID in base32. A stream carries
// records one way; integers are big-endian.
//
//	push = 1 to 16 × ( length (4 bytes, 1 to 65,552) frame )
//
// The sender closes its side after the last one; the receiver, which sends nothing, closes its own when it has dealt with all. Frames carry
// their value.

// pushService names the push protocol to the resource manager and in metrics.
const pushService = "lf.push"

func pushProtocol(n *protocol.Network) libprotocol.ID {
	return streamProtocol(n, "push")
}

func appendPushed(b, frame []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(frame))) //nolint:gosec // at most MaxFrame
	return append(b, frame...)
}

// servePush takes in what a peer pushes. Any peer may, whatever connects it: what it pushes is treated like gossip.
func (s *Sync) servePush(ctx context.Context, v *visit) error {
	in := bufio.NewReaderSize(v, maxItem)
	for n := 0; ; n++ {
		if err := v.SetReadDeadline(s.itemDeadline(ctx)); err != nil {
			return fmt.Errorf("set deadline: %w", err)
		}
		switch _, err := in.Peek(1); {
		case errors.Is(err, io.EOF) && n > 0:
			return nil
		case errors.Is(err, io.EOF):
			return guilty("a push of nothing")
		case err != nil:
			return fmt.Errorf("read a push: %w", err)
		case n >= maxPushed:
			return guilty("a push of more than %d records", maxPushed)
		}
		if err := s.takePushed(ctx, v, in); err != nil {
			return err
		}
	}
}

// takePushed takes in the next record. It holds one of the places that all peers share only once the record has come.
func (s *Sync) takePushed(ctx context.Context, v *visit, in *bufio.Reader) error {
	it, err := readFrame(in, false)
	if err != nil || it.unknown {
		return err
	}
	end, err := v.begin()
	if err != nil {
		return err
	}
	defer end()
	if err := v.pay(ctx, pushUnits); err != nil {
		return err
	}
	return s.pushed(ctx, it.record, v.Conn().RemotePeer())
}

// pushed takes in a record and passes it on if gossip would.
func (s *Sync) pushed(ctx context.Context, r *protocol.Record, from peer.ID) error {
	ctx, done := context.WithTimeout(ctx, storeTime)
	defer done()
	in, err := s.ingest(ctx, r, Source{Via: ViaPush, Peer: from})
	switch s.verdict(in, err) {
	case pubsub.ValidationReject:
		return guilty("%v", err)
	case pubsub.ValidationAccept:
		s.spread(ctx, r.ID(), r.EncodeFrame(), from)
	case pubsub.ValidationIgnore:
	}
	return nil
}
